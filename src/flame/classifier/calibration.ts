/**
 * Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number, fitted on validation visits, that makes
 * probabilities mean what they say, and its folding into the weights. Ranks no drug differently.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import { type DrugLists, type ScoreTable, rowOf } from '../evaluation/metrics.ts';
import { logitWithin, sigmoid } from '../probability.ts';
import { DRUG_BIAS, FREE_DRUG_WEIGHT, memberCount, memberPrefix, type NetworkConfig } from './network.ts';

const SMALLEST = 1e-7;
/** The search covers e^±RANGE, and stops when the temperature is known to 1e-4. */
const RANGE = 1;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const PRECISION = 1e-4;

/** Cross-entropy in nats, summed over drugs and averaged over visits, with every logit divided by `temperature`. */
export function crossEntropyAt(scores: ScoreTable, truth: DrugLists, temperature: number): number {
  let sum = 0;
  for (let visit = 0; visit < scores.visits; visit += 1) {
    for (const p of rowOf(scores, visit)) sum += Math.log1p(Math.exp(logitWithin(SMALLEST, p) / temperature));
    for (const drug of new Set(truth[visit]))
      sum -= logitWithin(SMALLEST, rowOf(scores, visit)[drug]!) / temperature;
  }
  return sum / Math.max(1, scores.visits);
}

/** The temperature with the least cross-entropy, by golden-section search: it has one minimum. 1 without visits. */
export function fitTemperature(scores: ScoreTable, truth: DrugLists): number {
  if (scores.visits === 0) return 1;
  const loss = (logTemperature: number): number => crossEntropyAt(scores, truth, Math.exp(logTemperature));
  let [low, high] = [-RANGE, RANGE];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [atLeft, atRight] = [loss(left), loss(right)];
  while (high - low > PRECISION) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = loss(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = loss(right);
    }
  }
  return Math.exp((low + high) / 2);
}

/** The probabilities of logits divided by `temperature`. */
export function atTemperature(scores: ScoreTable, temperature: number): ScoreTable {
  return { ...scores, values: scores.values.map((p) => sigmoid(logitWithin(SMALLEST, p) / temperature)) };
}

/** Weights whose logits are those of `parameters` divided by `temperature`. */
export function foldTemperature(
  parameters: ReadonlyMap<string, HostTensor>,
  network: NetworkConfig,
  temperature: number,
): Map<string, HostTensor> {
  const scaled = new Map(parameters);
  for (let member = 0; member < memberCount(network); member += 1)
    for (const name of [FREE_DRUG_WEIGHT, DRUG_BIAS]) {
      const full = memberPrefix(member) + name;
      const { dtype, shape, data } = parameters.get(full)!;
      scaled.set(full, { dtype, shape, data: (data as Float32Array).map((value) => value / temperature) });
    }
  return scaled;
}
