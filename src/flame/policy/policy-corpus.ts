/**
 * What the list policy reads of encoded visits: π_cls's logits, context vectors, and π_cls's own list with the statistics
 * of its errors (METHOD section 2). Trains nothing and samples only with the generator it is given.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Random } from '../../nn/random.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import { type FeatureFamily, familyOf } from '../encoding/features.ts';
import { type DrugLists, rowOf, type ScoreTable } from '../evaluation/metrics.ts';
import { logitWithin } from '../probability.ts';
import { expectedJaccardList } from '../lists/set-rules.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import { CONTEXT_TOKENS, LOGIT_LIMIT } from './network.ts';

/** π_cls's logit as the policy reads it. */
export function logitOf(probability: number): number {
  return Math.min(Math.max(logitWithin(1e-9, probability), -LOGIT_LIMIT), LOGIT_LIMIT);
}

/** Which of the three context vectors a feature is summed into: patient, diagnoses, procedures. */
export function contextSlot(key: string): number {
  const family: FeatureFamily = familyOf(key);
  if (/^pr\d?:/.test(key)) return 2; // `pr:`, and the groups `pr2:` and `pr3:` of code-families.ts
  return family === 'code' || family === 'hierarchy' ? 1 : 0;
}

/** Writes what a visit's features say of the patient, its diagnoses and its procedures: three vectors of one width. */
export type ContextSource = Pick<ContextVectors, 'width' | 'write'>;

/** Sums of π_cls's feature embeddings by kind: METHOD section 3's [PatEmb] [DiasEmb] [ProEmb] before projection. */
export class ContextVectors {
  readonly width: number;
  private readonly table: Float32Array;
  private readonly slots: Uint8Array;

  /** @param embeddings `features.weight` of π_cls [features, width] */
  constructor(vocabulary: Vocabulary, embeddings: HostTensor) {
    this.width = embeddings.shape[1]!;
    this.table = embeddings.data as Float32Array;
    this.slots = Uint8Array.from(vocabulary.features, contextSlot);
  }

  /** Writes [3, width] into `out`. */
  write(ids: ArrayLike<number>, weights: ArrayLike<number>, out: Float32Array): void {
    out.fill(0, 0, CONTEXT_TOKENS * this.width);
    for (let i = 0; i < ids.length; i += 1) {
      const to = this.slots[ids[i]!]! * this.width;
      const from = ids[i]! * this.width;
      for (let k = 0; k < this.width; k += 1) out[to + k]! += weights[i]! * this.table[from + k]!;
    }
  }
}

/** Visits for the policy. `scores` are π_cls's probabilities, for training visits by cross-fitting. */
export interface PolicyCorpus {
  readonly visits: EncodedCorpus;
  readonly scores: ScoreTable;
  /** π_cls's own lists M_p, by falling probability. */
  readonly lists: DrugLists;
}

export function policyCorpus(visits: EncodedCorpus, scores: ScoreTable): PolicyCorpus {
  const lists = Array.from({ length: visits.visits }, (_, visit) =>
    expectedJaccardList(rowOf(scores, visit)),
  );
  return { visits, scores, lists };
}

/** How often π_cls's lists miss and add how many drugs, by the length of the true list. */
export interface ErrorStatistics {
  /** For each true length, one [missed, extra] for each training visit of that length. */
  readonly byLength: ReadonlyMap<number, readonly (readonly [number, number])[]>;
}

export function errorStatistics({ visits, lists }: PolicyCorpus): ErrorStatistics {
  const byLength = new Map<number, (readonly [number, number])[]>();
  lists.forEach((list, visit) => {
    const truth = new Set(visits.truth[visit]);
    const hits = list.filter((drug) => truth.has(drug)).length;
    const found = byLength.get(truth.size) ?? [];
    found.push([truth.size - hits, list.length - hits]);
    byLength.set(truth.size, found);
  });
  return { byLength };
}

/**
 * A list with errors of the kind and number that π_cls makes on lists of this length: missed drugs are those it thinks
 * least likely, extras those it thinks most likely, both drawn (METHOD section 1, "100,000 sampled list states").
 */
export function corruptList(
  truth: readonly number[],
  probabilities: ArrayLike<number>,
  statistics: ErrorStatistics,
  random: Random,
): number[] {
  const cases = statistics.byLength.get(truth.length);
  const [missed, extra] = cases ? random.choice(cases) : [0, 0];
  const kept = new Set(truth);
  for (const drug of draw(truth, (one) => 1 - probabilities[one]!, missed, random)) kept.delete(drug);
  const wrong = Array.from({ length: probabilities.length }, (_, drug) => drug).filter(
    (drug) => !truth.includes(drug) && probabilities[drug]! > 0.003,
  );
  return [...kept, ...draw(wrong, (one) => probabilities[one]!, extra, random)];
}

/** `count` different items, each draw in proportion to its weight. */
function draw(
  items: readonly number[],
  weightOf: (item: number) => number,
  count: number,
  random: Random,
): number[] {
  // Largest of −log(u)/w are the last to go: exponential races (Efraimidis & Spirakis 2006).
  return items
    .map((item) => ({ item, key: -Math.log(1 - random.uniform()) / Math.max(weightOf(item), 1e-9) }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ item }) => item);
}
