/**
 * The networks over an encoded visit as graphs of src/nn, each from one plain configuration: π_cls, and the MLP and
 * logistic regression it is compared with. Holds no weights and trains nothing.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Tensor } from '../../nn/graph.ts';
import { dropout, linear, rmsNorm, swigluFeedForward } from '../../nn/layers.ts';
import { gemm } from '../../nn/matrix-ops.ts';
import { add, mul, relu } from '../../nn/ops.ts';
import { logit } from '../probability.ts';
import { from, type Initialize, normal, type Scope, zeros } from '../../nn/scope.ts';

/** Sum of feature embeddings → residual SwiGLU blocks of the Llama kind → one logit a drug. */
export interface FlameNetworkConfig {
  readonly kind: 'flame';
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  /** Share of a block's output, and of the last state, that is hidden from each training row. */
  readonly dropout: number;
  /** Networks of this kind, trained from different seeds, whose logits are averaged; default 1. */
  readonly members?: number | undefined;
}
/** Embedding bag → hidden layer → drugs: the MLP of METHOD section 5. */
export interface MlpConfig {
  readonly kind: 'mlp';
  readonly width: number;
  readonly hidden: number;
}
/** One weight for each pair of feature and drug. */
export interface LogisticConfig {
  readonly kind: 'logistic';
}
export type NetworkConfig = FlameNetworkConfig | MlpConfig | LogisticConfig;

export interface NetworkShape {
  readonly features: number;
  readonly drugs: number;
}

/** What training starts from; running the weights needs none of it. */
export interface NetworkPriors {
  /** Share of training visits with each drug: the bias starts at its log-odds. */
  readonly drugShares: ArrayLike<number>;
  /** [drugs or more, width] what is known of each drug (drug-features.ts); absent: free embeddings alone. */
  readonly drugFeatures?: DrugFeatures | undefined;
  /** [features, width] collaborative embedding of each input feature (code-embeddings.ts); absent: free ones alone. */
  readonly codeFeatures?: SideFeatures | undefined;
}

/** What is known of each row of an embedding table before training: [rows, width], row-major. */
export interface SideFeatures {
  readonly width: number;
  readonly values: Float32Array;
}
export type DrugFeatures = SideFeatures;

export const FREE_FEATURE_WEIGHT = 'features.weight';
const FEATURE_PROJECTION = 'features.projection';
export const FREE_DRUG_WEIGHT = 'drugs.weight';
export const DRUG_BIAS = 'drugs.bias';
export const DRUG_PROJECTION = 'drugs.projection';

export function memberCount(config: NetworkConfig): number {
  return config.kind === 'flame' ? (config.members ?? 1) : 1;
}

/** The configuration of one member of an ensemble. */
export function memberOf(config: NetworkConfig): NetworkConfig {
  return config.kind === 'flame' ? { ...config, members: 1 } : config;
}

const MEMBERS = 'members.';

/** Before the parameter names of a member: none for the first, which has the names of a single network. */
export function memberPrefix(member: number): string {
  return member === 0 ? '' : `${MEMBERS}${member}.`;
}

/** The weights of one member under the names of a single network. */
export function memberWeights(
  parameters: ReadonlyMap<string, HostTensor>,
  member: number,
): Map<string, HostTensor> {
  const prefix = memberPrefix(member);
  const own = [...parameters].filter(([name]) =>
    member === 0 ? !name.startsWith(MEMBERS) : name.startsWith(prefix),
  );
  return new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Names of the dropout masks that a training graph declares as inputs [rows, width]. */
export function maskNames(config: NetworkConfig): string[] {
  if (config.kind !== 'flame' || config.dropout === 0) return [];
  return Array.from({ length: config.layers + 1 }, (_, i) => `mask.${i}`);
}

/** Logits [rows, drugs] of trained weights, the mean over the members of an ensemble: x [rows, features]. */
export function buildTrainedNetwork(
  scope: Scope,
  config: NetworkConfig,
  shape: NetworkShape,
  x: Tensor,
): Tensor {
  const members = memberCount(config);
  let sum = buildNetwork(scope, memberOf(config), shape, x);
  for (let member = 1; member < members; member += 1)
    sum = add(sum, buildNetwork(scope.child(`members.${member}`), memberOf(config), shape, x));
  return members === 1 ? sum : mul(sum, 1 / members);
}

/**
 * Declares one network and returns logits [rows, drugs] for x [rows, features]. With `priors` it is a network to train:
 * dropout masks are inputs, and embeddings have a part projected from what is known of drugs and codes.
 */
export function buildNetwork(
  scope: Scope,
  config: NetworkConfig,
  shape: NetworkShape,
  x: Tensor,
  priors?: NetworkPriors,
): Tensor {
  switch (config.kind) {
    case 'logistic':
      return scoreDrugs(scope, shape, x, priors, zeros);
    case 'mlp': {
      const hidden = linear(scope.child('hidden'), {
        inputs: config.width,
        outputs: config.hidden,
        initialize: normal(Math.sqrt(2 / config.width)),
      });
      return scoreDrugs(
        scope,
        shape,
        relu(hidden(relu(sumEmbeddings(scope, config.width, shape, x)))),
        priors,
      );
    }
    case 'flame':
      return scoreDrugs(scope, shape, encodeVisits(scope, config, shape, x, priors), priors);
  }
}

/**
 * Σ weight · embedding over the features of a visit, as one dense product: x [rows, features] → [rows, width]. With
 * collaborative embeddings a feature's is (free + collaborative · projection): METHOD section 3's hybrid representation.
 */
function sumEmbeddings(
  scope: Scope,
  width: number,
  shape: Pick<NetworkShape, 'features'>,
  x: Tensor,
  known?: SideFeatures,
): Tensor {
  const free = scope.parameter(FREE_FEATURE_WEIGHT, [shape.features, width], normal(0.1));
  const weight = known ? withProjection(scope, free, known, FEATURE_PROJECTION, 0.1) : free;
  const bias = scope.parameter('features.bias', [width], zeros);
  return gemm(x, weight, { bias });
}

/** The patient encoder: x → h + swiglu(norm(h)) for each layer → norm: [rows, width]. */
export function encodeVisits(
  scope: Scope,
  config: FlameNetworkConfig,
  shape: Pick<NetworkShape, 'features'>,
  x: Tensor,
  priors: Pick<NetworkPriors, 'codeFeatures'> | undefined,
): Tensor {
  const { width, hidden, layers } = config;
  const masks = priors ? maskNames(config) : [];
  const mask = (h: Tensor, name: string | undefined): Tensor =>
    name === undefined ? h : dropout(h, scope.input(name, 'float', h.shape));
  let h = sumEmbeddings(scope, width, shape, x, priors?.codeFeatures);
  for (let layer = 0; layer < layers; layer += 1) {
    const at = scope.child(`layers.${layer}`);
    const norm = rmsNorm(at.child('norm'), width);
    const block = swigluFeedForward(at, {
      width,
      hidden,
      initialize: normal(Math.sqrt(1 / width)),
      initializeDown: normal(0.5 * Math.sqrt(1 / hidden)),
    });
    h = add(h, mask(block(norm(h)), masks[layer]));
  }
  return mask(rmsNorm(scope.child('norm'), width)(h), masks[layers]);
}

/** h [rows, inputs] · (free + features · projection)ᵀ + bias: METHOD section 3's hybrid drug representation. */
function scoreDrugs(
  scope: Scope,
  { drugs }: NetworkShape,
  h: Tensor,
  priors: NetworkPriors | undefined,
  initialize: Initialize = normal(0.5 * Math.sqrt(1 / h.dim(-1))),
): Tensor {
  const free = scope.parameter(FREE_DRUG_WEIGHT, [drugs, h.dim(-1)], initialize);
  const bias = scope.parameter(DRUG_BIAS, [drugs], priors ? from(logOdds(priors.drugShares)) : zeros);
  const known = priors?.drugFeatures;
  const deviation = 0.5 * Math.sqrt(1 / h.dim(-1));
  const weight = known ? withProjection(scope, free, known, DRUG_PROJECTION, deviation) : free;
  return gemm(h, weight, { transB: true, bias });
}

/** free [rows, width] + known [rows, known.width] · a projection to learn. Rows that `known` lacks have no side. */
export function withProjection(
  scope: Scope,
  free: Tensor,
  known: SideFeatures,
  name: string,
  deviation: number,
): Tensor {
  const [rows, width] = [free.dim(0), free.dim(1)];
  const values = new Float32Array(rows * known.width);
  values.set(known.values.subarray(0, values.length));
  const side = scope.buffer(`${name}.input`, [rows, known.width], values);
  return add(free, gemm(side, scope.parameter(name, [known.width, width], normal(deviation))));
}

function logOdds(shares: ArrayLike<number>): Float64Array {
  return Float64Array.from(shares, logit);
}

/**
 * Adds the projected parts into the free embeddings, so that trained weights run without what they were projected from.
 * Returns the parameters of the network to ship.
 */
export function foldProjections(
  parameters: ReadonlyMap<string, HostTensor>,
  { drugFeatures, codeFeatures }: Pick<NetworkPriors, 'drugFeatures' | 'codeFeatures'>,
): Map<string, HostTensor> {
  const projections = [FEATURE_PROJECTION, DRUG_PROJECTION];
  const folded = new Map([...parameters].filter(([name]) => !projections.includes(name)));
  for (const [freeName, projectionName, known] of [
    [FREE_FEATURE_WEIGHT, FEATURE_PROJECTION, codeFeatures],
    [FREE_DRUG_WEIGHT, DRUG_PROJECTION, drugFeatures],
  ] as const) {
    const projection = parameters.get(projectionName);
    const free = parameters.get(freeName);
    if (projection && free && known) folded.set(freeName, plusProjection(free, projection, known));
  }
  return folded;
}

function plusProjection(free: HostTensor, projection: HostTensor, known: SideFeatures): HostTensor {
  const [rows, width] = free.shape as [number, number];
  const weight = Float32Array.from(free.data as Float32Array);
  const projected = projection.data as Float32Array;
  for (let row = 0; row < rows; row += 1)
    for (let k = 0; k < known.width; k += 1) {
      const value = known.values[row * known.width + k] ?? 0;
      if (value === 0) continue;
      for (let j = 0; j < width; j += 1) weight[row * width + j]! += value * projected[k * width + j]!;
    }
  return { dtype: 'float32', shape: free.shape, data: weight };
}

/** The first rows of the embedding tables: what is left when the rows that only training used are cut off. */
export function cutToShape(
  parameters: ReadonlyMap<string, HostTensor>,
  { features, drugs }: NetworkShape,
): Map<string, HostTensor> {
  const rows = new Map([
    [FREE_FEATURE_WEIGHT, features],
    [FREE_DRUG_WEIGHT, drugs],
    [DRUG_BIAS, drugs],
  ]);
  return new Map(
    [...parameters].map(([name, tensor]) => [name, firstRows(tensor, rows.get(name) ?? tensor.shape[0]!)]),
  );
}

function firstRows(tensor: HostTensor, rows: number): HostTensor {
  if (tensor.shape[0] === rows) return tensor;
  const shape = [rows, ...tensor.shape.slice(1)];
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return { dtype: 'float32', shape, data: (tensor.data as Float32Array).slice(0, size) };
}
