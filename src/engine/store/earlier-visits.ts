/**
 * What was decided at a patient's earlier visits, for a model that looks further back than the previous list. Reads what is
 * stored; changes and infers nothing.
 */

import type { EarlierVisit, Visit } from '../../shared/domain.ts';
import { MOST_EARLIER_VISITS } from '../../flame/site/patient-history.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import type { ReadableDb } from './handle.ts';
import { DrugNames } from './json-columns.ts';

/** The visit with what a model may know of the patient's visits before it. */
export function withEarlierVisits<Some extends Pick<Visit, 'id' | 'context'>>(
  db: ReadableDb,
  visit: Some,
): Some {
  return { ...visit, context: { ...visit.context, earlierVisits: earlierVisits(db, visit) } };
}

/**
 * Newest first: the patient's visits on days before this one's, where both days are known, with what was signed there, or
 * else what the record says. A visit of the same day has no order, and one without drugs is not counted.
 */
function earlierVisits(db: ReadableDb, { id }: Pick<Visit, 'id'>): EarlierVisit[] {
  return db
    .all<{ days: number; final: string | null; prescribed: string }>(
      `SELECT days, final, prescribed FROM (
         SELECT CAST(julianday(own.date) - julianday(v.date) AS INTEGER) AS days, v.key AS key,
           (SELECT d.final FROM decisions d
            WHERE d.visit = v.key AND d.signer_name IS NOT NULL ORDER BY d.key DESC LIMIT 1) AS final,
           (SELECT json_group_array(m.drug) FROM
             (SELECT drug FROM visit_medications WHERE visit = v.key AND role = 'prescribed' ORDER BY position) m) AS prescribed
         FROM visits own JOIN visits v ON v.patient = own.patient AND v.date < own.date AND v.date_known = 1
         WHERE own.id = ? AND own.date_known = 1)
       WHERE coalesce(final, prescribed) <> '[]'
       ORDER BY days, key DESC LIMIT ${MOST_EARLIER_VISITS}`,
      id,
    )
    .map(({ days, final, prescribed }) => ({
      daysAgo: days,
      drugs:
        final === null
          ? (JSON.parse(prescribed) as string[]).map((drug) => asId<DrugId>(drug))
          : DrugNames.parse(JSON.parse(final)).map((drug) => drug.id),
    }));
}
