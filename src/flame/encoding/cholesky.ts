/** Inverts small symmetric positive definite matrices by Cholesky's factorisation. Knows nothing of drugs. */

/**
 * The lower factor L of A = L·Lᵀ (Golub & Van Loan 2013, algorithm 4.2.1).
 * @param matrix [n · n], symmetric
 * @throws RangeError when the matrix is not positive definite
 */
export function choleskyFactor(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1)
    for (let j = 0; j <= i; j += 1) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k += 1) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum);
      else throw new RangeError('the matrix is not positive definite');
    }
  return lower;
}

/**
 * A⁻¹ = L⁻ᵀ·L⁻¹.
 * @param matrix [n · n], symmetric
 * @throws RangeError when the matrix is not positive definite
 */
export function invertPositiveDefinite(matrix: Float64Array, n: number): Float64Array {
  const lower = choleskyFactor(matrix, n);
  const inverse = new Float64Array(n * n); // of L, by forward substitution
  for (let j = 0; j < n; j += 1)
    for (let i = j; i < n; i += 1) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k += 1) sum -= lower[i * n + k]! * inverse[k * n + j]!;
      inverse[i * n + j] = sum / lower[i * n + i]!;
    }
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1)
    for (let j = 0; j <= i; j += 1) {
      let sum = 0;
      for (let k = i; k < n; k += 1) sum += inverse[k * n + i]! * inverse[k * n + j]!;
      result[i * n + j] = sum;
      result[j * n + i] = sum;
    }
  return result;
}
