/**
 * One ridge-penalised logistic regression for each drug over shared sparse rows, fitted together by accelerated gradient
 * descent (Nesterov 1983, with restarts). Exact up to its tolerance, deterministic, for a few thousand rows.
 */

import { sigmoid } from '../probability.ts';

/** Row i has ids[starts[i]] … ids[starts[i + 1] − 1] with their weights. */
export interface SparseRows {
  readonly rows: number;
  readonly features: number;
  readonly starts: Uint32Array;
  readonly ids: Uint32Array;
  readonly weights: Float32Array;
}

export interface LinearModel {
  readonly features: number;
  readonly labels: number;
  /** [features · labels] */
  readonly weights: Float32Array;
  /** [labels] */
  readonly bias: Float32Array;
}

export interface LogisticOptions {
  /** Penalty on squared weights (half of it); the bias is free. */
  readonly ridge: number;
  readonly iterations?: number;
}

const ITERATIONS = 60;

export function sparseRows(
  rows: readonly { readonly ids: readonly number[]; readonly weights: readonly number[] }[],
  features: number,
): SparseRows {
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach(({ ids }, i) => (starts[i + 1] = starts[i]! + ids.length));
  return {
    rows: rows.length,
    features,
    starts,
    ids: Uint32Array.from(rows.flatMap(({ ids }) => ids)),
    weights: Float32Array.from(rows.flatMap(({ weights }) => weights)),
  };
}

/** Logits [rows · labels]. */
export function linearLogits(model: LinearModel, x: SparseRows): Float32Array {
  const { labels, weights, bias } = model;
  const logits = new Float32Array(x.rows * labels);
  for (let row = 0; row < x.rows; row += 1) {
    const out = logits.subarray(row * labels, (row + 1) * labels);
    out.set(bias);
    for (let at = x.starts[row]!; at < x.starts[row + 1]!; at += 1) {
      const value = x.weights[at]!;
      const from = x.ids[at]! * labels;
      for (let label = 0; label < labels; label += 1) out[label]! += value * weights[from + label]!;
    }
  }
  return logits;
}

/** @param truth for each row its labels; @param start bias at the beginning, e.g. the logit of each label's share */
export function fitLogistic(
  x: SparseRows,
  truth: readonly (readonly number[])[],
  start: Float32Array,
  { ridge, iterations = ITERATIONS }: LogisticOptions,
): LinearModel {
  const labels = start.length;
  const curvature = largestCurvature(x);
  const step = 1 / (curvature + ridge);
  const model = {
    features: x.features,
    labels,
    weights: new Float32Array(x.features * labels),
    bias: start.slice(),
  };
  const ahead: LinearModel = { ...model, weights: model.weights.slice(), bias: model.bias.slice() };
  const gradient = new Float32Array(x.features * labels);
  let momentum = 1;
  for (let iteration = 0; iteration < iterations; iteration += 1) {
    const errors = linearLogits(ahead, x);
    for (let i = 0; i < errors.length; i += 1) errors[i] = sigmoid(errors[i]!);
    truth.forEach((list, row) => {
      for (const label of list) errors[row * labels + label]! -= 1;
    });
    gradient.fill(0);
    const biasGradient = new Float32Array(labels);
    for (let row = 0; row < x.rows; row += 1) {
      const error = errors.subarray(row * labels, (row + 1) * labels);
      for (let label = 0; label < labels; label += 1) biasGradient[label]! += error[label]!;
      for (let at = x.starts[row]!; at < x.starts[row + 1]!; at += 1) {
        const value = x.weights[at]!;
        const from = x.ids[at]! * labels;
        for (let label = 0; label < labels; label += 1) gradient[from + label]! += value * error[label]!;
      }
    }
    const next = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const push = (momentum - 1) / next;
    let against = 0;
    for (let i = 0; i < gradient.length; i += 1) {
      const slope = gradient[i]! + ridge * ahead.weights[i]!;
      const moved = ahead.weights[i]! - step * slope;
      const change = moved - model.weights[i]!;
      against += slope * change;
      model.weights[i] = moved;
      ahead.weights[i] = moved + push * change;
    }
    for (let label = 0; label < labels; label += 1) {
      const moved = ahead.bias[label]! - step * biasGradient[label]!;
      const change = moved - model.bias[label]!;
      model.bias[label] = moved;
      ahead.bias[label] = moved + push * change;
    }
    momentum = against > 0 ? 1 : next;
  }
  return model;
}

/** A quarter of the largest eigenvalue of XᵀX with a column of ones: no logistic loss bends more. By power iteration. */
function largestCurvature(x: SparseRows): number {
  let vector = new Float64Array(x.features + 1).fill(1);
  let norm = 1;
  for (let iteration = 0; iteration < 30; iteration += 1) {
    const image = new Float64Array(x.features + 1);
    for (let row = 0; row < x.rows; row += 1) {
      let dot = vector[x.features]!;
      for (let at = x.starts[row]!; at < x.starts[row + 1]!; at += 1)
        dot += x.weights[at]! * vector[x.ids[at]!]!;
      for (let at = x.starts[row]!; at < x.starts[row + 1]!; at += 1)
        image[x.ids[at]!]! += x.weights[at]! * dot;
      image[x.features]! += dot;
    }
    norm = Math.sqrt(image.reduce((sum, value) => sum + value * value, 0));
    if (norm === 0) return 1;
    vector = image.map((value) => value / norm);
  }
  return (norm * 1.05) / 4;
}
