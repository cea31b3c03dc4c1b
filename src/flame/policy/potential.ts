/**
 * METHOD section 1 as arithmetic: potential, step shaping, list reward and group-relative advantage. Knows neither
 * networks nor how a list came about.
 */

import { EVALUATION_SEVERITY } from '../../shared/domain.ts';
import { interactionRate } from '../../shared/interactions.ts';
import { severityOf, type PairMatrix } from '../lists/pair-matrix.ts';

export interface PotentialWeights {
  /** Weight of the interaction rate. */
  readonly alpha: number;
  /** Weight of the share of names outside the formulary; nothing is refused when decoding is constrained to it. */
  readonly beta: number;
}

/** |M ∩ M*| / |M ∪ M*|; two empty lists agree fully. */
export function jaccard(hits: number, size: number, truth: number): number {
  const union = size + truth - hits;
  return union === 0 ? 1 : hits / union;
}

/** φ(M) = Jaccard − α·DDI − β·Refusal (METHOD section 1). */
export function potential(
  list: { readonly hits: number; readonly size: number; readonly pairs: number; readonly refusal?: number },
  truth: number,
  { alpha, beta }: PotentialWeights,
): number {
  const refused = beta * (list.refusal ?? 0);
  return jaccard(list.hits, list.size, truth) - alpha * interactionRate(list.pairs, list.size) - refused;
}

/** F_n = γ·φ(M_n) − φ(M_{n−1}) for potentials φ(M_0) … φ(M_N): N values. With γ = 1 they sum to φ(M_N) − φ(M_0). */
export function stepShaping(potentials: ArrayLike<number>, gamma = 1): Float64Array {
  const steps = Math.max(0, potentials.length - 1);
  return Float64Array.from({ length: steps }, (_, n) => gamma * potentials[n + 1]! - potentials[n]!);
}

/** R = φ(M_N) − φ(M_0). */
export function listReward(potentials: ArrayLike<number>): number {
  return potentials.length === 0 ? 0 : potentials[potentials.length - 1]! - potentials[0]!;
}

export interface CreditSettings {
  /** λ: weight of the step shaping; 0 is outcome-only GRPO. */
  readonly stepWeight: number;
  /** Divide all F of a group by their root mean square first; METHOD asks to measure both. */
  readonly normaliseSteps: boolean;
}

/** Below this the samples of a group agree, and their list rewards say nothing. */
const SAME = 1e-9;

/**
 * Â_{i,n} = (R_i − mean R)/std R + λ·F_{i,n} for a group of samples from one state (METHOD section 1). The deviation is
 * that of the group as a whole (divisor G); a group whose rewards agree has the shaping alone.
 * @param groupPotentials for each sample φ(M_0) … φ(M_N)
 * @returns for each sample one advantage a step
 */
export function groupAdvantages(
  groupPotentials: readonly ArrayLike<number>[],
  { stepWeight, normaliseSteps }: CreditSettings,
): Float64Array[] {
  const rewards = groupPotentials.map(listReward);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length;
  const deviation = Math.sqrt(variance);
  const shaping = groupPotentials.map((potentials) => stepShaping(potentials));
  const scale = normaliseSteps ? rootMeanSquare(shaping) : 1;
  return shaping.map((steps, i) => {
    const outcome = deviation < SAME ? 0 : (rewards[i]! - mean) / deviation;
    return steps.map(
      (step) => outcome + (stepWeight === 0 || scale < SAME ? 0 : (stepWeight * step) / scale),
    );
  });
}

function rootMeanSquare(rows: readonly Float64Array[]): number {
  let [sum, count] = [0, 0];
  for (const row of rows)
    for (const value of row) {
      sum += value * value;
      count += 1;
    }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/** A list under edit with the counts that φ needs, kept up step by step. */
export class ListState {
  private readonly wanted: Uint8Array;
  private readonly truthSize: number;
  private readonly table: PairMatrix;
  private readonly list = new Set<number>();
  private hits = 0;
  private pairs = 0;

  /** @param table recorded severities; pairs of `EVALUATION_SEVERITY` or above count */
  constructor(start: readonly number[], truth: readonly number[], table: PairMatrix) {
    this.table = table;
    this.wanted = new Uint8Array(table.size);
    for (const drug of truth) this.wanted[drug] = 1;
    this.truthSize = new Set(truth).size;
    for (const drug of start) this.add(drug);
  }

  get drugs(): number[] {
    return [...this.list];
  }

  /** Hits, size and interacting pairs of the list as it stands. */
  get counts(): readonly [number, number, number] {
    return [this.hits, this.list.size, this.pairs];
  }

  add(drug: number): void {
    if (this.list.has(drug)) return;
    this.pairs += this.conflicts(drug);
    this.hits += this.wanted[drug]!;
    this.list.add(drug);
  }

  remove(drug: number): void {
    if (!this.list.delete(drug)) return;
    this.hits -= this.wanted[drug]!;
    this.pairs -= this.conflicts(drug);
  }

  potential(weights: PotentialWeights): number {
    return potential({ hits: this.hits, size: this.list.size, pairs: this.pairs }, this.truthSize, weights);
  }

  private conflicts(drug: number): number {
    let count = 0;
    for (const other of this.list)
      if (other !== drug && severityOf(this.table, drug, other) >= EVALUATION_SEVERITY) count += 1;
    return count;
  }
}
