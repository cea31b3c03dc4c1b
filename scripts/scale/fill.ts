/** Fills a profile with visits, decisions on real replies, and audit entries, in the store's own functions. Measures nothing. */

import { join } from 'node:path';
import { Recommender } from '../../src/engine/decisions/recommend.ts';
import { openModel } from '../../src/engine/models/model.ts';
import { openProfile } from '../../src/engine/profile.ts';
import { AuditHeadKeeper } from '../../src/engine/audit/audit-head.ts';
import { appendAudit } from '../../src/engine/store/audit.ts';
import { saveDecision } from '../../src/engine/store/decisions.ts';
import type { WritableDb } from '../../src/engine/store/handle.ts';
import { newId } from '../../src/engine/store/ids.ts';
import { saveRecommendation } from '../../src/engine/store/recommendations.ts';
import { sampleDecision } from '../../src/engine/store/testing.ts';
import { getVisit, insertVisits } from '../../src/engine/store/visits.ts';
import { titlesOf } from '../../src/engine/editing/visit-detail.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge, type Knowledge } from '../../src/knowledge/knowledge.ts';
import { OVERRIDE_SEVERITY } from '../../src/shared/domain.ts';
import type { RecommendationId, VisitId } from '../../src/shared/ids.ts';
import { NO_USE, type Decision } from '../../src/shared/decision.ts';
import type { Recommendation } from '../../src/shared/recommendation.ts';
import { RecordMaker } from './records.ts';

export interface Amounts {
  readonly patients: number;
  readonly visitsEach: number;
  /** Visits with a decision, on one of REPLIES different replies of the shipped model. */
  readonly decisions: number;
  readonly auditEntries: number;
}

const REPLIES = 200;
const SEED = 20_261_128;
/** Patients a transaction. */
const BATCH = 100;
const HOUR_MS = 3_600_000;

/** @returns seconds that storing the visits took */
export async function fillProfile(folder: string, root: string, amounts: Amounts): Promise<number> {
  const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
  const profile = await openProfile({ folder });
  const { db } = profile;
  try {
    const start = performance.now();
    const decided = storeVisits(db, knowledge, root, amounts);
    const seconds = (performance.now() - start) / 1000;
    await storeDecisions(db, knowledge, root, decided);
    storeViews(db, decided, amounts);
    new AuditHeadKeeper(profile).stop();
    return seconds;
  } finally {
    db.close();
  }
}

/** @returns the visits that will have a decision: the first ones of patients all over the store */
function storeVisits(
  db: WritableDb,
  knowledge: Knowledge,
  root: string,
  { patients, visitsEach, decisions }: Amounts,
): VisitId[] {
  const maker = new RecordMaker(join(root, 'resources/knowledge'), SEED);
  const titles = titlesOf(knowledge);
  const decided: VisitId[] = [];
  const every = Math.max(1, Math.floor(patients / decisions));
  for (let first = 0; first < patients; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, patients - first) }, (_, index) =>
      maker.patient(first + index, visitsEach),
    );
    insertVisits(db, batch.flat(), titles);
    for (const [index, [visit]] of batch.entries())
      if ((first + index) % every === 0 && decided.length < decisions) decided.push(visit!.visit.id);
    if ((first / BATCH) % 50 === 0) console.error(`${first + batch.length} patients stored`);
  }
  return decided;
}

async function storeDecisions(
  db: WritableDb,
  knowledge: Knowledge,
  root: string,
  visits: readonly VisitId[],
): Promise<void> {
  const model = await openModel(join(root, 'models'), SHIPPED_PACK, knowledge);
  const recommender = new Recommender(knowledge, model);
  const replies: Recommendation[] = [];
  for (const visit of visits.slice(0, REPLIES))
    replies.push(await recommender.recommend(getVisit(db, visit)));
  await model.close();
  const since = Date.now() - visits.length * HOUR_MS;
  for (let first = 0; first < visits.length; first += BATCH) {
    db.transaction(() => {
      for (const [index, visitId] of visits.slice(first, first + BATCH).entries()) {
        const reply = replies[(first + index) % replies.length]!;
        const savedAt = new Date(since + (first + index) * HOUR_MS).toISOString();
        const recommendation = { ...reply, id: newId<RecommendationId>(), visitId, createdAt: savedAt };
        saveRecommendation(db, recommendation);
        saveDecision(db, decisionOn(recommendation, knowledge, savedAt), 'ada');
      }
    });
  }
}

/** Accepts the list in the middle of the slider but for its last drug. */
function decisionOn(recommendation: Recommendation, knowledge: Knowledge, savedAt: string): Decision {
  const point = recommendation.grid[Math.floor(recommendation.grid.length / 2)]!;
  const proposed = point.list.map((drug) => knowledge.drugs.name(drug));
  const final = proposed.slice(0, Math.max(1, proposed.length - 1));
  const [left] = proposed.slice(final.length);
  const held = new Set([...final, ...recommendation.currentMedications].map(({ id }) => id));
  const interactions = recommendation.interactions.filter(({ a, b }) => held.has(a) && held.has(b));
  return sampleDecision(recommendation, {
    savedAt,
    proposed,
    final,
    interactions,
    removed: left === undefined ? [] : [left.id],
    rejected: left === undefined ? [] : [{ drug: left.id, name: left.name, reason: 'interaction', note: '' }],
    overrides: interactions
      .filter(({ severity }) => severity >= OVERRIDE_SEVERITY)
      .map(({ a, b, severity }) => ({ a, b, severity, reason: 'will-monitor', note: '' })),
    chosen: final.map(({ id }) => ({ drug: id, verdict: 'accepted', use: NO_USE })),
  });
}

/** Openings of visits until the log has its length. */
function storeViews(db: WritableDb, visits: readonly VisitId[], { decisions, auditEntries }: Amounts): void {
  const since = Date.now() - auditEntries * 60_000;
  for (let first = decisions; first < auditEntries; first += 1000) {
    db.transaction(() => {
      for (let index = first; index < Math.min(auditEntries, first + 1000); index++) {
        const actor = index % 7 === 0 ? 'bob' : 'ada';
        const subject = visits[index % visits.length]!;
        appendAudit(
          db,
          { actor, action: 'visit.viewed', subject, content: {} },
          new Date(since + index * 60_000).toISOString(),
        );
      }
    });
  }
}
