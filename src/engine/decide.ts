/**
 * From what the physician sent to the decision that is stored: the same pure selection the screen made, checked against
 * the visit, the model and the tables of now. Stores nothing.
 */

import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Decision, DecisionInput, Override } from '../shared/contract.ts';
import { OVERRIDE_SEVERITY, type Interaction, type Visit } from '../shared/domain.ts';
import { FlameError } from '../shared/errors.ts';
import type { DrugId } from '../shared/ids.ts';
import { pairKey } from '../shared/interactions.ts';
import { applyEdits, selectGridPoint, type Recommendation } from '../shared/recommendation.ts';
import { contextHash } from './recommend.ts';

export interface DecideContext {
  readonly visit: Visit;
  readonly recommendation: Recommendation;
  readonly knowledge: Knowledge;
  /** The model in use now. */
  readonly model: { readonly name: string; readonly version: string };
}

/**
 * @throws FlameError RECOMMENDATION_STALE when the visit, the model or the tables are not those of the recommendation,
 * DRUG_UNKNOWN for an added drug no table knows, OVERRIDE_REASON_REQUIRED for the first pair of severity 3 or above
 * that holds a drug of the list and has no reason
 */
export function decide(input: DecisionInput, context: DecideContext): Decision {
  const { recommendation, knowledge } = context;
  refuseStale(input, context);
  for (const drug of input.added) {
    if (knowledge.drugs.get(drug) !== null) continue;
    const close = knowledge.drugs.suggestions(drug);
    const suggestions = close.length > 0 ? `Close names: ${close.join(', ')}.` : '';
    throw new FlameError('DRUG_UNKNOWN', { name: drug, suggestions });
  }
  const proposed = selectGridPoint(recommendation.grid, input.alpha).list;
  const final = applyEdits(proposed, input.added, input.removed);
  const interactions = pairsOf(final, context);
  const names = (drugs: readonly DrugId[]) => drugs.map((drug) => knowledge.drugs.name(drug));
  return {
    id: input.id,
    visitId: input.visitId,
    recommendationId: input.recommendationId,
    savedAt: new Date().toISOString(),
    alpha: input.alpha,
    model: recommendation.model,
    knowledgeVersion: recommendation.knowledgeVersion,
    proposed: names(proposed),
    final: names(final),
    added: input.added,
    removed: input.removed,
    overrides: overridesFor(interactions, input.overrides, knowledge),
    interactions,
    comment: input.comment,
  };
}

function refuseStale(input: DecisionInput, { visit, recommendation, knowledge, model }: DecideContext): void {
  const fresh =
    recommendation.visitId === input.visitId &&
    recommendation.contextHash === contextHash(visit) &&
    recommendation.model.name === model.name &&
    recommendation.model.version === model.version &&
    recommendation.knowledgeVersion === knowledge.version;
  if (!fresh) throw new FlameError('RECOMMENDATION_STALE');
}

/** What is recorded of the list and of the list with the current medications; pairs taken before stay out. */
function pairsOf(final: readonly DrugId[], { visit, knowledge }: DecideContext): Interaction[] {
  const list = new Set(final);
  return knowledge.interactions
    .among([...final, ...visit.context.currentMedications])
    .filter(({ a, b }) => list.has(a) || list.has(b));
}

/** The reason for each pair that needs one, at the tables' own severity; reasons for other pairs are kept as well. */
function overridesFor(
  interactions: readonly Interaction[],
  given: readonly Override[],
  knowledge: Knowledge,
): Override[] {
  const reasons = new Map(given.map((override) => [pairKey(override.a, override.b), override]));
  return interactions.flatMap(({ a, b, severity }) => {
    const reason = reasons.get(pairKey(a, b));
    const stated = reason !== undefined && (reason.reason !== 'other' || reason.note.trim() !== '');
    if (!stated && severity >= OVERRIDE_SEVERITY) {
      const pair = `${knowledge.drugs.name(a).name} with ${knowledge.drugs.name(b).name}`;
      throw new FlameError('OVERRIDE_REASON_REQUIRED', { pair, severity });
    }
    return stated ? [{ a, b, severity, reason: reason.reason, note: reason.note }] : [];
  });
}
