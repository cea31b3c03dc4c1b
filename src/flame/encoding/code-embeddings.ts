/**
 * Collaborative embeddings of what a visit says: diagnoses, reasons, procedures, their families, age, sex and specialty,
 * from the company they keep in training visits (METHOD section 3). A code never seen has none of its own and lands on
 * its families'. Reads training visits only; trains no network.
 */

import type { EncodedCorpus } from './encoding.ts';
import { familyOf } from './features.ts';
import type { SideFeatures } from '../classifier/network.ts';
import { multiplySparse, type SparseSymmetric, spectralRows, unit } from './spectral.ts';
import type { Vocabulary } from './vocabulary.ts';

export const CODE_EMBEDDING_WIDTH = 64;
/** Two things that met in fewer visits say nothing about each other. */
const MEETINGS_MINIMUM = 3;
const EMBEDDED = new Set(['code', 'hierarchy', 'demographic']);

/**
 * Positive pointwise mutual information between features, and between features and prescribed drugs, reduced to its
 * leading eigenvectors: [features, width], rows of length 1, or 0 for features without an embedding (year, counts,
 * medications).
 * @param corpora training visits; drugs are read from their labels, the auxiliary ones too
 */
export function codeEmbeddings(
  vocabulary: Vocabulary,
  corpora: readonly EncodedCorpus[],
  auxiliary: number,
  width = CODE_EMBEDDING_WIDTH,
): SideFeatures {
  const features = vocabulary.features.length;
  const embedded = vocabulary.features.map((key) => EMBEDDED.has(familyOf(key)));
  const items = features + vocabulary.formulary.length + auxiliary;
  const visits = corpora.flatMap((corpus) =>
    Array.from({ length: corpus.visits }, (_, visit) => [
      ...corpus.ids.subarray(corpus.starts[visit], corpus.starts[visit + 1]).filter((id) => embedded[id]),
      ...[...corpus.truth[visit]!, ...(auxiliary > 0 ? corpus.auxiliary[visit]! : [])].map(
        (drug) => features + drug,
      ),
    ]),
  );
  const matrix = mutualInformation(items, visits, MEETINGS_MINIMUM);
  const rows = spectralRows(items, (vector) => multiplySparse(matrix, vector), width);
  return { width: rows[0]?.length ?? 0, values: Float32Array.from(rows.slice(0, features).flatMap(unit)) };
}

/**
 * max(0, log(n · n(a, b) / (n(a) · n(b)))) for items a ≠ b that are together in at least `minimum` of n sets
 * (Church & Hanks 1990, cut at 0). An item stands at most once in a set.
 */
export function mutualInformation(
  items: number,
  sets: readonly (readonly number[])[],
  minimum: number,
): SparseSymmetric {
  const holding = setsOfItems(items, sets);
  const starts = new Uint32Array(items + 1);
  const columns: number[] = [];
  const values: number[] = [];
  const together = new Uint32Array(items);
  for (let a = 0; a < items; a += 1) {
    const met: number[] = [];
    for (const set of holding[a]!)
      for (const b of sets[set]!) {
        if (together[b] === 0) met.push(b);
        together[b]! += 1;
      }
    for (const b of met.sort((x, y) => x - y)) {
      const count = together[b]!;
      together[b] = 0;
      if (b === a || count < minimum) continue;
      const information = Math.log((count * sets.length) / (holding[a]!.length * holding[b]!.length));
      if (information <= 0) continue;
      columns.push(b);
      values.push(information);
    }
    starts[a + 1] = columns.length;
  }
  return { size: items, starts, columns: Uint16Array.from(columns), values: Float32Array.from(values) };
}

function setsOfItems(items: number, sets: readonly (readonly number[])[]): number[][] {
  const holding = Array.from({ length: items }, (): number[] => []);
  sets.forEach((set, index) => {
    for (const item of set) holding[item]!.push(index);
  });
  return holding;
}
