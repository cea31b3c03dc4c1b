/**
 * Full-text search over patients: name, source identifiers, diagnoses with codes, drugs, notes of all their visits.
 * One document a patient, rewritten by the functions that change one, in their transaction. An import leaves a mark in that
 * transaction instead, and the documents are written afterwards: a document rewritten for each visit costs more than all the rest.
 */

import type { Diagnosis, DiagnosisSystem } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

/** The words under which codes are found; the tables live elsewhere. */
export interface Titles {
  /** Null when no table knows the code. */
  titleOf(system: DiagnosisSystem, code: string): string | null;
  /** The name shown for a drug where it differs from its id. */
  drugNameOf?(drug: DrugId): string | null;
}

const MAXIMUM_WORDS = 16;
const MAXIMUM_QUERY = 400;
/** One letter or digit, perhaps with marks. */
const SINGLE = /^\P{M}\p{M}*$/u;
/** Begins a word that stands for the initial of a name; for private use, and a letter to the tokenizer. */
const INITIAL = '\uE000';
/** What the tokenizer cuts names at: all but letters, digits, private use and the marks that it leaves out. */
const NO_LETTERS = /[^\p{L}\p{N}\p{Co}\u0300-\u0331]+/u;

/**
 * Turns what somebody typed into an FTS5 query: every word must occur, each as the beginning of a word; accents and
 * case do not matter (the index's tokenizer folds both). A single letter is the beginning of a name or a word by itself:
 * nearly every record has some word that begins with it, and reading them all takes a quarter of a second. Nothing typed acts as
 * query syntax.
 * @returns null for an empty text, and a query without words as `''`
 */
export function searchQuery(typed: string): string | null {
  if (typed.trim() === '') return null;
  return typed
    .slice(0, MAXIMUM_QUERY)
    .replaceAll('\0', ' ')
    .split(/[\s"]+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, MAXIMUM_WORDS)
    .map((word) => (SINGLE.test(word) ? `("${word}" OR "${INITIAL}${word}")` : `"${word}"*`))
    .join(' AND ');
}

/** Titles and codes of diagnoses as searchable words: `E119`, `E11.9` and the title. */
export function problemWords(diagnoses: readonly Diagnosis[], titles: Titles): string {
  return diagnoses
    .map(({ system, code }) => `${code} ${dotted(system, code)} ${titles.titleOf(system, code) ?? ''}`.trim())
    .join('; ');
}

/** Names of drugs as searchable words, each drug once. */
export function drugWords(drugs: readonly DrugId[], titles: Titles): string {
  const words = [...new Set(drugs)].map((drug) => {
    const name = titles.drugNameOf?.(drug) ?? drug;
    return name === drug ? drug : `${drug} ${name}`;
  });
  return words.join('; ');
}

/** A name by which two patients are told to be the same: case, accents, punctuation and word order do not matter. */
export function foldedName(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{S}]+/u)
    .filter((word) => word !== '');
  return words.sort().join(' ');
}

/** The initials of a name's words, each once, as words by which a single letter finds them. */
function initialsOf(name: string): string {
  const initials = name.split(NO_LETTERS).flatMap((word) => Array.from(word).slice(0, 1));
  return [...new Set(initials)].map((initial) => `${INITIAL}${initial}`).join(' ');
}

/** Rewrites the document of one patient from its rows. Call inside the transaction that changed them. */
export function indexPatient(db: WritableDb, patientKey: number): void {
  removeDocument(db, patientKey);
  const named = db.get<{ name: string }>('SELECT name FROM patients WHERE key = ?', patientKey);
  db.run(
    `INSERT INTO patient_search (rowid, name, source, problems, drugs, notes)
     SELECT p.key, p.name || ' ' || ?,
       coalesce(p.source_id, '') || ' ' || coalesce(group_concat(v.source_id, ' '), '') || ' ' ||
         coalesce((SELECT group_concat(m.source_id, ' ') FROM patients m WHERE m.merged_into = p.key), ''),
       coalesce(group_concat(v.problem_words, '; '), ''),
       coalesce(group_concat(v.drug_words, '; '), ''),
       coalesce(group_concat(v.notes, ' '), '')
     FROM patients p LEFT JOIN visits v ON v.patient = p.key WHERE p.key = ? GROUP BY p.key`,
    initialsOf(named?.name ?? ''),
    patientKey,
  );
}

/** Takes a patient out of the search. Call inside the transaction that made it unfindable. */
export function removeDocument(db: WritableDb, patientKey: number): void {
  db.run('DELETE FROM patient_search WHERE rowid = ?', patientKey);
  db.run('DELETE FROM search_waiting WHERE patient = ?', patientKey);
}

/** Marks a document as behind its rows. Call inside the transaction that changed them. */
export function markForIndexing(db: WritableDb, patientKey: number): void {
  db.run('INSERT OR IGNORE INTO search_waiting (patient) VALUES (?)', patientKey);
}

/** Patients whose document is missing or old: a search may miss them. */
export function countWaiting(db: ReadableDb): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM search_waiting')!.n;
}

/** The last patient that waits now; null when none does. */
export function lastWaiting(db: ReadableDb): number | null {
  return db.get<{ last: number | null }>('SELECT max(patient) AS last FROM search_waiting')!.last;
}

/**
 * Writes the documents of the first `most` waiting patients after `after` and up to `last`, in the order of their keys,
 * which is the order in which the index is quickest.
 * @returns the last one written; null when none was left
 */
export function indexWaiting(db: WritableDb, after: number, last: number, most: number): number | null {
  const waiting = db.all<{ patient: number }>(
    'SELECT patient FROM search_waiting WHERE patient > ? AND patient <= ? ORDER BY patient LIMIT ?',
    after,
    last,
    most,
  );
  db.transaction(() => {
    for (const { patient } of waiting) indexPatient(db, patient);
  });
  return waiting.at(-1)?.patient ?? null;
}

/** The code as it is printed, with its dot. */
function dotted(system: DiagnosisSystem, code: string): string {
  const stem = system === 'ICD-9-CM' && code.startsWith('E') ? 4 : 3;
  return code.length > stem ? `${code.slice(0, stem)}.${code.slice(stem)}` : code;
}
