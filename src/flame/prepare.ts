/** From labelled visits to what training and evaluation need: split, vocabulary, encoder, encoded parts. Trains nothing. */

import type { Knowledge } from '../knowledge/knowledge.ts';
import { codeFamilies } from './encoding/code-families.ts';
import { codeTables } from './encoding/code-tables.ts';
import { type LabelledVisit, splitCorpus, type SplitOptions } from './corpus.ts';
import { type DrugFeatureParts, drugFeatures } from './encoding/drug-features.ts';
import type { DrugId } from '../shared/ids.ts';
import { type EncodedCorpus, encodeCorpus, Encoder } from './encoding/encoding.ts';
import { describeVisit, type FeatureFamily } from './encoding/features.ts';
import type { DrugFeatures } from './classifier/network.ts';
import { buildVocabulary, type Vocabulary } from './encoding/vocabulary.ts';

/**
 * Holds numbers, not visits: ONNX Runtime's outputs make the garbage collector run often, and marking hundreds of thousands
 * of visit objects each time was measured to take longer than the training steps themselves.
 */
export interface Prepared {
  readonly vocabulary: Vocabulary;
  readonly encoder: Encoder;
  readonly train: EncodedCorpus;
  /** More rows to learn from: training clinicians' visits with fewer than two formulary drugs (see Split). */
  readonly supplement: EncodedCorpus;
  /** The drugs beside the formulary that training may learn too. */
  readonly auxiliary: readonly DrugId[];
  readonly validation: EncodedCorpus;
  readonly test: EncodedCorpus;
}

/** Feature families of the METHOD's baselines: codes as they stand, and demographics. */
export const PLAIN_FAMILIES: readonly FeatureFamily[] = ['demographic', 'code'];
export const ALL_FAMILIES: readonly FeatureFamily[] = [
  'demographic',
  'year',
  'code',
  'hierarchy',
  'count',
  'current-medication',
  'previous-medication',
];

/** @param families what enters the vocabulary, and so the model */
export function prepare(
  visits: readonly LabelledVisit[],
  options: SplitOptions,
  knowledge: Pick<Knowledge, 'codes'>,
  families: readonly FeatureFamily[] = ALL_FAMILIES,
): Prepared {
  const split = splitCorpus(visits, options);
  const tables = codeTables(knowledge);
  const lastYear = options.trainYears[1];
  const vocabulary = buildVocabulary(
    describe(split.train, tables, lastYear),
    split.formulary,
    lastYear,
    families,
  );
  const encoder = new Encoder(vocabulary, tables);
  const names = { auxiliary: split.auxiliary, clinicians: new Map<string, number>() };
  return {
    vocabulary,
    encoder,
    train: encodeCorpus(encoder, split.train, names),
    supplement: encodeCorpus(encoder, split.supplement, names),
    auxiliary: split.auxiliary,
    validation: encodeCorpus(encoder, split.validation),
    test: encodeCorpus(encoder, split.test),
  };
}

/** Training visits are ICD-9: the counts by which an ICD-10 code picks its candidate do not exist yet. */
function* describe(
  visits: readonly LabelledVisit[],
  tables: ReturnType<typeof codeTables>,
  lastYear: number,
) {
  const families = codeFamilies(tables, () => 0);
  for (const visit of visits)
    yield { features: describeVisit(visit.context, families, lastYear), drugs: visit.drugs };
}

/** Of the formulary's drugs, then of the auxiliary ones; a network of the formulary alone reads the first rows. */
export function drugFeaturesOf(
  { vocabulary, auxiliary, train, supplement }: Prepared,
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
  parts?: DrugFeatureParts,
): DrugFeatures {
  const lists = [train, supplement].flatMap(({ truth, auxiliary: others }) =>
    truth.map((drugs, visit) => [...drugs, ...others[visit]!]),
  );
  return drugFeatures([...vocabulary.formulary, ...auxiliary], lists, knowledge, parts);
}
