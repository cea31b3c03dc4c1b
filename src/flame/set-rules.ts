/** From probabilities to one list a visit: the two set rules of METHOD section 5, and temperature. Weighs no interactions. */

import { type DrugLists, mean, rankDrugs, rowOf, type ScoreTable, setPerVisit } from './metrics.ts';

/**
 * The k most probable drugs with the k that maximises Σ_{i≤k} p_i / (k + Σ_all p − Σ_{i≤k} p_i).
 * Never empty: the first drug always raises the ratio.
 */
export function expectedJaccardList(probabilities: ArrayLike<number>): number[] {
  const ranking = rankDrugs(probabilities);
  let mass = 0;
  for (let i = 0; i < probabilities.length; i += 1) mass += probabilities[i]!;
  let held = 0;
  let best = 0;
  let size = 0;
  for (let k = 1; k <= ranking.length; k += 1) {
    held += probabilities[ranking[k - 1]!]!;
    const ratio = held / (k + mass - held);
    if (ratio <= best) break; // adding helps while p_k > the ratio so far, and p falls: the maximum is the first one
    best = ratio;
    size = k;
  }
  return Array.from(ranking.subarray(0, size));
}

export function expectedJaccardLists(scores: ScoreTable): number[][] {
  return Array.from({ length: scores.visits }, (_, visit) => expectedJaccardList(rowOf(scores, visit)));
}

/** Every drug above `threshold`, by falling probability. */
export function thresholdList(probabilities: ArrayLike<number>, threshold: number): number[] {
  const above: number[] = [];
  for (let drug = 0; drug < probabilities.length; drug += 1)
    if (probabilities[drug]! > threshold) above.push(drug);
  return above.sort((i, j) => probabilities[j]! - probabilities[i]! || i - j);
}

export function thresholdLists(scores: ScoreTable, threshold: number): number[][] {
  return Array.from({ length: scores.visits }, (_, visit) => thresholdList(rowOf(scores, visit), threshold));
}

/** The threshold of 0.01, 0.02 … 0.60 with the best mean Jaccard. To be called on validation visits only. */
export function chooseThreshold(scores: ScoreTable, truth: DrugLists): number {
  let best = { threshold: 0.5, jaccard: -1 };
  for (let step = 1; step <= 60; step += 1) {
    const threshold = step / 100;
    const jaccard = mean(setPerVisit(thresholdLists(scores, threshold), truth).jaccard);
    if (jaccard > best.jaccard) best = { threshold, jaccard };
  }
  return best.threshold;
}
