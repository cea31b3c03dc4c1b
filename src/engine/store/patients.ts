/** Stores patients and lists them with their latest visit, searched and paged. Stores no visit. */

import type { PatientSummary } from '../../shared/contract.ts';
import type { DiagnosisSystem, Patient, Sex } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { indexPatient, searchQuery, type Titles } from './search.ts';

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

/** @throws FlameError NOT_FOUND */
export function getPatient(db: ReadableDb, id: PatientId): Patient {
  const row = db.get<PatientRow>(`SELECT ${COLUMNS} FROM patients p WHERE p.id = ?`, id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'patient' });
  return patientOf(row);
}

/** The patient that was imported under this identifier, demo patients and a site's own kept apart. */
export function findPatientBySource(db: ReadableDb, sourceId: string, demo: boolean): Patient | null {
  const row = db.get<PatientRow>(
    `SELECT ${COLUMNS} FROM patients p WHERE p.demo = ? AND p.source_id = ?`,
    demo ? 1 : 0,
    sourceId,
  );
  return row ? patientOf(row) : null;
}

export function countPatients(db: ReadableDb): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM patients')!.n;
}

/** True when the bundled demo patients are in the database. */
export function demoLoaded(db: ReadableDb): boolean {
  return db.get('SELECT 1 FROM patients WHERE demo = 1 LIMIT 1') !== undefined;
}

/**
 * One page of patients, latest visit first; with a query, those whose name, identifiers, diagnoses, drugs or notes
 * hold every word of it.
 */
export function listPatients(
  db: ReadableDb,
  { query, limit, offset }: { query: string; limit: number; offset: number },
  titles: Titles,
): { total: number; patients: PatientSummary[] } {
  const match = searchQuery(query);
  if (match === '') return { total: 0, patients: [] };
  const order = 'ORDER BY p.last_visit_date DESC, p.key DESC LIMIT ? OFFSET ?';
  const select = `SELECT ${COLUMNS} FROM patients p`;
  const rows =
    match === null
      ? db.all<PatientRow>(`${select} ${order}`, limit, offset)
      : db.all<PatientRow>(
          `${select} WHERE p.key IN (SELECT rowid FROM patient_search WHERE patient_search MATCH ?) ${order}`,
          match,
          limit,
          offset,
        );
  const total =
    match === null
      ? countPatients(db)
      : db.get<{ n: number }>('SELECT count(*) AS n FROM patient_search WHERE patient_search MATCH ?', match)!
          .n;
  return { total, patients: rows.map((row) => summaryOf(db, row, titles)) };
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
