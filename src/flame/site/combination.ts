/**
 * Combines a drug's row of evidence into one probability: a shared logistic regression, boosted trees on top of it, and a
 * temperature. How many trees and which temperature is decided on patients that it was not fitted on.
 */

import { setQuality } from '../evaluation/metrics.ts';
import { expectedJaccardList } from '../lists/set-rules.ts';
import { type BoostingOptions, fitTrees, NO_TREES, type Trees, treesLogit } from './boosting.ts';
import { sigmoid } from '../probability.ts';
import { denseLogistic } from './numerics.ts';

export interface Combination {
  /** [width] */
  readonly weights: Float64Array;
  readonly trees: Trees;
  readonly temperature: number;
}

/** Evidence of visits whose own patients the experts had not seen. */
export interface EvidenceBlock {
  /** [visits · drugs · width] */
  readonly rows: Float32Array;
  readonly truth: readonly (readonly number[])[];
}

const RIDGE = 5;
const BOOSTING: Omit<BoostingOptions, 'trees'> = { depth: 3, rate: 0.1 };
const TREE_COUNTS = [0, 30, 60, 120];
const TEMPERATURES = [0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4];

/** @param fit,look evidence of different patients; the final fit uses both */
export function fitCombination(
  fit: EvidenceBlock,
  look: EvidenceBlock,
  drugs: number,
  width: number,
): Combination {
  const trial = fitParts(fit, drugs, width, Math.max(...TREE_COUNTS));
  const scored = TREE_COUNTS.map((count) => ({
    count,
    jaccard: meanJaccard(logitsOf(trial, look.rows, width, count), look.truth, drugs),
  }));
  const { count } = scored.reduce((best, each) => (each.jaccard > best.jaccard ? each : best));
  const logits = logitsOf(trial, look.rows, width, count);
  const labels = labelsOfCells(look.truth, drugs);
  const losses = TEMPERATURES.map((temperature) => ({
    temperature,
    loss: logLoss(logits, labels, temperature),
  }));
  const { temperature } = losses.reduce((best, each) => (each.loss < best.loss ? each : best));
  const all: EvidenceBlock = { rows: joined(fit.rows, look.rows), truth: [...fit.truth, ...look.truth] };
  return { ...fitParts(all, drugs, width, count), temperature };
}

/** Probabilities [rows.length / width]. */
export function combine({ weights, trees, temperature }: Combination, rows: Float32Array): Float32Array {
  return logitsOf({ weights, trees }, rows, weights.length, trees.roots.length).map((score) =>
    sigmoid(score / temperature),
  );
}

function fitParts(
  { rows, truth }: EvidenceBlock,
  drugs: number,
  width: number,
  trees: number,
): Omit<Combination, 'temperature'> {
  const labels = labelsOfCells(truth, drugs);
  const weights = denseLogistic(rows, labels, width, RIDGE);
  if (trees === 0) return { weights, trees: NO_TREES };
  const logits = logitsOf({ weights, trees: NO_TREES }, rows, width, 0);
  return { weights, trees: fitTrees(rows, labels, width, logits, { ...BOOSTING, trees }) };
}

function logitsOf(
  { weights, trees }: Omit<Combination, 'temperature'>,
  rows: Float32Array,
  width: number,
  count: number,
): Float32Array {
  const logits = new Float32Array(rows.length / width);
  for (let cell = 0; cell < logits.length; cell += 1) {
    let score = 0;
    for (let column = 0; column < width; column += 1)
      score += weights[column]! * rows[cell * width + column]!;
    logits[cell] = score + treesLogit(trees, rows, cell * width, count);
  }
  return logits;
}

function meanJaccard(logits: Float32Array, truth: EvidenceBlock['truth'], drugs: number): number {
  const probabilities = logits.map(sigmoid);
  const total = truth.reduce((sum, list, visit) => {
    const chosen = expectedJaccardList(probabilities.subarray(visit * drugs, (visit + 1) * drugs));
    return sum + setQuality(chosen, list).jaccard;
  }, 0);
  return total / Math.max(1, truth.length);
}

function logLoss(logits: Float32Array, labels: Uint8Array, temperature: number): number {
  let sum = 0;
  for (let cell = 0; cell < labels.length; cell += 1) {
    const score = (labels[cell] === 1 ? 1 : -1) * (logits[cell]! / temperature);
    sum += score > 0 ? Math.log1p(Math.exp(-score)) : -score + Math.log1p(Math.exp(score));
  }
  return sum;
}

function labelsOfCells(truth: EvidenceBlock['truth'], drugs: number): Uint8Array {
  const labels = new Uint8Array(truth.length * drugs);
  truth.forEach((list, visit) => {
    for (const drug of list) labels[visit * drugs + drug] = 1;
  });
  return labels;
}

export function joined(...parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
