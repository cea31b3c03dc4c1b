/**
 * From what the physician signed to the decision that is stored: the same pure selection the screen made, checked against
 * the visit, the model, the tables and the checks of now. Stores nothing.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import {
  findingsToOverride,
  isReasonStated,
  isUseStated,
  recordedFindings,
  type ChosenDrug,
  type DecidedFinding,
  type Decision,
  type DecisionInput,
  type Override,
} from '../../shared/decision.ts';
import { OVERRIDE_SEVERITY, type Interaction, type Visit } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { findingKey, type CheckReport } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import { applyEdits, selectGridPoint, type Recommendation } from '../../shared/recommendation.ts';
import { isMadeFrom } from './recommend.ts';

export interface DecideContext {
  readonly visit: Visit;
  readonly recommendation: Recommendation;
  readonly knowledge: Knowledge;
  /** The model in use now. */
  readonly model: { readonly name: string; readonly version: string };
  /** Every check for these drugs, the current medications and the visit. */
  readonly check: (drugs: readonly DrugId[]) => CheckReport;
  /** The decision that the input amends, and whether another one replaced it already; null where it amends none. */
  readonly amended: { readonly decision: Decision; readonly replaced: boolean } | null;
}

/**
 * @throws FlameError, in this order: SIGNATURE_REQUIRED; AMENDMENT_REASON_REQUIRED; DECISION_REPLACED;
 * RECOMMENDATION_STALE when the visit, the model or the tables are not those of the recommendation; DRUG_UNKNOWN for a
 * chosen drug no table knows; INVALID_INPUT for two words on one drug; DECISION_UNDECIDED for a proposed drug without
 * one; OVERRIDE_REASON_REQUIRED and FINDING_REASON_REQUIRED for the first pair and the first finding of severity 3 or
 * above about a drug of the list that has no reason
 */
export function decide(input: DecisionInput, context: DecideContext): Decision {
  const { visit, recommendation, knowledge } = context;
  const signature = signatureOf(input);
  const version = versionOf(input, context.amended);
  if (!isFresh(input, context)) throw new FlameError('RECOMMENDATION_STALE');
  refuseUnknownDrugs(input, knowledge);

  const proposed = selectGridPoint(recommendation.grid, input.alpha).list;
  const words = wordsOn(proposed, input);
  const everProposed = new Set(recommendation.grid.flatMap(({ list }) => list));
  const rejected = input.rejected.filter(({ drug }) => everProposed.has(drug));
  const final = applyEdits(
    proposed,
    input.chosen.map(({ drug }) => drug),
    rejected.map(({ drug }) => drug),
  );
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
    added: final.filter((drug) => !proposed.includes(drug)),
    removed: proposed.filter((drug) => !final.includes(drug)),
    overrides: overridesFor(interactions, input.overrides, knowledge),
    interactions,
    comment: input.comment,
    chosen: final.map((drug) => recordedWord(words.get(drug)!, everProposed)),
    rejected: rejected.map(({ drug, reason, note }) => ({
      drug,
      name: knowledge.drugs.name(drug).name,
      reason,
      note,
    })),
    findings: findingsFor(final, interactions, visit, input, context),
    signature,
    version,
    amendment: input.amendment,
  };
}

/** Whether a recommendation was made from the visit, the model and the tables of now. */
export function isFresh(
  { visitId }: Pick<DecisionInput, 'visitId'>,
  {
    visit,
    recommendation,
    knowledge,
    model,
  }: Pick<DecideContext, 'visit' | 'recommendation' | 'knowledge' | 'model'>,
): boolean {
  return (
    recommendation.visitId === visitId &&
    isMadeFrom(recommendation, visit) &&
    recommendation.model.name === model.name &&
    recommendation.model.version === model.version &&
    recommendation.knowledgeVersion === knowledge.version
  );
}

function signatureOf({ signature }: DecisionInput): DecisionInput['signature'] {
  const [name, role] = [signature.name.trim(), signature.role.trim()];
  if (name === '') throw new FlameError('SIGNATURE_REQUIRED');
  return { ...signature, name, role };
}

function versionOf({ visitId, amendment }: DecisionInput, amended: DecideContext['amended']): number {
  if (amendment === null) return 1;
  if (amendment.reason.trim() === '') throw new FlameError('AMENDMENT_REASON_REQUIRED');
  if (amended?.decision.visitId !== visitId) throw new FlameError('NOT_FOUND', { what: 'amended decision' });
  if (amended.replaced) throw new FlameError('DECISION_REPLACED');
  return amended.decision.version + 1;
}

function refuseUnknownDrugs({ chosen }: DecisionInput, { drugs }: Knowledge): void {
  for (const { drug } of chosen) {
    if (drugs.get(drug) !== null) continue;
    const close = drugs.suggestions(drug);
    const suggestions = close.length > 0 ? `Close names: ${close.join(', ')}.` : '';
    throw new FlameError('DRUG_UNKNOWN', { name: drug, suggestions });
  }
}

/** The word on each drug of the list; every proposed drug has one, and no drug has two. */
function wordsOn(
  proposed: readonly DrugId[],
  { chosen, rejected }: DecisionInput,
): ReadonlyMap<DrugId, ChosenDrug> {
  const spoken = [...chosen, ...rejected].map(({ drug }) => drug);
  const twice = spoken.find((drug, index) => spoken.indexOf(drug) !== index);
  if (twice !== undefined)
    throw new FlameError('INVALID_INPUT', { problem: `there are two words on ${twice}` });
  const silent = proposed.filter((drug) => !spoken.includes(drug));
  if (silent.length > 0) throw new FlameError('DECISION_UNDECIDED', { drugs: silent.join(', ') });
  return new Map(chosen.map((word) => [word.drug, word]));
}

/** What no list of the recommendation holds was added, and only a stated use modifies. */
function recordedWord({ drug, verdict, use }: ChosenDrug, everProposed: ReadonlySet<DrugId>): ChosenDrug {
  if (verdict === 'added' || !everProposed.has(drug)) return { drug, verdict: 'added', use };
  return { drug, verdict: isUseStated(use) ? 'modified' : 'accepted', use };
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
    const stated = reason !== undefined && isReasonStated(reason);
    if (!stated && severity >= OVERRIDE_SEVERITY) {
      const pair = `${knowledge.drugs.name(a).name} with ${knowledge.drugs.name(b).name}`;
      throw new FlameError('OVERRIDE_REASON_REQUIRED', { pair, severity });
    }
    return stated ? [{ a, b, severity, reason: reason.reason, note: reason.note }] : [];
  });
}

/** What the checks say of the list besides its pairs, each finding that needs a reason with it. */
function findingsFor(
  list: readonly DrugId[],
  pairs: readonly Interaction[],
  visit: Visit,
  { findingOverrides }: DecisionInput,
  { check, knowledge }: DecideContext,
): DecidedFinding[] {
  const reasons = new Map(findingOverrides.map((given) => [given.finding, given]));
  const question = { list, current: visit.context.currentMedications, pairs };
  const { findings } = check(list);
  const reasonFor = new Map(
    findingsToOverride(findings, question).map((finding) => {
      const given = reasons.get(findingKey(finding));
      if (given === undefined || !isReasonStated(given)) {
        const drugs = finding.drugs.map((drug) => knowledge.drugs.name(drug).name).join(' and ');
        const { severity, because, effect } = finding;
        throw new FlameError('FINDING_REASON_REQUIRED', { drugs, severity, because: because || effect });
      }
      return [finding, { reason: given.reason, note: given.note }] as const;
    }),
  );
  return recordedFindings(findings, question).map((finding) => ({
    finding,
    override: finding.state === 'found' ? (reasonFor.get(finding) ?? null) : null,
  }));
}
