/** Changes stored patients: corrects, archives, merges, and finds those that may be the same person. Writes no audit. */

import type { Patient } from '../../shared/domain.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { patientKeyOf } from './patients.ts';
import { foldedName, indexPatient, removeDocument, searchQuery } from './search.ts';

/** Replaces name, identifier, sex and birth year. @throws FlameError NOT_FOUND */
export function changePatient(db: WritableDb, patient: Patient): void {
  db.transaction(() => {
    const key = patientKeyOf(db, patient.id);
    const before = db.get<{ source_id: string | null }>('SELECT source_id FROM patients WHERE key = ?', key)!;
    const alias = db.get<{ key: number }>(
      'SELECT key FROM patients WHERE merged_into = ? AND source_id = ?',
      key,
      patient.sourceId,
    );
    // The number of a patient merged into this one changes places with the number of this one: both still lead here.
    if (alias) db.run('UPDATE patients SET source_id = NULL WHERE key = ?', alias.key);
    db.run(
      'UPDATE patients SET source_id = ?, name = ?, sex = ?, birth_year = ? WHERE key = ?',
      patient.sourceId,
      patient.name,
      patient.sex,
      patient.birthYear,
      key,
    );
    if (alias) db.run('UPDATE patients SET source_id = ? WHERE key = ?', before.source_id, alias.key);
    indexPatient(db, key);
  });
}

/** An archived patient leaves the list; nothing of it is removed. @param at ISO time, or null to bring it back */
export function setArchived(db: WritableDb, id: PatientId, at: string | null): void {
  db.run('UPDATE patients SET archived_at = ? WHERE key = ?', at, patientKeyOf(db, id));
}

export function isArchived(db: ReadableDb, id: PatientId): boolean {
  const key = patientKeyOf(db, id);
  return (
    db.get('SELECT 1 FROM patients WHERE key = ? AND archived_at IS NOT NULL LIMIT 1', key) !== undefined
  );
}

/**
 * Moves the visits of `from` to `into`. The row of `from` stays, so that its identifiers lead to `into` from then on.
 * @returns the visits moved
 * @throws FlameError NOT_FOUND
 */
export function mergePatients(db: WritableDb, from: PatientId, into: PatientId): VisitId[] {
  return db.transaction(() => {
    const [source, target] = [patientKeyOf(db, from), patientKeyOf(db, into)];
    const moved = db.all<{ id: string }>('SELECT id FROM visits WHERE patient = ? ORDER BY key', source);
    db.run('UPDATE visits SET patient = ? WHERE patient = ?', target, source);
    db.run('UPDATE patients SET merged_into = ? WHERE key = ? OR merged_into = ?', target, source, source);
    refreshLastVisit(db, target);
    refreshLastVisit(db, source);
    removeDocument(db, source);
    indexPatient(db, target);
    return moved.map(({ id }) => asId<VisitId>(id));
  });
}

/** Sets the date that the list is sorted by, after a visit moved or changed its date. */
export function refreshLastVisit(db: WritableDb, patientKey: number): void {
  db.run(
    `UPDATE patients SET last_visit_date = (SELECT max(date) FROM visits WHERE patient = patients.key)
     WHERE key = ?`,
    patientKey,
  );
}

/** Another patient that may be the same one, and what tells it. */
export interface LikelySame {
  readonly id: PatientId;
  readonly same: 'record-number' | 'name';
}

/** Patients with the same identifier, then those of the same name; archived ones too. At most 20. */
export function findLikelySame(
  db: ReadableDb,
  { id, name, sourceId, demo }: Pick<Patient, 'id' | 'name' | 'sourceId' | 'demo'>,
): LikelySame[] {
  const byNumber = db.all<{ id: string }>(
    `SELECT p.id FROM patients s JOIN patients p ON p.key = coalesce(s.merged_into, s.key)
     WHERE s.demo = ? AND s.source_id = ? AND p.id <> ?`,
    demo ? 1 : 0,
    sourceId,
    id,
  );
  const folded = foldedName(name);
  const byName = namesakes(db, name, demo).filter(
    (other) => other.id !== id && folded !== '' && foldedName(other.name) === folded,
  );
  const found = new Map<string, LikelySame['same']>();
  for (const other of byNumber) found.set(other.id, 'record-number');
  for (const other of byName) if (!found.has(other.id)) found.set(other.id, 'name');
  return [...found].slice(0, 20).map(([other, same]) => ({ id: asId<PatientId>(other), same }));
}

/** Patients whose name holds every word of this one, and those that wait for their search document, whatever they are called. */
function namesakes(db: ReadableDb, name: string, demo: boolean): { id: string; name: string }[] {
  const words = searchQuery(name);
  const select = 'SELECT p.id, p.name FROM patients p WHERE p.demo = ? AND p.merged_into IS NULL AND';
  if (words === null || words === '') return db.all(`${select} p.name = ?`, demo ? 1 : 0, name);
  return db.all(
    `${select} p.key IN (
       SELECT rowid FROM patient_search WHERE patient_search MATCH ? UNION SELECT patient FROM search_waiting)`,
    demo ? 1 : 0,
    `name : (${words})`,
  );
}
