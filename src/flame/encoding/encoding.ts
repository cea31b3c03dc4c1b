/** Turns a visit into the sparse row a model reads, and says which codes it could not read. Runs no model. */

import type { ClinicalContext } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { type CodeFamilies, codeFamilies, type CodeTables } from './code-families.ts';
import type { LabelledVisit } from '../corpus.ts';
import { describeVisit } from './features.ts';
import type { DrugLists } from '../evaluation/metrics.ts';
import type { Vocabulary } from './vocabulary.ts';

/** One visit as ids into the vocabulary with a weight each; no id twice. */
export interface EncodedVisit {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
  /** Codes of which neither the code nor any family was seen in training: the model is blind to them. */
  readonly unknownCodes: readonly string[];
  /** Codes read through a family, because training saw the code itself too rarely. */
  readonly generalisedCodes: readonly string[];
}

export class Encoder {
  readonly vocabulary: Vocabulary;
  private readonly families: CodeFamilies;
  private readonly ids: ReadonlyMap<string, number>;
  private readonly labels: ReadonlyMap<DrugId, number>;

  constructor(vocabulary: Vocabulary, tables: CodeTables) {
    this.vocabulary = vocabulary;
    this.ids = new Map(vocabulary.features.map((key, id) => [key, id]));
    this.labels = new Map(vocabulary.formulary.map((drug, label) => [drug, label]));
    this.families = codeFamilies(tables, (icd9) => vocabulary.uses[this.ids.get(`dx:${icd9}`) ?? -1] ?? 0);
  }

  /** Anything in the visit format encodes: an empty visit, sixty diagnoses, ninety medications. */
  encode(context: ClinicalContext): EncodedVisit {
    const weights = new Map<number, number>();
    const exact = new Set<string>();
    const family = new Set<string>();
    const codes = new Set<string>([...context.diagnoses.map(({ code }) => code), ...context.procedures]);
    for (const code of [...context.reasons, ...context.chronic]) codes.add(code);
    for (const feature of describeVisit(context, this.families, this.vocabulary.lastYear)) {
      const id = this.ids.get(feature.key);
      if (id === undefined) continue;
      weights.set(id, Math.max(weights.get(id) ?? 0, feature.weight));
      if (feature.code !== undefined) (feature.family === 'code' ? exact : family).add(feature.code);
    }
    const missed = [...codes].filter((code) => !exact.has(code));
    return {
      ids: [...weights.keys()],
      weights: [...weights.values()],
      unknownCodes: missed.filter((code) => !family.has(code)),
      generalisedCodes: missed.filter((code) => family.has(code)),
    };
  }

  /** Formulary positions of a list; drugs outside the formulary are left out. */
  labelsOf(drugs: readonly DrugId[]): number[] {
    return drugs.map((drug) => this.labels.get(drug)).filter((label) => label !== undefined);
  }
}

/** Many encoded visits with their labels, as flat arrays: visit i has ids[starts[i]] … ids[starts[i + 1] - 1]. */
export interface EncodedCorpus {
  readonly visits: number;
  readonly starts: Uint32Array;
  readonly ids: Uint16Array;
  readonly weights: Float32Array;
  readonly truth: DrugLists;
  readonly years: Uint16Array;
  /** Number of each visit's clinician, in order of first appearance: folds and clinic habits go by it. */
  readonly clinicians: Uint32Array;
  /** Labels of drugs beside the formulary: formulary size + position in the auxiliary list. Mostly empty. */
  readonly auxiliary: DrugLists;
}

export interface CorpusNames {
  /** Drugs beside the formulary to label, as in Split; default none. */
  readonly auxiliary?: readonly DrugId[];
  /** Numbers of clinicians given so far, gone on with: corpora that share it agree on every clinician's number. */
  readonly clinicians?: Map<string, number>;
}

const NO_DRUGS: readonly number[] = [];

export function encodeCorpus(
  encoder: Encoder,
  visits: readonly LabelledVisit[],
  names: CorpusNames = {},
): EncodedCorpus {
  const size = encoder.vocabulary.formulary.length;
  const labels = new Map((names.auxiliary ?? []).map((drug, i) => [drug, size + i]));
  const auxiliaryOf = ({ otherDrugs }: LabelledVisit): readonly number[] => {
    const found = (otherDrugs ?? []).map((drug) => labels.get(drug)).filter((label) => label !== undefined);
    return found.length === 0 ? NO_DRUGS : found;
  };
  const starts = new Uint32Array(visits.length + 1);
  const ids: number[] = [];
  const weights: number[] = [];
  visits.forEach((visit, i) => {
    const encoded = encoder.encode(visit.context);
    for (const id of encoded.ids) ids.push(id);
    for (const weight of encoded.weights) weights.push(weight);
    starts[i + 1] = ids.length;
  });
  return {
    visits: visits.length,
    starts,
    ids: Uint16Array.from(ids),
    weights: Float32Array.from(weights),
    truth: visits.map((visit) => encoder.labelsOf(visit.drugs)),
    years: Uint16Array.from(visits, (visit) => visit.year),
    clinicians: numbered(
      visits.map((visit) => visit.clinician),
      names.clinicians ?? new Map<string, number>(),
    ),
    auxiliary: visits.map(auxiliaryOf),
  };
}

function numbered(names: readonly string[], numbers: Map<string, number>): Uint32Array {
  return Uint32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}

/** The features of one visit, as views. */
export function featuresOf(
  { starts, ids, weights }: EncodedCorpus,
  visit: number,
): { readonly ids: Uint16Array; readonly weights: Float32Array } {
  const [from, to] = [starts[visit]!, starts[visit + 1]!];
  return { ids: ids.subarray(from, to), weights: weights.subarray(from, to) };
}

/** The visits at `positions`, in that order. */
export function selectVisits(corpus: EncodedCorpus, positions: ArrayLike<number>): EncodedCorpus {
  const visits = positions.length;
  const starts = new Uint32Array(visits + 1);
  for (let i = 0; i < visits; i += 1)
    starts[i + 1] = starts[i]! + corpus.starts[positions[i]! + 1]! - corpus.starts[positions[i]!]!;
  const ids = new Uint16Array(starts[visits]!);
  const weights = new Float32Array(starts[visits]!);
  for (let i = 0; i < visits; i += 1) {
    const [from, to] = [corpus.starts[positions[i]!]!, corpus.starts[positions[i]! + 1]!];
    ids.set(corpus.ids.subarray(from, to), starts[i]);
    weights.set(corpus.weights.subarray(from, to), starts[i]);
  }
  return {
    visits,
    starts,
    ids,
    weights,
    truth: Array.from(positions, (at) => corpus.truth[at]!),
    years: Uint16Array.from(positions, (at) => corpus.years[at]!),
    clinicians: Uint32Array.from(positions, (at) => corpus.clinicians[at]!),
    auxiliary: Array.from(positions, (at) => corpus.auxiliary[at]!),
  };
}
