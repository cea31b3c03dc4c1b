/** Signs a list over the contract as the screen does: a word on every drug, a reason for every severe warning. */

import { reasonsFor } from '../../src/engine/decisions/decide-fixture.ts';
import { newId } from '../../src/engine/store/ids.ts';
import { NO_USE, type DecisionInput, type RejectedDrug } from '../../src/shared/decision.ts';
import type { DecisionId, DrugId } from '../../src/shared/ids.ts';
import { applyEdits, selectGridPoint, type Recommendation } from '../../src/shared/recommendation.ts';
import type { TestEngine } from './engine.ts';

export interface Words {
  readonly alpha?: number;
  readonly added?: readonly DrugId[];
  readonly rejected?: readonly DrugId[];
}

/** Accepts what is proposed but for `rejected`, with a reason for each pair and finding of severity 3 or above. */
export async function signedInput(
  { engine }: TestEngine,
  reply: Recommendation,
  { alpha = 0, added = [], rejected = [] }: Words = {},
): Promise<DecisionInput> {
  const proposed = selectGridPoint(reply.grid, alpha).list;
  const list = applyEdits(proposed, added, rejected);
  const current = reply.currentMedications.map(({ id }) => id);
  const { interactions } = await engine.call('interactions.among', { drugs: [...list, ...current] });
  const { findings } = await engine.call('visits.check', { visitId: reply.visitId, drugs: list });
  return {
    id: newId<DecisionId>(),
    visitId: reply.visitId,
    recommendationId: reply.id,
    alpha,
    chosen: list.map((drug) => ({ drug, verdict: added.includes(drug) ? 'added' : 'accepted', use: NO_USE })),
    rejected: rejected.map((drug): RejectedDrug => ({ drug, reason: null, note: '' })),
    ...reasonsFor(findings, { list, current, pairs: interactions }),
    comment: 'as discussed',
    signature: { name: 'Ada Example', role: 'MD' },
    amendment: null,
  };
}
