/** Leading eigenvectors of symmetric matrices, as embeddings. Knows nothing of drugs or codes. */

import { Random } from '../nn/random.ts';

/** A symmetric matrix with few entries: row i holds values[starts[i]] … at columns[starts[i]] …. */
export interface SparseSymmetric {
  readonly size: number;
  readonly starts: Uint32Array;
  readonly columns: Uint16Array;
  readonly values: Float32Array;
}

const ITERATIONS = 12;
/** Vectors beyond the wanted ones: some of the largest eigenvalues are negative and fall out. */
const OVERSAMPLING = 1.5;

/**
 * Rows of the eigenvectors with the largest positive eigenvalues, each scaled by the root of its eigenvalue, by subspace
 * iteration: [size][min(width, size)], 0 where fewer eigenvalues are positive. For a matrix of pointwise mutual
 * information these are the embeddings of Levy & Goldberg 2014, equation 6.
 */
export function spectralRows(
  size: number,
  multiply: (vector: Float64Array) => Float64Array,
  width: number,
): number[][] {
  const kept = Math.min(width, size);
  const random = new Random(1);
  let basis: Float64Array[] = Array.from({ length: Math.min(size, Math.ceil(kept * OVERSAMPLING)) }, () =>
    Float64Array.from({ length: size }, () => random.normal()),
  );
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) basis = orthonormal(basis.map(multiply));
  const found = basis
    .map((vector) => ({ vector, eigenvalue: dot(multiply(vector), vector) }))
    .sort((a, b) => b.eigenvalue - a.eigenvalue)
    .slice(0, kept)
    .map(({ vector, eigenvalue }) => vector.map((value) => value * Math.sqrt(Math.max(0, eigenvalue))));
  return Array.from({ length: size }, (_, row) => found.map((vector) => vector[row]!));
}

export function multiplyDense(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => dot(row, vector));
}

export function multiplySparse(matrix: SparseSymmetric, vector: Float64Array): Float64Array {
  const { size, starts, columns, values } = matrix;
  const product = new Float64Array(size);
  for (let row = 0; row < size; row += 1) {
    let sum = 0;
    for (let i = starts[row]!; i < starts[row + 1]!; i += 1) sum += values[i]! * vector[columns[i]!]!;
    product[row] = sum;
  }
  return product;
}

/** The row scaled to length 1; zeros stay zeros. */
export function unit(row: readonly number[]): number[] {
  const length = Math.hypot(...row);
  return length > 0 ? row.map((value) => value / length) : [...row];
}

/** Modified Gram–Schmidt. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const known of basis) {
      const overlap = dot(rest, known);
      for (let i = 0; i < rest.length; i += 1) rest[i]! -= overlap * known[i]!;
    }
    const length = Math.sqrt(dot(rest, rest));
    basis.push(rest.map((value) => (length > 0 ? value / length : 0)));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
