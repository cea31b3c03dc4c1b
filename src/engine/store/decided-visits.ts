/** Reads each visit's latest decision beside what the model had said of it. Counts nothing and writes nothing. */

import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { leftAsProposed, type DecidedVisit } from '../decisions/decision-habits.ts';
import type { ReadableDb } from './handle.ts';
import { DecidedReply, DrugIds, DrugNames } from './json-columns.ts';

interface Row {
  readonly visit_id: string;
  readonly proposed: string;
  readonly final: string;
  readonly modified: string;
  readonly rejected: string;
  readonly reply: string;
}

/**
 * The newest `limit` visits whose latest decision was made with this model, and signed by `account` unless that is null,
 * oldest first. Left out are visits decided again since, with another model or by somebody else, and replies that this
 * version of Flame cannot read.
 */
export function latestDecidedVisits(
  db: ReadableDb,
  model: { readonly name: string; readonly version: string },
  { limit, account }: { readonly limit: number; readonly account: string | null },
): DecidedVisit[] {
  const rows = db.all<Row>(
    `SELECT v.id AS visit_id, d.proposed, d.final,
       (SELECT json_group_array(drug) FROM decision_drugs WHERE decision = d.key AND verdict = 'modified') AS modified,
       (SELECT json_group_array(drug) FROM decision_drugs WHERE decision = d.key AND verdict = 'rejected') AS rejected,
       json_object(
       'scores', r.reply -> '$.scores', 'candidates', r.reply -> '$.candidates',
       'allergens', r.reply -> '$.allergens', 'currentMedications', r.reply -> '$.currentMedications') AS reply
     FROM decisions d
       JOIN visits v ON v.key = d.visit
       JOIN recommendations r ON r.key = d.recommendation
     WHERE d.key = (SELECT max(key) FROM decisions WHERE visit = d.visit)
       AND d.model_name = ? AND d.model_version = ? AND (? IS NULL OR d.signer_account = ?)
     ORDER BY d.key DESC LIMIT ?`,
    model.name,
    model.version,
    account,
    account,
    limit,
  );
  return rows.reverse().flatMap(({ visit_id, proposed, final, modified, rejected, reply }) => {
    const recommendation = DecidedReply.safeParse(JSON.parse(reply));
    if (!recommendation.success) return [];
    return {
      visitId: asId<VisitId>(visit_id),
      recommendation: recommendation.data,
      proposed: leftAsProposed({
        proposed: drugIds(proposed),
        modified: DrugIds.parse(JSON.parse(modified)),
        rejected: DrugIds.parse(JSON.parse(rejected)),
      }),
      final: drugIds(final),
    };
  });
}

function drugIds(column: string): DrugId[] {
  return DrugNames.parse(JSON.parse(column)).map(({ id }) => id);
}
