/**
 * What is known of each formulary drug before training: molecule, pharmacologic class, and the company it keeps in
 * training lists (METHOD section 3). Reads training visits only; trains nothing.
 */

import type { Knowledge } from '../knowledge/knowledge.ts';
import { Random } from '../nn/random.ts';
import type { DrugId } from '../shared/ids.ts';
import type { DrugLists } from './metrics.ts';
import type { DrugFeatures } from './network.ts';

export interface DrugFeatureParts {
  readonly molecule: boolean;
  readonly classes: boolean;
  readonly coPrescription: boolean;
}
export const ALL_DRUG_FEATURES: DrugFeatureParts = { molecule: true, classes: true, coPrescription: true };

/** A class separates drugs only if the formulary holds at least two of its members. */
const CLASS_MINIMUM = 2;
const CO_PRESCRIPTION_WIDTH = 64;
const SUBSPACE_ITERATIONS = 12;

/** Rows of the parts side by side, each part of a row scaled to length 1 (or 0 where nothing is known). */
export function drugFeatures(
  formulary: readonly DrugId[],
  trainingLists: DrugLists,
  knowledge: Pick<Knowledge, 'drugs' | 'molecules'>,
  parts: DrugFeatureParts = ALL_DRUG_FEATURES,
): DrugFeatures {
  const blocks: number[][][] = [];
  if (parts.molecule) blocks.push(moleculeRows(formulary, knowledge));
  if (parts.classes) blocks.push(classRows(formulary, knowledge));
  if (parts.coPrescription) blocks.push(coPrescriptionRows(formulary.length, trainingLists));
  const rows = formulary.map((_, drug) => blocks.flatMap((block) => unit(block[drug]!)));
  return { width: rows[0]?.length ?? 0, values: Float32Array.from(rows.flat()) };
}

function moleculeRows(formulary: readonly DrugId[], { molecules }: Pick<Knowledge, 'molecules'>): number[][] {
  return formulary.map((drug) => Array.from(molecules.fingerprint(drug) ?? new Uint8Array(molecules.bits)));
}

function classRows(formulary: readonly DrugId[], { drugs }: Pick<Knowledge, 'drugs'>): number[][] {
  const classes = formulary.map((drug) => drugs.classesOf(drug).map(({ kind, title }) => `${kind} ${title}`));
  const members = new Map<string, number>();
  for (const titles of classes) for (const title of titles) members.set(title, (members.get(title) ?? 0) + 1);
  const columns = [...members]
    .filter(([, n]) => n >= CLASS_MINIMUM)
    .map(([title]) => title)
    .sort();
  return classes.map((titles) => columns.map((title) => (titles.includes(title) ? 1 : 0)));
}

/**
 * Positive pointwise mutual information of drugs within lists, reduced to its leading eigenvectors scaled by the root
 * of their eigenvalues (Levy & Goldberg 2014, equation 6, on a symmetric matrix). [drugs][width]
 */
export function coPrescriptionRows(
  drugs: number,
  lists: DrugLists,
  width = CO_PRESCRIPTION_WIDTH,
): number[][] {
  const matrix = positiveMutualInformation(drugs, lists);
  const kept = Math.min(width, drugs);
  const random = new Random(1);
  let basis: Float64Array[] = Array.from({ length: kept }, () =>
    Float64Array.from({ length: drugs }, () => random.normal()),
  );
  for (let iteration = 0; iteration < SUBSPACE_ITERATIONS; iteration += 1)
    basis = orthonormal(basis.map((vector) => multiply(matrix, vector)));
  const scaled = basis.map((vector) => {
    const eigenvalue = multiply(matrix, vector).reduce((sum, value, i) => sum + value * vector[i]!, 0);
    return vector.map((value) => value * Math.sqrt(Math.max(0, eigenvalue)));
  });
  return Array.from({ length: drugs }, (_, drug) => scaled.map((vector) => vector[drug]!));
}

function positiveMutualInformation(drugs: number, lists: DrugLists): Float64Array[] {
  const together = Array.from({ length: drugs }, () => new Float64Array(drugs));
  const alone = new Float64Array(drugs);
  for (const list of lists)
    for (const a of list) {
      alone[a]! += 1;
      for (const b of list) if (a !== b) together[a]![b]! += 1;
    }
  return together.map((row, a) =>
    row.map((count, b) =>
      count === 0 ? 0 : Math.max(0, Math.log((count * lists.length) / (alone[a]! * alone[b]!))),
    ),
  );
}

function multiply(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => {
    let sum = 0;
    for (let i = 0; i < row.length; i += 1) sum += row[i]! * vector[i]!;
    return sum;
  });
}

/** Modified Gram–Schmidt. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const known of basis) {
      const overlap = rest.reduce((sum, value, i) => sum + value * known[i]!, 0);
      for (let i = 0; i < rest.length; i += 1) rest[i]! -= overlap * known[i]!;
    }
    const length = Math.hypot(...rest);
    basis.push(rest.map((value) => (length > 0 ? value / length : 0)));
  }
  return basis;
}

function unit(row: readonly number[]): number[] {
  const length = Math.hypot(...row);
  return length > 0 ? row.map((value) => value / length) : [...row];
}
