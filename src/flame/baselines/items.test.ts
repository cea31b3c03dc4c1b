import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choleskyFactor, invertPositiveDefinite } from '../encoding/cholesky.ts';
import { itemScores, trainCoOccurrence, trainEase } from './items.ts';

const N = 4;
/** AᵀA + I is positive definite for any A. */
const positiveDefinite = fc
  .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: N * N, maxLength: N * N })
  .map((a) =>
    Float64Array.from({ length: N * N }, (_, at) => {
      const [i, j] = [Math.floor(at / N), at % N];
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < N; k += 1) sum += a[k * N + i]! * a[k * N + j]!;
      return sum;
    }),
  );

function product(a: ArrayLike<number>, b: ArrayLike<number>, n: number): number[] {
  return Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k += 1) sum += a[Math.floor(at / n) * n + k]! * b[k * n + (at % n)]!;
    return sum;
  });
}

/** Gaussian elimination with pivoting: solves A·x = b by another road than Cholesky's. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let column = 0; column < n; column += 1) {
    const pivot = rows.slice(column).sort((a, b) => Math.abs(b[column]!) - Math.abs(a[column]!))[0]!;
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const [i, row] of rows.entries()) {
      if (i === column) continue;
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= n; k += 1) row[k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

describe('Cholesky', () => {
  it('factors the example worked by hand', () => {
    // [[4, 2], [2, 5]] = L·Lᵀ with L = [[2, 0], [1, 2]]
    expect(Array.from(choleskyFactor(Float64Array.of(4, 2, 2, 5), 2))).toEqual([2, 0, 1, 2]);
  });

  it('inverts', () => {
    fc.assert(
      fc.property(positiveDefinite, (matrix) => {
        const identity = product(matrix, invertPositiveDefinite(matrix, N), N);
        identity.forEach((value, at) => expect(value).toBeCloseTo(at % (N + 1) === 0 ? 1 : 0, 8));
      }),
    );
  });

  it('refuses what is not positive definite', () => {
    expect(() => choleskyFactor(Float64Array.of(1, 2, 2, 1), 2)).toThrow(RangeError);
  });
});

describe('EASE', () => {
  const lists = [
    [0, 1],
    [0, 1, 2],
    [1, 2],
    [0, 3],
    [2, 3],
    [0, 1],
  ];
  const penalty = 0.7;
  const { weights } = trainEase(lists, N, penalty);

  it('has a zero diagonal', () => {
    for (let i = 0; i < N; i += 1) expect(weights[i * N + i]).toBe(0);
  });

  it('is the ridge regression of each drug on the others, solved directly', () => {
    const x = lists.map((list) => Array.from({ length: N }, (_, d) => (list.includes(d) ? 1 : 0)));
    for (let drug = 0; drug < N; drug += 1) {
      const others = [0, 1, 2, 3].filter((d) => d !== drug);
      const dot = (i: number, j: number): number => x.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
      const gram = others.map((i) => others.map((j) => dot(i, j) + (i === j ? penalty : 0)));
      const expected = solve(
        gram,
        others.map((i) => dot(i, drug)),
      );
      others.forEach((i, at) => expect(weights[i * N + drug]).toBeCloseTo(expected[at]!, 10));
    }
  });

  it('scores a list by the sum of its rows', () => {
    const { values } = itemScores({ drugs: N, weights, alone: new Float64Array(N), average: false }, [
      [0, 2],
    ]);
    for (let d = 0; d < N; d += 1) expect(values[d]).toBeCloseTo(weights[d]! + weights[2 * N + d]!, 6);
  });
});

describe('co-occurrence', () => {
  it('agrees with the example worked by hand', () => {
    // drug 0 stands on 2 of 4 lists, drug 1 on 3; both on 1. Leaning on 20 visits of the overall share:
    const model = trainCoOccurrence(
      [
        [0, 1],
        [0, 2],
        [1, 2],
        [1, 2],
      ],
      3,
    );
    const { values } = itemScores(model, [[0], [0, 2], []]);
    expect(values[1]).toBeCloseTo((1 + 20 * 0.75) / (2 + 20), 6);
    expect(values[3 + 1]).toBeCloseTo(((1 + 15) / 22 + (2 + 15) / 23) / 2, 6);
    expect(values[6]).toBeCloseTo(0.5, 6);
  });
});
