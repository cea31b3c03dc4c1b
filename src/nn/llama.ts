/** A Llama-type decoder from one configuration; parameter names are those of Llama checkpoints. No sampling. */
import {
  type DecoderOptions,
  type DecoderStep,
  type StepCache,
  decoderBlocks,
  decoderStep,
} from './decoder.ts';
import type { Tensor } from './graph.ts';
import { type Embedding, applyLinear, embedding } from './layers.ts';
import { type Scope, normal } from './scope.ts';
import { reshape } from './shape-ops.ts';

/** Touvron et al. 2023, arXiv 2302.13971 and 2307.09288; the fields are those of a checkpoint's config.json. */
export interface LlamaConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Fewer than `heads` for grouped-query attention. */
  readonly keyValueHeads: number;
  readonly intermediateSize: number;
  /** Default hiddenSize / heads. */
  readonly headSize?: number;
  /** Default 10000. */
  readonly ropeTheta?: number;
  /** Default 1e-5. */
  readonly normEpsilon?: number;
  /** The output matrix is the embedding. */
  readonly tied: boolean;
}

/** ids int [B, T] → logits [B·T, vocabularySize]. `keep` float [B, T] marks real tokens with 1. */
export function llama(scope: Scope, config: LlamaConfig): (ids: Tensor, keep?: Tensor) => Tensor {
  const model = scope.child('model');
  const table = tokenTable(model, config);
  const blocks = decoderBlocks(model, decoderOptions(config));
  const output = outputMatrix(scope, config, table);
  return (ids, keep) => toLogits(blocks(table.lookup(ids), keep ? { keep } : {}), output);
}

/** The same on cached keys and values: ids int [B, S] of new tokens → logits [B·S, vocabularySize]. */
export function llamaStep(
  scope: Scope,
  config: LlamaConfig,
): (ids: Tensor, cache: StepCache) => DecoderStep & { readonly logits: Tensor } {
  const model = scope.child('model');
  const table = tokenTable(model, config);
  const blocks = decoderStep(model, decoderOptions(config));
  const output = outputMatrix(scope, config, table);
  return (ids, cache) => {
    const step = blocks(table.lookup(ids), cache);
    return { ...step, logits: toLogits(step.hidden, output) };
  };
}

/** What the blocks of a configuration are. */
export function decoderOptions(config: LlamaConfig): DecoderOptions {
  const { hiddenSize, layers, heads, keyValueHeads, headSize, intermediateSize } = config;
  const { ropeTheta, normEpsilon } = config;
  return {
    width: hiddenSize,
    layers,
    heads,
    keyValueHeads,
    hidden: intermediateSize,
    deviation: INITIAL_DEVIATION,
    ...(headSize === undefined ? {} : { headSize }),
    ...(ropeTheta === undefined ? {} : { ropeTheta }),
    ...(normEpsilon === undefined ? {} : { normEpsilon }),
  };
}

const INITIAL_DEVIATION = 0.02; // initializer_range of Llama's configuration
const initialize = normal(INITIAL_DEVIATION);

function tokenTable(model: Scope, { vocabularySize, hiddenSize }: LlamaConfig): Embedding {
  return embedding(model.child('embed_tokens'), { count: vocabularySize, width: hiddenSize, initialize });
}

function outputMatrix(scope: Scope, config: LlamaConfig, table: Embedding): Tensor {
  if (config.tied) return table.weight;
  return scope.child('lm_head').parameter('weight', [config.vocabularySize, config.hiddenSize], initialize);
}

function toLogits(hidden: Tensor, output: Tensor): Tensor {
  return applyLinear(reshape(hidden, [hidden.dim(0) * hidden.dim(1), hidden.dim(2)]), output);
}

/** Number of scalars of a configuration. */
export function llamaSize(config: LlamaConfig): number {
  const { vocabularySize, hiddenSize: d, layers, heads, keyValueHeads, intermediateSize, tied } = config;
  const { headSize = d / heads } = config;
  const perLayer = 2 * d + 2 * d * headSize * (heads + keyValueHeads) + 3 * d * intermediateSize;
  return vocabularySize * d * (tied ? 1 : 2) + layers * perLayer + d;
}
