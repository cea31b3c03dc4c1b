/**
 * The habits of this clinic, in step with what it decided: the latest decision of each visit, the newest visits only.
 * Reads no database and builds no list.
 */

import { ClinicHabits } from '../../flame/clinic-habits.ts';
import type { DrugId, VisitId } from '../../shared/ids.ts';
import type { Recommendation } from '../../shared/recommendation.ts';

/** Visits that count; older ones are forgotten, so that habits follow the clinic and a start stays quick. */
export const HABIT_WINDOW = 250;

/** A visit's latest decision, with what it was decided on. */
export interface DecidedVisit {
  readonly visitId: VisitId;
  readonly recommendation: Pick<Recommendation, 'scores' | 'candidates' | 'allergens' | 'currentMedications'>;
  /** What counts as proposed: see `leftAsProposed`. */
  readonly proposed: readonly DrugId[];
  readonly final: readonly DrugId[];
}

/**
 * The proposal against which a decision is counted: a drug that stands in it and on the list, or in neither, was left as
 * it was proposed and counts a quarter. To accept is what a signature asks of every drug, so it says no more than leaving
 * did. To write in how a drug is taken, or to reject it wherever the slider stood, is a word of one's own: in full.
 */
export function leftAsProposed(decision: {
  readonly proposed: readonly DrugId[];
  readonly modified: readonly DrugId[];
  readonly rejected: readonly DrugId[];
}): DrugId[] {
  const own = new Set(decision.modified);
  return [...new Set([...decision.proposed, ...decision.rejected])].filter((drug) => !own.has(drug));
}

/** One decision as it was counted, to take it back. */
interface Counted {
  /** The model's own probabilities in formulary order; 0 where a hard rule left nothing to decide. */
  readonly expected: Float32Array;
  /** Formulary positions on the list, and of what was proposed. */
  readonly list: readonly number[];
  readonly proposed: readonly number[];
}

export class DecisionHabits {
  readonly #formulary: readonly DrugId[];
  readonly #canonical: (drug: DrugId) => DrugId;
  readonly #positions: ReadonlyMap<DrugId, number>;
  readonly #window: number;
  readonly #counts: ClinicHabits;
  /** What is counted, by visit, the latest decided last. */
  readonly #counted = new Map<VisitId, Counted>();

  /** @param canonical the tables' spelling of a drug, because lists and formulary may differ in theirs */
  constructor(
    formulary: readonly DrugId[],
    canonical: (drug: DrugId) => DrugId,
    window: number = HABIT_WINDOW,
  ) {
    this.#formulary = formulary;
    this.#canonical = canonical;
    this.#positions = new Map(formulary.map((drug, position) => [canonical(drug), position]));
    this.#window = window;
    this.#counts = new ClinicHabits(formulary.length);
  }

  /** Counts the latest decision of a visit in place of its earlier one. Scores of another formulary are not counted. */
  count({ visitId, recommendation, proposed, final }: DecidedVisit): void {
    const list = this.#positionsOf(final);
    const expected = this.#expected(recommendation, new Set(list));
    if (expected === null) return;
    this.#forget(visitId);
    const counted: Counted = { expected, list, proposed: this.#positionsOf(proposed) };
    this.#observe(counted);
    this.#counted.set(visitId, counted);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > this.#window) this.#forget(oldest!);
  }

  /**
   * What the decisions for all other visits make of a visit's probabilities, both in formulary order; with the factors
   * on the odds and the number of those decisions.
   */
  adjust(
    visitId: VisitId,
    scores: ArrayLike<number>,
  ): { readonly decisions: number; readonly probabilities: Float32Array; readonly factors: Float64Array } {
    const own = this.#counted.get(visitId);
    if (own) this.#takeBack(own);
    const adjusted = {
      decisions: this.#counts.visits,
      probabilities: this.#counts.adjust(scores),
      factors: Float64Array.from(this.#formulary, (_, drug) => this.#counts.factor(drug)),
    };
    if (own) this.#observe(own);
    return adjusted;
  }

  #forget(visitId: VisitId): void {
    const counted = this.#counted.get(visitId);
    if (!counted) return;
    this.#takeBack(counted);
    this.#counted.delete(visitId);
  }

  #observe({ expected, list, proposed }: Counted): void {
    this.#counts.observe(expected, list, proposed);
  }

  #takeBack({ expected, list, proposed }: Counted): void {
    this.#counts.forget(expected, list, proposed);
  }

  #positionsOf(drugs: Iterable<DrugId>): number[] {
    const found = [...drugs].flatMap((drug) => this.#positions.get(this.#canonical(drug)) ?? []);
    return [...new Set(found)];
  }

  /** Null when the scores do not cover the formulary. */
  #expected(recommendation: DecidedVisit['recommendation'], list: ReadonlySet<number>): Float32Array | null {
    const scores = this.#formulary.map((drug) => recommendation.scores[drug]);
    if (scores.includes(undefined)) return null;
    const expected = Float32Array.from(scores as number[]);
    // A drug that is never proposed does not say by its absence that the clinic avoids it.
    for (const drug of this.#positionsOf(barredDrugs(recommendation)))
      if (!list.has(drug)) expected[drug] = 0;
    return expected;
  }
}

/** Drugs that the visit itself barred: taken already, allergies, and what does not go with a current medication. */
function barredDrugs({
  candidates,
  allergens,
  currentMedications,
}: DecidedVisit['recommendation']): Set<DrugId> {
  const current = new Set(currentMedications.map(({ id }) => id));
  const withCurrent = candidates.filter(({ exclusions }) =>
    exclusions.some((rule) => 'with' in rule && current.has(rule.with)),
  );
  return new Set([
    ...current,
    ...allergens.map(({ drug }) => drug),
    ...withCurrent.map((candidate) => candidate.drug.id),
  ]);
}
