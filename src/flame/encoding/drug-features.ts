/**
 * What is known of each drug before training: molecule, pharmacologic class, the company it keeps in training lists,
 * and the drugs it interacts with (METHOD section 3). Reads training visits only; trains nothing.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { DrugLists } from '../evaluation/metrics.ts';
import type { DrugFeatures } from '../classifier/network.ts';
import { multiplyDense, spectralRows, unit } from './spectral.ts';

export interface DrugFeatureParts {
  readonly molecule: boolean;
  readonly classes: boolean;
  readonly coPrescription: boolean;
  readonly interactions: boolean;
}
export const ALL_DRUG_FEATURES: DrugFeatureParts = {
  molecule: true,
  classes: true,
  coPrescription: true,
  interactions: true,
};

/** A class separates drugs only if the formulary holds at least two of its members. */
const CLASS_MINIMUM = 2;
const CO_PRESCRIPTION_WIDTH = 64;
const INTERACTION_WIDTH = 48;

/** Rows of the parts side by side, each part of a row scaled to length 1 (or 0 where nothing is known). */
export function drugFeatures(
  formulary: readonly DrugId[],
  trainingLists: DrugLists,
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
  parts: DrugFeatureParts = ALL_DRUG_FEATURES,
): DrugFeatures {
  const blocks: number[][][] = [];
  if (parts.molecule) blocks.push(moleculeRows(formulary, knowledge));
  if (parts.classes) blocks.push(classRows(formulary, knowledge));
  if (parts.coPrescription) blocks.push(coPrescriptionRows(formulary.length, trainingLists));
  if (parts.interactions) blocks.push(interactionRows(formulary, knowledge));
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
  return spectralRows(drugs, (vector) => multiplyDense(matrix, vector), width);
}

/**
 * Which drugs of all tables a drug interacts with, weighed by severity, reduced to the leading principal directions
 * between the formulary's drugs: drugs that must be kept from the same others are alike. [drugs][width]
 */
export function interactionRows(
  formulary: readonly DrugId[],
  { drugs, interactions }: Pick<Knowledge, 'drugs' | 'interactions'>,
  width = INTERACTION_WIDTH,
): number[][] {
  const severities = new Map<DrugId, Map<DrugId, number>>();
  const note = (drug: DrugId, other: DrugId, severity: number): void => {
    const known = severities.get(drug) ?? new Map<DrugId, number>();
    severities.set(drug, known.set(other, severity));
  };
  for (const { a, b, severity } of interactions.pairs()) {
    note(a, b, severity);
    note(b, a, severity);
  }
  const rows = formulary.map((drug) => severities.get(drugs.canonical(drug)) ?? new Map<DrugId, number>());
  const lengths = rows.map((row) => Math.hypot(...row.values()));
  const cosines = rows.map((row, i) =>
    Float64Array.from(rows, (other, j) => {
      let sum = 0;
      for (const [drug, severity] of row) sum += severity * (other.get(drug) ?? 0);
      return sum === 0 ? 0 : sum / (lengths[i]! * lengths[j]!);
    }),
  );
  return spectralRows(formulary.length, (vector) => multiplyDense(cosines, vector), width);
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
