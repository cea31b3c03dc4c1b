/**
 * What a clinic prescribes more or less often than the model expects of its visits, learnt from its own earlier
 * decisions by counting: no training, no network. It never sees the visit that is scored.
 *
 * For each drug O decisions held it where the model's probabilities summed to E. The logit moves by ln((O + τ)/(E + τ)),
 * the posterior mean of a Poisson rate ratio under a Gamma(τ, τ) prior (empirical Bayes as in DuMouchel 1999, The American
 * Statistician 53(3)): without decisions nothing moves, with many the clinic's own rate decides.
 */

import { multiplyOdds } from '../shared/recommendation.ts';
import { type DrugLists, rowOf, type ScoreTable } from './evaluation/metrics.ts';

/** Decisions' worth of trust in the model; chosen on validation clinicians (docs/decisions/0009). */
export const HABIT_PRIOR = 0.5;
/**
 * How far a decision that left a drug as it was proposed, on the list or off it, speaks for itself; the rest counts as
 * the model expected. A list accepted unread would otherwise confirm the model to itself (docs/decisions/0009).
 */
export const UNTOUCHED_TRUST = 0.25;
/** No habit moves the odds of a drug by more than this factor. */
export const HABIT_LIMIT = 20;

export class ClinicHabits {
  /** Decisions counted so far. */
  visits = 0;
  private readonly observed: Float64Array;
  private readonly expected: Float64Array;
  private readonly prior: number;

  constructor(drugs: number, prior = HABIT_PRIOR) {
    this.observed = new Float64Array(drugs);
    this.expected = new Float64Array(drugs);
    this.prior = prior;
  }

  /**
   * Counts one earlier decision: the model's probabilities of that visit, and the formulary positions on its list.
   * @param proposed positions that were proposed to the clinician; absent when nothing was, so that every drug speaks
   */
  observe(probabilities: ArrayLike<number>, list: readonly number[], proposed?: readonly number[]): void {
    this.count(1, probabilities, list, proposed);
  }

  /** Takes a counted decision back, e.g. to score that very visit. */
  forget(probabilities: ArrayLike<number>, list: readonly number[], proposed?: readonly number[]): void {
    this.count(-1, probabilities, list, proposed);
  }

  private count(
    sign: 1 | -1,
    probabilities: ArrayLike<number>,
    list: readonly number[],
    proposed?: readonly number[],
  ): void {
    const onList = new Set(list);
    const onProposal = proposed && new Set(proposed);
    for (let drug = 0; drug < this.expected.length; drug += 1) {
      const p = probabilities[drug]!;
      const held = onList.has(drug);
      const trust = onProposal?.has(drug) === held ? UNTOUCHED_TRUST : 1;
      const counted = trust * Number(held) + (1 - trust) * p;
      this.expected[drug] = Math.max(0, this.expected[drug]! + sign * p);
      this.observed[drug] = Math.max(0, this.observed[drug]! + sign * counted);
    }
    this.visits += sign;
  }

  /** How much more often than expected the clinic prescribes a drug, shrunk towards 1. */
  factor(drug: number): number {
    const ratio = (this.observed[drug]! + this.prior) / (this.expected[drug]! + this.prior);
    return Math.min(HABIT_LIMIT, Math.max(1 / HABIT_LIMIT, ratio));
  }

  /** Probabilities with the odds of each drug multiplied by its factor. */
  adjust(probabilities: ArrayLike<number>, out = new Float32Array(probabilities.length)): Float32Array {
    for (let drug = 0; drug < probabilities.length; drug += 1)
      out[drug] = multiplyOdds(probabilities[drug]!, this.factor(drug));
    return out;
  }
}

/**
 * Each visit scored with the habits of its clinician's visits before it, in the order of the corpus: what a clinic that
 * starts with an empty database would see visit by visit. The visit's own drugs never count for itself.
 */
export function scoresWithHabits(
  scores: ScoreTable,
  { truth, clinicians }: { readonly truth: DrugLists; readonly clinicians: ArrayLike<number> },
  prior = HABIT_PRIOR,
): ScoreTable {
  const values = new Float32Array(scores.values.length);
  const clinics = new Map<number, ClinicHabits>();
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const clinician = clinicians[visit]!;
    const habits = clinics.get(clinician) ?? new ClinicHabits(scores.drugs, prior);
    clinics.set(clinician, habits);
    habits.adjust(rowOf(scores, visit), values.subarray(visit * scores.drugs, (visit + 1) * scores.drugs));
    habits.observe(rowOf(scores, visit), truth[visit]!);
  }
  return { visits: scores.visits, drugs: scores.drugs, values };
}
