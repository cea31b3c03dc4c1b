/**
 * The structured embeddings that placeholders stand for: for each feature of a visit and each drug a vector learnt from
 * training visits alone, in one space, so that a diagnosis lies near what is prescribed for it; for a drug also its
 * classes, molecule and interactions (METHOD section 3). Trains no network.
 */
import type { HostTensor } from '../../nn/dtype.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { mutualInformation } from '../encoding/code-embeddings.ts';
import { drugFeatures } from '../encoding/drug-features.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import { familyOf } from '../encoding/features.ts';
import { contextSlot } from '../policy/policy-corpus.ts';
import { multiplyDense, multiplySparse, spectralRows, unit } from '../encoding/spectral.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import { CONTEXT_SLOTS } from './sequence.ts';

export interface StructuredTables {
  readonly drugs: number;
  readonly contextWidth: number;
  readonly drugWidth: number;
  /** [features, contextWidth] */
  readonly featureValues: Float32Array;
  /** [drugs, drugWidth] */
  readonly drugValues: Float32Array;
}

const SHARED_WIDTH = 48;
const KNOWN_WIDTH = 48;
/** Two things that met in fewer visits say nothing about each other. */
const MEETINGS_MINIMUM = 3;
const EMBEDDED = new Set(['code', 'hierarchy', 'demographic']);

export function structuredTables(
  vocabulary: Vocabulary,
  corpora: readonly EncodedCorpus[],
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
): StructuredTables {
  const features = vocabulary.features.length;
  const drugs = vocabulary.formulary.length;
  const isEmbedded = vocabulary.features.map((key) => EMBEDDED.has(familyOf(key)));
  const visits = corpora.flatMap((corpus) =>
    Array.from({ length: corpus.visits }, (_, visit) => [
      ...corpus.ids.subarray(corpus.starts[visit], corpus.starts[visit + 1]).filter((id) => isEmbedded[id]),
      ...corpus.truth[visit]!.map((drug) => features + drug),
    ]),
  );
  const matrix = mutualInformation(features + drugs, visits, MEETINGS_MINIMUM);
  const shared = spectralRows(features + drugs, (v) => multiplySparse(matrix, v), SHARED_WIDTH);
  const lists = corpora.flatMap(({ truth }) => truth);
  const known = drugFeatures(vocabulary.formulary, lists, knowledge);
  const rows = Array.from({ length: drugs }, (_, drug) =>
    Float64Array.from(known.values.subarray(drug * known.width, (drug + 1) * known.width)),
  );
  const likeness = rows.map((a) => multiplyDense(rows, a));
  const reduced = spectralRows(drugs, (v) => multiplyDense(likeness, v), KNOWN_WIDTH);
  const drugRows = reduced.map((row, drug) => [...unit(shared[features + drug]!), ...unit(row)]);
  return {
    drugs,
    contextWidth: shared[0]?.length ?? 0,
    drugWidth: drugRows[0]?.length ?? 0,
    featureValues: Float32Array.from(shared.slice(0, features).flatMap((row) => unit(row))),
    drugValues: Float32Array.from(drugRows.flat()),
  };
}

export class VisitVectors {
  private readonly tables: StructuredTables;
  private readonly slots: Uint8Array;

  constructor(vocabulary: Vocabulary, tables: StructuredTables) {
    this.tables = tables;
    this.slots = Uint8Array.from(vocabulary.features, contextSlot);
  }

  /** Length of what `write` writes. */
  get length(): number {
    return CONTEXT_SLOTS * this.tables.contextWidth;
  }

  /** Patient, diagnoses, procedures: sums over the features of the visit, each of length 1, or 0 for nothing. */
  write(ids: ArrayLike<number>, weights: ArrayLike<number>, out: Float32Array, offset = 0): void {
    const { contextWidth: width, featureValues } = this.tables;
    out.fill(0, offset, offset + this.length);
    for (let i = 0; i < ids.length; i += 1) {
      const [from, to] = [ids[i]! * width, offset + this.slots[ids[i]!]! * width];
      for (let k = 0; k < width; k += 1) out[to + k]! += weights[i]! * featureValues[from + k]!;
    }
    for (let slot = 0; slot < CONTEXT_SLOTS; slot += 1) {
      const vector = out.subarray(offset + slot * width, offset + (slot + 1) * width);
      const length = Math.hypot(...vector);
      if (length > 0) vector.forEach((value, k) => (vector[k] = value / length));
    }
  }
}

export function tablesToTensors(tables: StructuredTables, features: number): Map<string, HostTensor> {
  const { drugs, contextWidth, drugWidth, featureValues, drugValues } = tables;
  return new Map<string, HostTensor>([
    ['structured.features', { dtype: 'float32', shape: [features, contextWidth], data: featureValues }],
    ['structured.drugs', { dtype: 'float32', shape: [drugs, drugWidth], data: drugValues }],
  ]);
}

export function tablesFromTensors(tensors: ReadonlyMap<string, HostTensor>): StructuredTables | null {
  const [features, drugs] = [tensors.get('structured.features'), tensors.get('structured.drugs')];
  if (!features || !drugs) return null;
  return {
    drugs: drugs.shape[0]!,
    contextWidth: features.shape[1]!,
    drugWidth: drugs.shape[1]!,
    featureValues: features.data as Float32Array,
    drugValues: drugs.data as Float32Array,
  };
}
