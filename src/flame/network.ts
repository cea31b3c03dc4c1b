/**
 * The networks over an encoded visit as graphs of src/nn, each from one plain configuration: π_cls, and the MLP and
 * logistic regression it is compared with. Holds no weights and trains nothing.
 */

import type { HostTensor } from '../nn/dtype.ts';
import type { Tensor } from '../nn/graph.ts';
import { dropout, linear, rmsNorm, swigluFeedForward } from '../nn/layers.ts';
import { gemm } from '../nn/matrix-ops.ts';
import { add, relu } from '../nn/ops.ts';
import { from, type Initialize, normal, type Scope, zeros } from '../nn/scope.ts';

/** Sum of feature embeddings → residual SwiGLU blocks of the Llama kind → one logit a drug. */
export interface FlameNetworkConfig {
  readonly kind: 'flame';
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  /** Share of a block's output, and of the last state, that is hidden from each training row. */
  readonly dropout: number;
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
  /** [drugs, width] molecule, class and co-prescription features of each drug; absent: free embeddings alone. */
  readonly drugFeatures?: DrugFeatures | undefined;
}

export interface DrugFeatures {
  readonly width: number;
  readonly values: Float32Array;
}

const FREE_DRUG_WEIGHT = 'drugs.weight';
const DRUG_PROJECTION = 'drugs.projection';

/** Names of the dropout masks that a training graph declares as inputs [rows, width]. */
export function maskNames(config: NetworkConfig): string[] {
  if (config.kind !== 'flame' || config.dropout === 0) return [];
  return Array.from({ length: config.layers + 1 }, (_, i) => `mask.${i}`);
}

/**
 * Declares the network and returns logits [rows, drugs] for x [rows, features]. With `priors` it is a network to train:
 * dropout masks are inputs, and drug embeddings have a part projected from the drugs' features.
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
      return scoreDrugs(scope, shape, residualBlocks(scope, config, shape, x, priors !== undefined), priors);
  }
}

/** Σ weight · embedding over the features of a visit, as one dense product: x [rows, features] → [rows, width]. */
function sumEmbeddings(scope: Scope, width: number, shape: NetworkShape, x: Tensor): Tensor {
  const weight = scope.parameter('features.weight', [shape.features, width], normal(0.1));
  const bias = scope.parameter('features.bias', [width], zeros);
  return gemm(x, weight, { bias });
}

/** x → h + swiglu(norm(h)) for each layer → norm: [rows, width]. */
function residualBlocks(
  scope: Scope,
  config: FlameNetworkConfig,
  shape: NetworkShape,
  x: Tensor,
  training: boolean,
): Tensor {
  const { width, hidden, layers } = config;
  const masks = training ? maskNames(config) : [];
  const mask = (h: Tensor, name: string | undefined): Tensor =>
    name === undefined ? h : dropout(h, scope.input(name, 'float', h.shape));
  let h = sumEmbeddings(scope, width, shape, x);
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
  let weight = scope.parameter(FREE_DRUG_WEIGHT, [drugs, h.dim(-1)], initialize);
  const bias = scope.parameter('drugs.bias', [drugs], priors ? from(logOdds(priors.drugShares)) : zeros);
  const known = priors?.drugFeatures;
  if (known) {
    const values = scope.buffer('drug-features', [drugs, known.width], known.values);
    const start = normal(0.5 * Math.sqrt(1 / h.dim(-1)));
    weight = add(weight, gemm(values, scope.parameter(DRUG_PROJECTION, [known.width, h.dim(-1)], start)));
  }
  return gemm(h, weight, { transB: true, bias });
}

function logOdds(shares: ArrayLike<number>): Float64Array {
  return Float64Array.from(shares, (share) => {
    const p = Math.min(Math.max(share, 1e-6), 1 - 1e-6);
    return Math.log(p / (1 - p));
  });
}

/**
 * Adds the projected part into the free drug embeddings, so that trained weights run without the drug features.
 * Returns the parameters of the network to ship.
 */
export function foldDrugFeatures(
  parameters: ReadonlyMap<string, HostTensor>,
  features: DrugFeatures | undefined,
): Map<string, HostTensor> {
  const folded = new Map([...parameters].filter(([name]) => name !== DRUG_PROJECTION));
  const projection = parameters.get(DRUG_PROJECTION);
  const free = parameters.get(FREE_DRUG_WEIGHT);
  if (!projection || !free || !features) return folded;
  const [drugs, width] = free.shape as [number, number];
  const weight = Float32Array.from(free.data as Float32Array);
  const rows = projection.data as Float32Array;
  for (let drug = 0; drug < drugs; drug += 1)
    for (let k = 0; k < features.width; k += 1) {
      const value = features.values[drug * features.width + k]!;
      if (value === 0) continue;
      for (let j = 0; j < width; j += 1) weight[drug * width + j]! += value * rows[k * width + j]!;
    }
  folded.set(FREE_DRUG_WEIGHT, { dtype: 'float32', shape: free.shape, data: weight });
  return folded;
}
