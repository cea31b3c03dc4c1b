/** Leading eigenvectors of symmetric matrices, as embeddings. Knows nothing of drugs or codes. */

import { Random } from '../../nn/random.ts';

/** A symmetric matrix with few entries: row i holds values[starts[i]] … at columns[starts[i]] …. */
export interface SparseSymmetric {
  readonly size: number;
  readonly starts: Uint32Array;
  readonly columns: Uint16Array;
  readonly values: Float32Array;
}

const ITERATIONS = 12;
const ROUNDING = 1e-9;
/** Quadratic convergence: ten sweeps leave nothing off the diagonal of matrices of this size. */
const JACOBI_SWEEPS = 10;
/** Vectors beyond the wanted ones: some of the largest eigenvalues are negative and fall out. */
const OVERSAMPLING = 1.5;

/**
 * Rows of the eigenvectors with the largest positive eigenvalues, each scaled by the root of its eigenvalue, by subspace
 * iteration with a Rayleigh–Ritz step at its end: [size][min(width, size)], 0 where fewer eigenvalues are positive. For a matrix of pointwise mutual
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
  const images = basis.map(multiply);
  const { values, vectors } = symmetricEigen(basis.map((a) => images.map((image) => dot(a, image))));
  const found = values
    .map((eigenvalue, i) => ({ scale: Math.sqrt(Math.max(0, eigenvalue)), combination: vectors[i]! }))
    .sort((a, b) => b.scale - a.scale)
    .slice(0, kept);
  return Array.from({ length: size }, (_, row) =>
    found.map(({ scale, combination }) => {
      let sum = 0;
      for (let i = 0; i < basis.length; i += 1) sum += combination[i]! * basis[i]![row]!;
      return scale * sum;
    }),
  );
}

/**
 * All eigenvalues of a small symmetric matrix and their vectors of length 1, in no order, by cyclic Jacobi rotations
 * (Golub & Van Loan, Matrix Computations, 8.5).
 */
export function symmetricEigen(matrix: readonly (readonly number[])[]): {
  readonly values: number[];
  readonly vectors: number[][];
} {
  const a = matrix.map((row) => [...row]);
  const n = a.length;
  const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < JACOBI_SWEEPS; sweep += 1)
    for (let p = 0; p < n; p += 1)
      for (let q = p + 1; q < n; q += 1) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (const row of a) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
        for (const rows of [a, vectors]) {
          const [x, y] = [rows[p]!, rows[q]!];
          rows[p] = x.map((value, k) => c * value - s * y[k]!);
          rows[q] = x.map((value, k) => s * value + c * y[k]!);
        }
      }
  return { values: a.map((row, i) => row[i]!), vectors };
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

/** Modified Gram–Schmidt; a vector that the ones before it span but for rounding becomes 0. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const known of basis) {
      const overlap = dot(rest, known);
      for (let i = 0; i < rest.length; i += 1) rest[i]! -= overlap * known[i]!;
    }
    const length = Math.sqrt(dot(rest, rest));
    const isNew = length > ROUNDING * Math.sqrt(dot(vector, vector));
    basis.push(rest.map((value) => (isNew ? value / length : 0)));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
