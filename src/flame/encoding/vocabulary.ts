/** The frozen lists of features and drugs that a model was trained with, and their hash. Encodes no visit. */

import { createHash } from 'node:crypto';
import type { DrugId } from '../../shared/ids.ts';
import { type Feature, type FeatureFamily, familyOf } from './features.ts';

/** A feature enters the vocabulary from this many training visits. */
export const FEATURE_MINIMUM = 10;

export interface Vocabulary {
  /** Feature names in code-unit order; a feature's position is its id. */
  readonly features: readonly string[];
  /** Training visits that hold the feature, by id. */
  readonly uses: readonly number[];
  /** The drugs that can be recommended, most used first; a drug's position is its label. */
  readonly formulary: readonly DrugId[];
  /** Training visits that hold the drug. */
  readonly drugUses: readonly number[];
  /** Number of training visits. */
  readonly visits: number;
  /** Later visits are read as of this year. */
  readonly lastYear: number;
}

/**
 * Counts the features of the given families over training visits. A drug of the formulary has its medication features
 * from as many visits as use it, because training simulates them (batches.ts).
 */
export function buildVocabulary(
  visits: Iterable<{ readonly features: readonly Feature[]; readonly drugs: readonly DrugId[] }>,
  formulary: readonly DrugId[],
  lastYear: number,
  families: readonly FeatureFamily[],
  minimum = FEATURE_MINIMUM,
): Vocabulary {
  const wanted = new Set(families);
  const uses = new Map<string, number>();
  const drugUses = new Map<DrugId, number>(formulary.map((drug) => [drug, 0]));
  let count = 0;
  for (const { features, drugs } of visits) {
    count += 1;
    for (const key of new Set(features.map((feature) => feature.key)))
      uses.set(key, (uses.get(key) ?? 0) + 1);
    for (const drug of drugs) drugUses.set(drug, (drugUses.get(drug) ?? 0) + 1);
  }
  for (const drug of formulary) {
    uses.set(`current:${drug}`, drugUses.get(drug)!);
    uses.set(`previous:${drug}`, drugUses.get(drug)!);
  }
  const features = [...uses]
    .filter(([key, n]) => n >= minimum && wanted.has(familyOf(key)))
    .map(([key]) => key)
    .sort();
  return {
    features,
    uses: features.map((key) => uses.get(key)!),
    formulary,
    drugUses: formulary.map((drug) => drugUses.get(drug)!),
    visits: count,
    lastYear,
  };
}

/** sha256 over everything in the vocabulary: weights trained with one vocabulary are nonsense with another. */
export function vocabularyHash(vocabulary: Vocabulary): string {
  const { features, uses, formulary, drugUses, visits, lastYear } = vocabulary;
  const content = JSON.stringify([features, uses, formulary, drugUses, visits, lastYear]);
  return createHash('sha256').update(content).digest('hex');
}
