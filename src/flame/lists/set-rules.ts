/** From probabilities to one list a visit: the two set rules of METHOD section 5, and temperature. Weighs no interactions. */

import { type DrugLists, rankDrugs, rowOf, type ScoreTable } from '../evaluation/metrics.ts';

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

const THRESHOLDS = 60;

/**
 * The threshold of 0.01, 0.02 … 0.60 with the best mean Jaccard. To be called on validation visits only. One pass over the
 * scores: a drug above 0.07 is on the lists of the first seven thresholds.
 */
export function chooseThreshold(scores: ScoreTable, truth: DrugLists): number {
  const sums = new Float64Array(THRESHOLDS + 1);
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const row = rowOf(scores, visit);
    const wanted = truth[visit]!;
    const size = new Uint16Array(THRESHOLDS + 1);
    const hits = new Uint16Array(THRESHOLDS + 1);
    for (const probability of row) size[highestBelow(probability)]! += 1;
    for (const drug of wanted) hits[highestBelow(row[drug]!)]! += 1;
    for (let step = THRESHOLDS, chosen = 0, right = 0; step >= 1; step -= 1) {
      chosen += size[step]!;
      right += hits[step]!;
      const union = chosen + wanted.length - right;
      sums[step]! += union === 0 ? 1 : right / union;
    }
  }
  let best = 1;
  for (let step = 2; step <= THRESHOLDS; step += 1) if (sums[step]! > sums[best]!) best = step;
  return best / 100;
}

/** The last step whose threshold lies below the probability; 0 when none does. */
function highestBelow(probability: number): number {
  let step = Math.min(THRESHOLDS, Math.floor(probability * 100) + 1);
  while (step > 0 && probability <= step / 100) step -= 1;
  return step;
}
