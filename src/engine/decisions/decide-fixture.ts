/** Fixtures for tests of decisions: a visit that much speaks against, and lists signed for it. No product code imports it. */

import { Checker } from '../../checks/checker.ts';
import { factsOf } from '../../checks/facts.ts';
import { drug, shippedKnowledge } from '../../knowledge/fixture.ts';
import {
  findingsToOverride,
  NO_USE,
  type DecidedList,
  type DecisionInput,
  type RejectedDrug,
  type Verdict,
} from '../../shared/decision.ts';
import { OVERRIDE_SEVERITY, type Interaction, type Visit } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { findingKey, type Finding } from '../../shared/findings.ts';
import type { DecisionId, DrugId, PatientId } from '../../shared/ids.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { decide, type DecideContext } from './decide.ts';
import { contextHash } from './recommend.ts';
import { newId } from '../store/ids.ts';
import { sampleRecommendation, sampleVisit } from '../store/testing.ts';

export const knowledge = shippedKnowledge();
export const checker = new Checker(knowledge);
export const MODEL = { name: 'cls', version: '1' };
export const ids = (...names: string[]): DrugId[] => names.map(drug);

/** Asthma, an allergy to penicillin, kidneys that fail: pairs are not all that speaks. */
export function unwell(patientId: PatientId, currentMedications = ids('warfarin')): Visit {
  const visit = sampleVisit(patientId);
  const diagnoses = [{ system: 'ICD-10-CM', code: 'J45909' }] as const;
  return {
    ...visit,
    context: { ...visit.context, diagnoses, currentMedications },
    measurements: { ...visit.measurements, creatinine: 3.4 },
    medicationUse: [],
  };
}

/** One list for alpha 0, the next for alpha 1, and so on. */
export function recommendationFor(visit: Visit, ...lists: readonly DrugId[][]): Recommendation {
  const unused = { steps: [], interactionCount: 0, expectedJaccard: 0 };
  return {
    ...sampleRecommendation(visit.id),
    model: MODEL,
    knowledgeVersion: knowledge.version,
    contextHash: contextHash(visit),
    grid: lists.map((list, alpha) => ({ alpha, list, ...unused })),
  };
}

export function contextOf(visit: Visit, recommendation: Recommendation): DecideContext {
  return {
    visit,
    recommendation,
    knowledge,
    model: MODEL,
    check: (drugs) => checker.check(factsOf(visit), drugs),
    amended: null,
  };
}

/** A reason for every pair and finding of severity 3 or above about a list. */
export function reasonsFor(
  findings: readonly Finding[],
  { list, current, pairs }: Omit<DecidedList, 'pairs'> & { readonly pairs: readonly Interaction[] },
): Pick<DecisionInput, 'overrides' | 'findingOverrides'> {
  return {
    overrides: pairs
      .filter(({ a, b, severity }) => severity >= OVERRIDE_SEVERITY && (list.includes(a) || list.includes(b)))
      .map(({ a, b, severity }) => ({ a, b, severity, reason: 'will-monitor', note: '' })),
    findingOverrides: findingsToOverride(findings, { list, current, pairs }).map((finding) => ({
      finding: findingKey(finding),
      reason: 'benefit-outweighs-risk',
      note: '',
    })),
  };
}

/** Signed, with a reason for every pair and finding of severity 3 or above. */
export function signed(
  { visit, recommendation }: DecideContext,
  chosen: DecisionInput['chosen'],
  rejected: readonly DrugId[] = [],
): DecisionInput {
  const list = chosen.map((word) => word.drug);
  const current = visit.context.currentMedications;
  const pairs = knowledge.interactions.among([...list, ...current]);
  const { findings } = checker.check(factsOf(visit), list);
  return {
    id: newId<DecisionId>(),
    visitId: visit.id,
    recommendationId: recommendation.id,
    alpha: 0,
    chosen,
    rejected: rejected.map((one): RejectedDrug => ({ drug: one, reason: null, note: '' })),
    ...reasonsFor(findings, { list, current, pairs }),
    comment: '',
    signature: { name: ' Ada Example ', role: ' MD' },
    amendment: null,
  };
}

export const word = (one: DrugId, verdict: Verdict = 'accepted', use = NO_USE) => ({
  drug: one,
  verdict,
  use,
});

/** What decide() says against an input; null when it takes it. */
export function refusal(input: DecisionInput, context: DecideContext): unknown {
  try {
    decide(input, context);
  } catch (thrown) {
    if (thrown instanceof FlameError) return { code: thrown.code, details: thrown.details };
    throw thrown;
  }
  return null;
}
