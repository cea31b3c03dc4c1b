/** Small dense numerics of site adaptation: ridge regression and one shared logistic regression. Knows no drug. */

import { choleskyFactor } from '../encoding/cholesky.ts';
import { sigmoid } from '../probability.ts';

/** Solves A x = b for a symmetric positive definite A [n · n]. @throws RangeError when A is not */
export function solvePositive(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const l = choleskyFactor(a, n);
  const x = b.slice();
  for (let i = 0; i < n; i += 1) {
    for (let k = 0; k < i; k += 1) x[i]! -= l[i * n + k]! * x[k]!;
    x[i]! /= l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < n; k += 1) x[i]! -= l[k * n + i]! * x[k]!;
    x[i]! /= l[i * n + i]!;
  }
  return x;
}

/** Ridge regression of `y` on rows [y.length · width]; the first column (a constant) is not penalised. */
export function ridgeRegression(
  rows: Float64Array,
  y: ArrayLike<number>,
  width: number,
  ridge: number,
): Float64Array {
  const a = new Float64Array(width * width);
  const b = new Float64Array(width);
  for (let row = 0; row < y.length; row += 1) {
    const x = rows.subarray(row * width, (row + 1) * width);
    for (let i = 0; i < width; i += 1) {
      b[i]! += x[i]! * y[row]!;
      for (let j = 0; j < width; j += 1) a[i * width + j]! += x[i]! * x[j]!;
    }
  }
  for (let i = 0; i < width; i += 1) a[i * width + i]! += i === 0 ? 1e-9 : ridge;
  return solvePositive(a, b);
}

/**
 * Ridge-penalised logistic regression by Newton's method over dense rows [y.length · width]; the first column (a constant)
 * is not penalised.
 */
export function denseLogistic(rows: Float32Array, y: Uint8Array, width: number, ridge: number): Float64Array {
  let weights = new Float64Array(width);
  for (let iteration = 0; iteration < 12; iteration += 1) {
    const hessian = new Float64Array(width * width);
    const gradient = new Float64Array(width);
    for (let row = 0; row < y.length; row += 1) {
      const at = row * width;
      let score = 0;
      for (let i = 0; i < width; i += 1) score += rows[at + i]! * weights[i]!;
      const p = sigmoid(score);
      const error = p - y[row]!;
      const bend = Math.max(p * (1 - p), 1e-8);
      for (let i = 0; i < width; i += 1) {
        const value = rows[at + i]!;
        if (value === 0) continue;
        gradient[i]! += value * error;
        const bent = value * bend;
        for (let j = 0; j <= i; j += 1) hessian[i * width + j]! += bent * rows[at + j]!;
      }
    }
    for (let i = 0; i < width; i += 1) {
      for (let j = i + 1; j < width; j += 1) hessian[i * width + j] = hessian[j * width + i]!;
      const penalty = i === 0 ? 1e-6 : ridge;
      hessian[i * width + i]! += penalty;
      gradient[i]! += penalty * weights[i]!;
    }
    const step = solvePositive(hessian, gradient);
    weights = weights.map((weight, i) => weight - step[i]!);
    if (Math.max(...step.map(Math.abs)) < 1e-6) break;
  }
  return weights;
}
