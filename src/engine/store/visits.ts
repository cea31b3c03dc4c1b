/** Stores visits with every recorded list and reads them back as they were. Changes no stored visit (visit-changes.ts does). */

import type { VisitSummary } from '../../shared/contract.ts';
import type { Lactation, Patient, Pregnancy, Setting, Sex, Visit } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { diagnosisTitles, insertPatientRow, patientKeyOf } from './patients.ts';
import { indexPatient, markForIndexing, type Titles } from './search.ts';
import { insertContent, readContent, visitWords } from './visit-content.ts';

/** A visit to store, with its patient when that one is new. */
export interface NewVisit {
  readonly visit: Visit;
  readonly newPatient?: Patient | undefined;
  readonly demo: boolean;
  /** Hash of the source's record, by which a second import recognises it. */
  readonly sourceHash?: string | undefined;
}

interface VisitRow {
  readonly key: number;
  readonly id: string;
  readonly patient_id: string;
  readonly source_id: string | null;
  readonly date: string;
  readonly date_known: number;
  readonly year: number;
  readonly age: number;
  readonly sex: Sex;
  readonly setting: Setting;
  readonly specialty: string | null;
  readonly notes: string;
  readonly prescribed_known: number;
  readonly pregnancy: Pregnancy;
  readonly lactation: Lactation;
  readonly age_months: number | null;
}

/**
 * Stores visits, their new patients and the search documents in one transaction.
 * @param search 'later' leaves marks instead of documents, for whoever calls completeSearch afterwards
 * @throws FlameError NOT_FOUND when a visit names a patient that is neither stored nor given
 */
export function insertVisits(
  db: WritableDb,
  visits: readonly NewVisit[],
  titles: Titles,
  search: 'now' | 'later' = 'now',
): void {
  const settle = search === 'now' ? indexPatient : markForIndexing;
  db.transaction(() => {
    const keys = new Map<PatientId, number>();
    for (const entry of visits) {
      const patientId = entry.visit.patientId;
      if (entry.newPatient) keys.set(entry.newPatient.id, insertPatientRow(db, entry.newPatient));
      const patientKey = keys.get(patientId) ?? patientKeyOf(db, patientId);
      keys.set(patientId, patientKey);
      insertVisit(db, entry, patientKey, titles);
    }
    for (const key of keys.values()) settle(db, key);
  });
}

/** @throws FlameError NOT_FOUND */
export function getVisit(db: ReadableDb, id: VisitId): Visit {
  const visit = findVisit(db, id);
  if (!visit) throw new FlameError('NOT_FOUND', { what: 'visit' });
  return visit;
}

export function findVisit(db: ReadableDb, id: VisitId): Visit | null {
  const row = db.get<VisitRow>(
    `SELECT v.key, v.id, p.id AS patient_id, v.source_id, v.date, v.date_known, v.year, v.age, v.sex, v.setting,
       v.specialty, v.notes, v.prescribed_known, v.pregnancy, v.lactation, v.age_months
     FROM visits v JOIN patients p ON p.key = v.patient WHERE v.id = ?`,
    id,
  );
  if (!row) return null;
  const { prescribed, context, ...lists } = readContent(db, row.key);
  return {
    id,
    patientId: asId<PatientId>(row.patient_id),
    sourceId: row.source_id,
    date: row.date,
    dateKnown: row.date_known === 1,
    context: {
      year: row.year,
      age: row.age,
      sex: row.sex,
      setting: row.setting,
      specialty: row.specialty,
      ...context,
    },
    ageMonths: row.age_months,
    notes: row.notes,
    prescribed: row.prescribed_known === 1 ? prescribed : null,
    pregnancy: row.pregnancy,
    lactation: row.lactation,
    ...lists,
  };
}

/** The visit that was imported under this identifier, with the hash of its record. */
export function findVisitBySource(
  db: ReadableDb,
  sourceId: string,
  demo: boolean,
): { id: VisitId; sourceHash: string | null } | null {
  const row = db.get<{ id: string; source_hash: string | null }>(
    'SELECT id, source_hash FROM visits WHERE demo = ? AND source_id = ?',
    demo ? 1 : 0,
    sourceId,
  );
  return row ? { id: asId<VisitId>(row.id), sourceHash: row.source_hash } : null;
}

/** Whether a visit of this database has this identifier as its own, as one that came back from an export has. */
export function isOwnVisit(db: ReadableDb, id: string): boolean {
  return db.get('SELECT 1 AS one FROM visits WHERE id = ?', id) !== undefined;
}

/** A patient's visits, latest first. */
export function listVisits(db: ReadableDb, patientId: PatientId, titles: Titles): VisitSummary[] {
  return db
    .all<{
      key: number;
      id: string;
      date: string;
      date_known: number;
      prescribed_known: number;
      prescribed: number;
      decisions: number;
    }>(
      `SELECT v.key, v.id, v.date, v.date_known, v.prescribed_known,
         (SELECT count(*) FROM visit_medications m WHERE m.visit = v.key AND m.role = 'prescribed') AS prescribed,
         (SELECT count(*) FROM decisions d WHERE d.visit = v.key) AS decisions
       FROM visits v JOIN patients p ON p.key = v.patient WHERE p.id = ? ORDER BY v.date DESC, v.key DESC`,
      patientId,
    )
    .map((row) => ({
      id: asId<VisitId>(row.id),
      date: row.date,
      dateKnown: row.date_known === 1,
      diagnoses: diagnosisTitles(db, row.key, titles),
      prescribedCount: row.prescribed_known === 1 ? row.prescribed : null,
      decisionCount: row.decisions,
    }));
}

export function countVisits(db: ReadableDb): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM visits')!.n;
}

/** The internal key of a visit. @throws FlameError NOT_FOUND */
export function visitKeyOf(db: ReadableDb, id: VisitId): number {
  const row = db.get<{ key: number }>('SELECT key FROM visits WHERE id = ?', id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'visit' });
  return row.key;
}

function insertVisit(db: WritableDb, entry: NewVisit, patientKey: number, titles: Titles): void {
  const { visit, demo, sourceHash } = entry;
  const { context, prescribed } = visit;
  const { problems, drugs } = visitWords(visit, titles);
  const { rowid } = db.run(
    `INSERT INTO visits (id, patient, demo, source_id, source_hash, date, date_known, year, age, sex, setting,
       specialty, notes, prescribed_known, problem_words, drug_words, pregnancy, lactation, age_months)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    visit.id,
    patientKey,
    demo ? 1 : 0,
    visit.sourceId,
    sourceHash ?? null,
    visit.date,
    visit.dateKnown ? 1 : 0,
    context.year,
    context.age,
    context.sex,
    context.setting,
    context.specialty,
    visit.notes,
    prescribed === null ? 0 : 1,
    problems,
    drugs,
    visit.pregnancy,
    visit.lactation,
    visit.ageMonths,
  );
  insertContent(db, rowid, visit);
}
