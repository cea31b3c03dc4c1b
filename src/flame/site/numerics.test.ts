import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../nn/random.ts';
import { fitTrees, treesLogit } from './boosting.ts';
import { sigmoid } from '../probability.ts';
import { denseLogistic, ridgeRegression, solvePositive } from './numerics.ts';
import { fitLogistic, linearLogits, sparseRows } from './sparse-logistic.ts';

describe('solvePositive', () => {
  it('solves what it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer(), (n, seed) => {
        const random = new Random(seed);
        const b = Float64Array.from({ length: n }, () => random.normal());
        const root = Float64Array.from({ length: n * n }, () => random.normal());
        const a = Float64Array.from({ length: n * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          let sum = i === j ? 0.5 : 0;
          for (let k = 0; k < n; k += 1) sum += root[i * n + k]! * root[j * n + k]!;
          return sum;
        });
        const x = solvePositive(a, b);
        for (let i = 0; i < n; i += 1) {
          let sum = 0;
          for (let j = 0; j < n; j += 1) sum += a[i * n + j]! * x[j]!;
          expect(sum).toBeCloseTo(b[i]!, 6);
        }
      }),
    );
  });

  it('says when a matrix is not positive definite', () => {
    expect(() => solvePositive(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1))).toThrow(
      'positive definite',
    );
  });
});

it('ridgeRegression leaves the constant free and shrinks the rest', () => {
  const rows = Float64Array.of(1, -1, 1, 0, 1, 1);
  const [constant, slope] = ridgeRegression(rows, [8, 10, 12], 2, 2);
  expect(constant).toBeCloseTo(10, 6);
  expect(slope).toBeCloseTo(1, 6); // 4 / (2 + ridge)
});

/** Gradient of the ridge-penalised log loss, which is zero at the optimum. */
function slopes(
  rows: Float32Array,
  y: Uint8Array,
  width: number,
  weights: ArrayLike<number>,
  ridge: number,
): number[] {
  return Array.from({ length: width }, (_, column) => {
    let sum = column === 0 ? 0 : ridge * weights[column]!;
    for (let row = 0; row < y.length; row += 1) {
      let score = 0;
      for (let i = 0; i < width; i += 1) score += rows[row * width + i]! * weights[i]!;
      sum += rows[row * width + column]! * (sigmoid(score) - y[row]!);
    }
    return sum;
  });
}

describe('logistic regressions', () => {
  const random = new Random(5);
  const n = 120;
  const rows = Float32Array.from({ length: n * 3 }, (_, at) => (at % 3 === 0 ? 1 : random.normal()));
  const y = Uint8Array.from({ length: n }, (_, row) => (rows[row * 3 + 1]! + random.normal() > 0.4 ? 1 : 0));

  it('the dense one stands where the gradient is zero', () => {
    const weights = denseLogistic(rows, y, 3, 2);
    for (const slope of slopes(rows, y, 3, weights, 2)) expect(Math.abs(slope)).toBeLessThan(1e-3);
  });

  it('the sparse one agrees with the dense one, label by label', () => {
    const x = sparseRows(
      Array.from({ length: n }, (_, row) => ({
        ids: [0, 1],
        weights: [rows[row * 3 + 1]!, rows[row * 3 + 2]!],
      })),
      2,
    );
    const opposite = y.map((label) => 1 - label);
    const truth = Array.from(y, (label) => [1 - label]);
    const model = fitLogistic(x, truth, new Float32Array(2), { ridge: 2, iterations: 400 });
    for (const [label, labels] of [y, opposite].entries()) {
      const [bias, first, second] = denseLogistic(rows, labels, 3, 2);
      expect(model.bias[label]).toBeCloseTo(bias!, 3);
      expect(model.weights[label]).toBeCloseTo(first!, 3);
      expect(model.weights[2 + label]).toBeCloseTo(second!, 3);
    }
    expect(linearLogits(model, x)).toHaveLength(n * 2);
  });
});

describe('boosted trees', () => {
  const random = new Random(7);
  const n = 1200;
  const rows = Float32Array.from({ length: n * 2 }, () => random.normal());
  /** Exclusive or: no linear model of the two columns does better than chance. */
  const y = Uint8Array.from({ length: n }, (_, row) =>
    rows[row * 2]! > 0 !== rows[row * 2 + 1]! > 0 ? 1 : 0,
  );
  const trees = fitTrees(rows, y, 2, new Float32Array(n), { trees: 40, depth: 3, rate: 0.3 });

  it('learn an interaction', () => {
    let right = 0;
    for (let row = 0; row < n; row += 1)
      if (treesLogit(trees, rows, row * 2) > 0 === (y[row] === 1)) right += 1;
    expect(right / n).toBeGreaterThan(0.9);
  });

  it('add up tree by tree', () => {
    const one = fitTrees(rows, y, 2, new Float32Array(n), { trees: 1, depth: 3, rate: 0.3 });
    for (let row = 0; row < 50; row += 1)
      expect(treesLogit(trees, rows, row * 2, 1)).toBe(treesLogit(one, rows, row * 2));
    expect(treesLogit(trees, rows, 0, 0)).toBe(0);
  });
});
