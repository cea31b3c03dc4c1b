/** Shows drugs to a classifier as current medications of visits that are encoded already. Scores nothing. */

import type { EncodedCorpus } from '../encoding/encoding.ts';
import type { DrugLists } from '../evaluation/metrics.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';

export interface VisitRow {
  readonly ids: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/**
 * The rows of `visits` with the drugs of `shown` as current medications. The corpus itself must hold none, and a drug
 * without such a feature in the vocabulary is not shown.
 */
export function rowsWithCurrent(
  corpus: Pick<EncodedCorpus, 'starts' | 'ids' | 'weights'>,
  { features, formulary }: Pick<Vocabulary, 'features' | 'formulary'>,
  visits: ArrayLike<number>,
  shown: DrugLists,
): VisitRow[] {
  const positions = new Map(features.map((key, id) => [key, id]));
  const currentOf = formulary.map((drug) => positions.get(`current:${drug}`));
  return shown.map((list, i) => {
    const [from, to] = [corpus.starts[visits[i]!]!, corpus.starts[visits[i]! + 1]!];
    const current = list.map((drug) => currentOf[drug]).filter((id) => id !== undefined);
    return {
      ids: [...corpus.ids.subarray(from, to), ...current],
      weights: [...corpus.weights.subarray(from, to), ...current.map(() => 1)],
    };
  });
}
