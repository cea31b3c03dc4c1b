/** Keeps what was recommended, word for word, so that a decision can be traced to it. Makes no recommendation. */

import { FlameError } from '../../shared/errors.ts';
import { asId, type DecisionId, type RecommendationId, type VisitId } from '../../shared/ids.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { RecommendationReply } from './json-columns.ts';
import { visitKeyOf } from './visits.ts';

/**
 * Stores a reply. Earlier replies for the visit that no decision rests on are dropped.
 * @throws FlameError NOT_FOUND when the visit is not stored
 */
export function saveRecommendation(db: WritableDb, recommendation: Recommendation): void {
  db.transaction(() => {
    const visit = visitKeyOf(db, recommendation.visitId);
    db.run(
      `DELETE FROM recommendations WHERE visit = ?
         AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.recommendation = recommendations.key)`,
      visit,
    );
    db.run(
      `INSERT INTO recommendations
         (id, visit, created_at, model_name, model_version, knowledge_version, context_hash, reply)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      recommendation.id,
      visit,
      recommendation.createdAt,
      recommendation.model.name,
      recommendation.model.version,
      recommendation.knowledgeVersion,
      recommendation.contextHash,
      JSON.stringify(recommendation),
    );
  });
}

/** @throws FlameError NOT_FOUND */
export function getRecommendation(db: ReadableDb, id: RecommendationId): Recommendation {
  const recommendation = findRecommendation(db, id);
  if (!recommendation) throw new FlameError('NOT_FOUND', { what: 'recommendation' });
  return recommendation;
}

/** Null when it is not stored, e.g. because a newer one for the visit replaced it before anybody decided on it. */
export function findRecommendation(db: ReadableDb, id: RecommendationId): Recommendation | null {
  const row = db.get<{ reply: string }>('SELECT reply FROM recommendations WHERE id = ?', id);
  return row ? RecommendationReply.parse(JSON.parse(row.reply)) : null;
}

/** The newest reply for a visit, or null. */
export function latestRecommendation(db: ReadableDb, visitId: VisitId): Recommendation | null {
  const row = db.get<{ reply: string }>(
    `SELECT reply FROM recommendations WHERE visit = (SELECT key FROM visits WHERE id = ?)
     ORDER BY key DESC LIMIT 1`,
    visitId,
  );
  return row ? RecommendationReply.parse(JSON.parse(row.reply)) : null;
}

/** The hash of the visit's context that each decision's recommendation was made from, newest decision first. */
export function decidedContexts(
  db: ReadableDb,
  visitId: VisitId,
): { readonly decision: DecisionId; readonly contextHash: string }[] {
  return db
    .all<{ id: string; context_hash: string }>(
      `SELECT d.id, r.context_hash FROM decisions d JOIN recommendations r ON r.key = d.recommendation
       JOIN visits v ON v.key = d.visit WHERE v.id = ? ORDER BY d.key DESC`,
      visitId,
    )
    .map(({ id, context_hash }) => ({ decision: asId<DecisionId>(id), contextHash: context_hash }));
}
