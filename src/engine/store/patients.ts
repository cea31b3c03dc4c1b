/** Stores patients and lists them with their latest visit, searched and paged. Stores no visit. */

import type { PatientSummary } from '../../shared/contract.ts';
import type { DiagnosisSystem, Patient, Sex } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { countWaiting, indexPatient, searchQuery, type Titles } from './search.ts';

interface PatientRow {
  readonly key: number;
  readonly id: string;
  readonly demo: number;
  readonly source_id: string | null;
  readonly name: string;
  readonly sex: Sex;
  readonly birth_year: number | null;
}

const COLUMNS = 'p.key, p.id, p.demo, p.source_id, p.name, p.sex, p.birth_year';

/** Stores a patient without visits. */
export function insertPatient(db: WritableDb, patient: Patient): void {
  db.transaction(() => indexPatient(db, insertPatientRow(db, patient)));
}

/** Stores the row only; the caller writes visits next and then the search document. @returns the internal key */
export function insertPatientRow(db: WritableDb, patient: Patient): number {
  return db.run(
    'INSERT INTO patients (id, demo, source_id, name, sex, birth_year) VALUES (?, ?, ?, ?, ?, ?)',
    patient.id,
    patient.demo ? 1 : 0,
    patient.sourceId,
    patient.name,
    patient.sex,
    patient.birthYear,
  ).rowid;
}

/** A patient that was merged into another one answers as that one. */
const SURVIVOR = 'patients s JOIN patients p ON p.key = coalesce(s.merged_into, s.key)';

/**
 * The patient of an id, or the one that it was merged into.
 * @throws FlameError NOT_FOUND
 */
export function getPatient(db: ReadableDb, id: PatientId): Patient {
  const patient = findPatient(db, id);
  if (!patient) throw new FlameError('NOT_FOUND', { what: 'patient' });
  return patient;
}

/** Like getPatient, but null when no patient has the id. */
export function findPatient(db: ReadableDb, id: PatientId): Patient | null {
  const row = db.get<PatientRow>(`SELECT ${COLUMNS} FROM ${SURVIVOR} WHERE s.id = ?`, id);
  return row ? patientOf(row) : null;
}

/** The internal key of a patient, or of the one that it was merged into. @throws FlameError NOT_FOUND */
export function patientKeyOf(db: ReadableDb, id: PatientId): number {
  const row = db.get<{ key: number }>(`SELECT p.key FROM ${SURVIVOR} WHERE s.id = ?`, id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'patient' });
  return row.key;
}

/** The patient that was imported under this identifier, demo patients and a site's own kept apart. */
export function findPatientBySource(db: ReadableDb, sourceId: string, demo: boolean): Patient | null {
  const row = db.get<PatientRow>(
    `SELECT ${COLUMNS} FROM ${SURVIVOR} WHERE s.demo = ? AND s.source_id = ?`,
    demo ? 1 : 0,
    sourceId,
  );
  return row ? patientOf(row) : null;
}

/** Archived patients count; those merged into another one do not. */
export function countPatients(db: ReadableDb): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM patients WHERE merged_into IS NULL')!.n;
}

/** True when the bundled demo patients are in the database. */
export function demoLoaded(db: ReadableDb): boolean {
  return db.get('SELECT 1 FROM patients WHERE demo = 1 LIMIT 1') !== undefined;
}

export interface PatientQuery {
  readonly query: string;
  readonly limit: number;
  readonly offset: number;
  /** True lists the archived patients, and only those. */
  readonly archived?: boolean | undefined;
}

/**
 * One page of patients, latest visit first; with a query, those whose name, identifiers, diagnoses, drugs or notes
 * hold every word of it. `waiting` counts the patients that it may have missed (search.ts); without a query it misses none.
 */
export function listPatients(
  db: ReadableDb,
  { query, limit, offset, archived = false }: PatientQuery,
  titles: Titles,
): { total: number; patients: PatientSummary[]; waiting: number } {
  const match = searchQuery(query);
  const { total, rows } =
    match === null
      ? allPatients(db, archived, limit, offset)
      : matchingPatients(db, match, archived, limit, offset);
  return {
    total,
    patients: rows.map((row) => summaryOf(db, row, titles)),
    waiting: match === null ? 0 : countWaiting(db),
  };
}

/** One patient as lists show it. @throws FlameError NOT_FOUND */
export function patientSummary(db: ReadableDb, id: PatientId, titles: Titles): PatientSummary {
  const key = patientKeyOf(db, id);
  return summaryOf(db, db.get<PatientRow>(`SELECT ${COLUMNS} FROM patients p WHERE p.key = ?`, key)!, titles);
}

interface Page {
  readonly total: number;
  readonly rows: readonly PatientRow[];
}

const LISTED = 'p.merged_into IS NULL AND p.archived_at IS NULL';
const ARCHIVED = 'p.merged_into IS NULL AND p.archived_at IS NOT NULL';
const FEW_HITS = 1000;
const PAGE = 'ORDER BY p.last_visit_date DESC, p.key DESC LIMIT ? OFFSET ?';

function allPatients(db: ReadableDb, archived: boolean, limit: number, offset: number): Page {
  const from = `FROM patients p WHERE ${archived ? ARCHIVED : LISTED}`;
  const rows = db.all<PatientRow>(`SELECT ${COLUMNS} ${from} ${PAGE}`, limit, offset);
  return { total: db.get<{ n: number }>(`SELECT count(*) AS n ${from}`)!.n, rows };
}

/**
 * Few hits are sorted; with many, patients are read in the order of the list until the page is full. The plus keeps
 * SQLite from looking every hit up first. Patients that were merged into another one have no document.
 */
function matchingPatients(
  db: ReadableDb,
  match: string,
  archived: boolean,
  limit: number,
  offset: number,
): Page {
  if (match === '') return { total: 0, rows: [] };
  const hits = '(SELECT rowid FROM patient_search WHERE patient_search MATCH ?)';
  const found = db.get<{ n: number }>(`SELECT count(*) AS n FROM ${hits}`, match)!.n;
  const put = db.get<{ n: number }>(
    `SELECT count(*) AS n FROM patients p WHERE p.archived_at IS NOT NULL AND +p.key IN ${hits}`,
    match,
  )!.n;
  const key = found <= FEW_HITS ? 'p.key' : '+p.key';
  const rows = db.all<PatientRow>(
    `SELECT ${COLUMNS} FROM patients p WHERE ${archived ? ARCHIVED : LISTED} AND ${key} IN ${hits} ${PAGE}`,
    match,
    limit,
    offset,
  );
  return { total: archived ? put : found - put, rows };
}

function summaryOf(db: ReadableDb, row: PatientRow, titles: Titles): PatientSummary {
  const last = db.get<{ key: number; id: string; date: string }>(
    'SELECT key, id, date FROM visits WHERE patient = ? ORDER BY date DESC, key DESC LIMIT 1',
    row.key,
  );
  const visits = db.get<{ n: number }>('SELECT count(*) AS n FROM visits WHERE patient = ?', row.key)!.n;
  return {
    patient: patientOf(row),
    visitCount: visits,
    lastVisitDate: last?.date ?? null,
    lastVisitId: last ? asId<VisitId>(last.id) : null,
    lastDiagnoses: last ? diagnosisTitles(db, last.key, titles) : [],
    decided: last ? db.get('SELECT 1 FROM decisions WHERE visit = ? LIMIT 1', last.key) !== undefined : false,
  };
}

/** Titles of a visit's diagnoses in their order; the code itself where no table knows it. */
export function diagnosisTitles(db: ReadableDb, visitKey: number, titles: Titles): string[] {
  return db
    .all<{
      system: DiagnosisSystem;
      code: string;
    }>('SELECT system, code FROM visit_diagnoses WHERE visit = ? ORDER BY position', visitKey)
    .map(({ system, code }) => titles.titleOf(system, code) ?? code);
}

export function patientOf(row: Omit<PatientRow, 'key'>): Patient {
  return {
    id: asId<PatientId>(row.id),
    name: row.name,
    sourceId: row.source_id,
    sex: row.sex,
    birthYear: row.birth_year,
    demo: row.demo === 1,
  };
}
