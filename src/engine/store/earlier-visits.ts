/**
 * What was decided at a patient's earlier visits, for a model that looks further back than the previous list. Reads what is
 * stored; changes and infers nothing.
 */

import type { EarlierVisit, Sex, Visit } from '../../shared/domain.ts';
import { MOST_EARLIER_VISITS } from '../../flame/site/patient-history.ts';
import { asId, type DrugId, type PatientId } from '../../shared/ids.ts';
import type { ReadableDb } from './handle.ts';
import { DrugNames } from './json-columns.ts';
import { findPatientBySource } from './patients.ts';

/** The visit with what a model may know of the patient's visits before it. */
export function withEarlierVisits<Some extends Pick<Visit, 'id' | 'context'>>(
  db: ReadableDb,
  visit: Some,
): Some {
  return { ...visit, context: { ...visit.context, earlierVisits: earlierVisits(db, visit) } };
}

/** A person as another system names and describes them. */
export interface NamedPatient {
  /** By which an import would have stored them. */
  readonly sourceId: string;
  readonly sex: Sex;
  readonly birthYear: number;
}

/**
 * The same for a patient whom another system asks about: empty unless one is stored under that identifier, of that sex and
 * age. Systems may give one identifier to two people, so a stranger's past is not taken for theirs.
 * @param date ISO date of the visit that looks back
 */
export function earlierVisitsOf(
  db: ReadableDb,
  { sourceId, sex, birthYear }: NamedPatient,
  date: string,
): EarlierVisit[] {
  const found = findPatientBySource(db, sourceId, false);
  if (found === null || found.birthYear === null) return [];
  // A year of birth is reckoned from an age, so it may be off by one.
  const same =
    Math.abs(found.birthYear - birthYear) <= 1 &&
    (found.sex === sex || found.sex === 'unknown' || sex === 'unknown');
  return same ? visitsBefore(db, found.id, date) : [];
}

function earlierVisits(db: ReadableDb, { id }: Pick<Visit, 'id'>): EarlierVisit[] {
  const own = db.get<{ patient: PatientId; date: string }>(
    'SELECT p.id AS patient, v.date FROM visits v JOIN patients p ON p.key = v.patient WHERE v.id = ? AND v.date_known = 1',
    id,
  );
  return own ? visitsBefore(db, own.patient, own.date) : [];
}

/**
 * Newest first: the patient's visits on known days before this one, with what was signed there, or else what the record says.
 * A visit of the same day has no order, and one without drugs is not counted.
 */
function visitsBefore(db: ReadableDb, patient: PatientId, date: string): EarlierVisit[] {
  return db
    .all<{ days: number; final: string | null; prescribed: string }>(
      `SELECT days, final, prescribed FROM (
         SELECT CAST(julianday(?) - julianday(v.date) AS INTEGER) AS days, v.key AS key,
           (SELECT d.final FROM decisions d
            WHERE d.visit = v.key AND d.signer_name IS NOT NULL ORDER BY d.key DESC LIMIT 1) AS final,
           (SELECT json_group_array(m.drug) FROM
             (SELECT drug FROM visit_medications WHERE visit = v.key AND role = 'prescribed' ORDER BY position) m) AS prescribed
         FROM patients p JOIN visits v ON v.patient = p.key
         WHERE p.id = ? AND v.date < ? AND v.date_known = 1)
       WHERE coalesce(final, prescribed) <> '[]'
       ORDER BY days, key DESC LIMIT ${MOST_EARLIER_VISITS}`,
      date,
      patient,
      date,
    )
    .map(({ days, final, prescribed }) => ({
      daysAgo: days,
      drugs:
        final === null
          ? (JSON.parse(prescribed) as string[]).map((drug) => asId<DrugId>(drug))
          : DrugNames.parse(JSON.parse(final)).map((drug) => drug.id),
    }));
}
