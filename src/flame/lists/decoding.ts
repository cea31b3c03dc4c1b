/**
 * Turns probabilities into one list for every position of the slider: penalised greedy decoding (METHOD sections 4, 5)
 * under hard rules. Scores nothing and knows no patient; docs/references/recommendation.md has the derivation.
 */

import { EVALUATION_SEVERITY, HARD_RULE_SEVERITY, OVERRIDE_SEVERITY } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { GridPoint, ListStep } from '../../shared/recommendation.ts';
import { severityOf, type PairMatrix } from './pair-matrix.ts';

export interface DecodingProblem {
  /** Distinct drugs that may stand on a list; what hard rules forbid for this visit is named in `excluded`. */
  readonly drugs: readonly DrugId[];
  /** Calibrated probability of each drug, 0 to 1. */
  readonly probabilities: ArrayLike<number>;
  /** Severities among `drugs`. */
  readonly pairs: PairMatrix;
  /** One row for each current medication: its severity with every drug, 0 where none is recorded. */
  readonly currentRows?: readonly ArrayLike<number>[];
  /** Drugs that a hard rule keeps off every list. */
  readonly excluded?: ReadonlySet<DrugId>;
}

/** Slider positions, from accuracy (0) to safety (1: no interacting pair at all). */
export const ALPHA_GRID: readonly number[] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** λ at α = ½, in units of logit per weight; spreads the measured front over the slider (see the reference). */
export const LAMBDA_AT_HALF = 0.4;
/** A drug that is certain could outbid any penalty; no calibrated model is that certain. */
const CERTAIN = 1 - 1e-6;

/** What a pair weighs in the penalty: a pair to avoid goes before a pair to monitor. Below the cut it weighs nothing. */
export function pairWeight(severity: number): number {
  return severity < EVALUATION_SEVERITY ? 0 : severity < OVERRIDE_SEVERITY ? 1 : 2;
}

/** The penalty λ(α) = 0.4·α/(1 − α): 0 at accuracy, without bound at safety. */
export function penaltyOf(alpha: number): number {
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError('alpha lies between 0 and 1');
  return alpha === 1 ? Infinity : (LAMBDA_AT_HALF * alpha) / (1 - alpha);
}

/** σ(logit(p) − λ·w): the probability after a penalty of λ for each unit of weight of its interacting pairs. */
export function discounted(probability: number, penalty: number, weight: number): number {
  if (weight === 0 || penalty === 0) return probability;
  if (penalty === Infinity) return 0;
  const p = Math.min(probability, CERTAIN);
  return p / (p + (1 - p) * Math.exp(penalty * weight));
}

/** Σ_{i∈M} p_i / (|M| + Σ_all p − Σ_{i∈M} p_i) of METHOD section 5; 0 for an empty list. */
export function expectedJaccard(listMass: number, size: number, totalMass: number): number {
  return size === 0 ? 0 : listMass / (size + totalMass - listMass);
}

/**
 * One list for each α, which must rise. Deterministic, and independent of the order of `drugs`. The number of
 * interacting pairs never rises along the result: a point takes a new list only when it holds fewer pairs than the
 * point before, or as many with a higher expected Jaccard.
 */
export function decode(problem: DecodingProblem, alphas: readonly number[] = ALPHA_GRID): GridPoint[] {
  const ranked = rank(problem);
  return selectMonotone(alphas.map((alpha) => ({ alpha, ...build(ranked, penaltyOf(alpha)) })));
}

/**
 * Makes the number of interacting pairs never rise along rising alphas: a point keeps its own list only when it holds
 * fewer pairs than the point before, or as many with a higher expected Jaccard; else it repeats the list before.
 */
export function selectMonotone(decoded: readonly GridPoint[]): GridPoint[] {
  const points: GridPoint[] = [];
  for (const point of decoded) {
    const before = points.at(-1);
    if (before && point.alpha <= before.alpha) throw new RangeError('the alphas of a grid must rise');
    points.push(before && !dominates(point, before) ? { ...before, alpha: point.alpha } : point);
  }
  return points;
}

type Decoded = Omit<GridPoint, 'alpha'>;

function dominates(next: Decoded, before: Decoded): boolean {
  if (next.interactionCount !== before.interactionCount)
    return next.interactionCount < before.interactionCount;
  return next.expectedJaccard > before.expectedJaccard;
}

/** The admissible drugs by falling probability, ties by name, so that nothing depends on the order of the input. */
interface Ranked {
  readonly drugs: readonly DrugId[];
  readonly probabilities: Float64Array;
  /** Interacting pairs with current medications, and what they weigh. */
  readonly currentPairs: Uint16Array;
  readonly currentWeight: Uint16Array;
  readonly severity: (i: number, j: number) => number;
  /** Σ p over the admissible drugs. */
  readonly mass: number;
}

/** Interacting pairs of each drug with the current medications, and what they weigh. */
export function currentConflicts({
  drugs,
  currentRows = [],
}: Pick<DecodingProblem, 'drugs' | 'currentRows'>): {
  readonly pairs: Uint16Array;
  readonly weights: Uint16Array;
} {
  return {
    pairs: Uint16Array.from(drugs, (_, i) => sum(currentRows, (row) => Number(isPair(row[i]!)))),
    weights: Uint16Array.from(drugs, (_, i) => sum(currentRows, (row) => pairWeight(row[i]!))),
  };
}

function rank(problem: DecodingProblem): Ranked {
  const { drugs, probabilities, pairs, excluded } = problem;
  const current = currentConflicts(problem);
  const order: number[] = [];
  for (let i = 0; i < drugs.length; i += 1) {
    if (probabilities[i]! > 0 && !excluded?.has(drugs[i]!)) order.push(i);
  }
  order.sort((i, j) => probabilities[j]! - probabilities[i]! || (drugs[i]! < drugs[j]! ? -1 : 1));
  const sorted = Float64Array.from(order, (i) => Math.min(probabilities[i]!, 1));
  return {
    drugs: order.map((i) => drugs[i]!),
    probabilities: sorted,
    currentPairs: Uint16Array.from(order, (i) => current.pairs[i]!),
    currentWeight: Uint16Array.from(order, (i) => current.weights[i]!),
    severity: (i, j) => severityOf(pairs, order[i]!, order[j]!),
    mass: sorted.reduce((sum, p) => sum + p, 0),
  };
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}

/** Whether a recorded severity counts as an interacting pair (METHOD section 5). */
export function isPair(severity: number): boolean {
  return severity >= EVALUATION_SEVERITY;
}

/**
 * Adds the drug of the highest discounted probability p′ while p′·(k + Σ_all p) > Σ_list p, which for p′ = p is
 * exactly "while the expected Jaccard rises"; without a penalty the result is the expected-Jaccard set.
 */
function build(ranked: Ranked, penalty: number): Decoded {
  const { drugs, probabilities, severity, mass } = ranked;
  const conflicts = Uint16Array.from(ranked.currentPairs);
  const weights = Uint16Array.from(ranked.currentWeight);
  const closed = new Uint8Array(drugs.length);
  const list: DrugId[] = [];
  const steps: ListStep[] = [];
  let listMass = 0;
  let interactionCount = 0;
  for (;;) {
    const next = best(probabilities, weights, closed, penalty);
    if (next.index < 0 || !(next.worth * (list.length + mass) > listMass)) break;
    const before = expectedJaccard(listMass, list.length, mass);
    const probability = probabilities[next.index]!;
    const drug = drugs[next.index]!;
    listMass += probability;
    list.push(drug);
    interactionCount += conflicts[next.index]!;
    steps.push({
      action: 'add',
      drug,
      probability,
      expectedJaccardChange: expectedJaccard(listMass, list.length, mass) - before,
      interactionChange: conflicts[next.index]!,
    });
    closed[next.index] = 1;
    for (let i = 0; i < drugs.length; i += 1) {
      const level = severity(next.index, i);
      if (isPair(level)) conflicts[i] = conflicts[i]! + 1;
      weights[i] = weights[i]! + pairWeight(level);
      if (level >= HARD_RULE_SEVERITY) closed[i] = 1;
    }
  }
  return { list, steps, interactionCount, expectedJaccard: expectedJaccard(listMass, list.length, mass) };
}

/** The open drug of the highest discounted probability; the first in rank order among equals. */
function best(
  probabilities: Float64Array,
  weights: Uint16Array,
  closed: Uint8Array,
  penalty: number,
): { index: number; worth: number } {
  let index = -1;
  let worth = 0;
  for (let i = 0; i < probabilities.length; i += 1) {
    if (probabilities[i]! <= worth) break; // no penalty makes a drug worth more than its probability
    if (closed[i] === 1) continue;
    const candidate = discounted(probabilities[i]!, penalty, weights[i]!);
    if (candidate > worth) {
      index = i;
      worth = candidate;
    }
  }
  return { index, worth };
}
