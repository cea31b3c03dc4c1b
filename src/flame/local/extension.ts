/**
 * New drugs of a site in a pack's networks: each starts as its molecule and class say, by kernel ridge regression on the
 * drugs that the pack knows. Trains nothing; the vocabulary's features stay as they are.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import type { DrugId } from '../../shared/ids.ts';
import { invertPositiveDefinite } from '../encoding/cholesky.ts';
import { drugFeatures } from '../encoding/drug-features.ts';
import type { ModelPack } from '../model-pack.ts';
import { DRUG_BIAS, FREE_DRUG_WEIGHT, memberCount, memberPrefix } from '../classifier/network.ts';
import { logit } from '../probability.ts';

/** A drug that a site uses and the pack does not know. */
export interface NewDrug {
  readonly drug: DrugId;
  /** Share of the site's training visits with it: where its bias starts. */
  readonly share: number;
}

/** Rows (or, for `belief`, columns) to append, by the name of the parameter; those of the list policy under POLICY. */
export type ExtensionRows = ReadonlyMap<string, HostTensor>;

/** Before the names of the list policy's parameters in an extension. */
export const POLICY = 'policy/';
/** Beside a kernel that is 2 between a drug and itself: molecule and class each count 1. */
const RIDGE = 0.5;
const PARTS = { molecule: true, classes: true, coPrescription: false, interactions: false };
const POLICY_BIASES = ['head.add-bias', 'head.remove-bias'];
const BELIEF = 'context.belief.in.weight';

/** Empty when there are no new drugs. */
export function extensionRows(
  { manifest, vocabulary, parameters, policy }: ModelPack,
  added: readonly NewDrug[],
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
): Map<string, HostTensor> {
  const rows = new Map<string, HostTensor>();
  if (added.length === 0) return rows;
  const weights = similarityWeights(
    vocabulary.formulary,
    added.map(({ drug }) => drug),
    knowledge,
  );
  for (let member = 0; member < memberCount(manifest.network); member += 1) {
    const name = memberPrefix(member) + FREE_DRUG_WEIGHT;
    rows.set(name, predicted(parameters.get(name)!, weights));
    const bias = Float32Array.from(added, ({ share }) => logit(share));
    rows.set(memberPrefix(member) + DRUG_BIAS, { dtype: 'float32', shape: [added.length], data: bias });
  }
  if (!policy) return rows;
  for (const name of [FREE_DRUG_WEIGHT, ...POLICY_BIASES])
    rows.set(POLICY + name, predicted(policy.get(name)!, weights));
  const width = policy.get(BELIEF)!.shape[0]!;
  rows.set(POLICY + BELIEF, {
    dtype: 'float32',
    shape: [width, added.length],
    data: new Float32Array(width * added.length),
  });
  return rows;
}

/** The pack over the larger formulary. */
export function extendedPack(pack: ModelPack, drugs: readonly DrugId[], rows: ExtensionRows): ModelPack {
  if (drugs.length === 0) return pack;
  const { vocabulary } = pack;
  const extend = (own: ReadonlyMap<string, HostTensor>, prefix: string): Map<string, HostTensor> =>
    new Map(
      [...own].map(([name, tensor]) => {
        const more = rows.get(prefix + name);
        if (!more) return [name, tensor];
        return [name, name === BELIEF ? besideEachOther(tensor, more) : belowEachOther(tensor, more)];
      }),
    );
  return {
    ...pack,
    vocabulary: {
      ...vocabulary,
      formulary: [...vocabulary.formulary, ...drugs],
      drugUses: [...vocabulary.drugUses, ...drugs.map(() => 0)],
    },
    parameters: extend(pack.parameters, ''),
    policy: pack.policy && extend(pack.policy, POLICY),
  };
}

/** How much of each known drug (columns) a new drug (rows) is made of: k(new, known)·(K + ridge)⁻¹. */
function similarityWeights(
  known: readonly DrugId[],
  added: readonly DrugId[],
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
): Float64Array[] {
  const { width, values } = drugFeatures([...known, ...added], [], knowledge, PARTS);
  const n = known.length;
  const row = (drug: number): Float32Array => values.subarray(drug * width, (drug + 1) * width);
  const kernel = (a: number, b: number): number => {
    const [x, y] = [row(a), row(b)];
    let sum = 0;
    for (let i = 0; i < width; i += 1) sum += x[i]! * y[i]!;
    return sum;
  };
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1)
    for (let j = 0; j <= i; j += 1)
      matrix[i * n + j] = matrix[j * n + i] = kernel(i, j) + (i === j ? RIDGE : 0);
  const inverse = invertPositiveDefinite(matrix, n);
  return added.map((_, at) => {
    const similar = Float64Array.from({ length: n }, (__, other) => kernel(n + at, other));
    return Float64Array.from({ length: n }, (__, j) => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += similar[i]! * inverse[i * n + j]!;
      return sum;
    });
  });
}

/** Mean row + Σ weight·(row − mean row), for each new drug; a drug like none of them is their mean. */
function predicted(known: HostTensor, weights: readonly Float64Array[]): HostTensor {
  const rows = known.shape[0]!;
  const width = known.shape[1] ?? 1;
  const data = known.data as Float32Array;
  const centre = new Float64Array(width);
  for (let i = 0; i < rows; i += 1)
    for (let k = 0; k < width; k += 1) centre[k]! += data[i * width + k]! / rows;
  const out = new Float32Array(weights.length * width);
  weights.forEach((own, at) => {
    for (let k = 0; k < width; k += 1) {
      let sum = centre[k]!;
      for (let i = 0; i < rows; i += 1) sum += own[i]! * (data[i * width + k]! - centre[k]!);
      out[at * width + k] = sum;
    }
  });
  return { dtype: 'float32', shape: [weights.length, ...known.shape.slice(1)], data: out };
}

function belowEachOther(a: HostTensor, b: HostTensor): HostTensor {
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data as Float32Array);
  data.set(b.data as Float32Array, a.data.length);
  return { dtype: 'float32', shape: [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)], data };
}

function besideEachOther(a: HostTensor, b: HostTensor): HostTensor {
  const [rows, left] = a.shape as [number, number];
  const right = b.shape[1]!;
  const data = new Float32Array(rows * (left + right));
  for (let i = 0; i < rows; i += 1) {
    data.set((a.data as Float32Array).subarray(i * left, (i + 1) * left), i * (left + right));
    data.set((b.data as Float32Array).subarray(i * right, (i + 1) * right), i * (left + right) + left);
  }
  return { dtype: 'float32', shape: [rows, left + right], data };
}
