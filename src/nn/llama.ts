/** A Llama-type decoder from one configuration; parameter names are those of Llama checkpoints. No sampling. */
import {
  type DecoderOptions,
  type DecoderStep,
  type SequenceContext,
  type StepCache,
  decoderBlocks,
  decoderStep,
} from './decoder.ts';
import type { RopeScaling } from './attention.ts';
import { sizeOf } from './dtype.ts';
import type { Tensor } from './graph.ts';
import { type Embedding, type Matrix, embedding, matrix, plainMatrix } from './layers.ts';
import { type Scope, normal } from './scope.ts';
import { cast, reshape } from './shape-ops.ts';

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
  readonly ropeScaling?: RopeScaling;
  /** Default 1e-5. */
  readonly normEpsilon?: number;
  /** The output matrix is the embedding. */
  readonly tied: boolean;
}

/** A Llama in parts, for whoever feeds vectors beside tokens or wants the logits of a few places only. */
export interface LlamaParts<Blocks> {
  /** ids int [...] → [..., hiddenSize]. */
  readonly embed: (ids: Tensor) => Tensor;
  readonly blocks: Blocks;
  /** hidden [..., hiddenSize], normed → logits [N, vocabularySize]. */
  readonly toLogits: (hidden: Tensor) => Tensor;
}

/** For whole sequences. */
export function llamaParts(
  scope: Scope,
  config: LlamaConfig,
): LlamaParts<(x: Tensor, context?: SequenceContext) => Tensor> {
  return partsAround(scope, config, (model) => decoderBlocks(model, decoderOptions(config)));
}

/** For cached keys and values. */
export function llamaStepParts(
  scope: Scope,
  config: LlamaConfig,
): LlamaParts<(x: Tensor, cache: StepCache) => DecoderStep> {
  return partsAround(scope, config, (model) => decoderStep(model, decoderOptions(config)));
}

/** ids int [B, T] → logits [B·T, vocabularySize]. `keep` float [B, T] marks real tokens with 1. */
export function llama(scope: Scope, config: LlamaConfig): (ids: Tensor, keep?: Tensor) => Tensor {
  const { embed, blocks, toLogits } = llamaParts(scope, config);
  return (ids, keep) => toLogits(blocks(embed(ids), keep ? { keep } : {}));
}

/** The same on cached keys and values: ids int [B, S] of new tokens → logits [B·S, vocabularySize]. */
export function llamaStep(
  scope: Scope,
  config: LlamaConfig,
): (ids: Tensor, cache: StepCache) => DecoderStep & { readonly logits: Tensor } {
  const { embed, blocks, toLogits } = llamaStepParts(scope, config);
  return (ids, cache) => {
    const step = blocks(embed(ids), cache);
    return { ...step, logits: toLogits(step.hidden) };
  };
}

function partsAround<Blocks>(
  scope: Scope,
  config: LlamaConfig,
  declare: (model: Scope) => Blocks,
): LlamaParts<Blocks> {
  const model = scope.child('model');
  const table = tokenTable(model, config);
  const blocks = declare(model);
  const output = outputMatrix(scope, config, table);
  return {
    // A table stored in 16 bits is read as it lies; only the rows looked up are widened.
    embed: (ids) => cast(table.lookup(ids), scope.graph.floatType),
    blocks,
    toLogits: (hidden) => {
      const width = hidden.dim(-1);
      return output.multiply(reshape(hidden, [sizeOf(hidden.shape) / width, width]));
    },
  };
}

/** What the blocks of a configuration are. */
export function decoderOptions(config: LlamaConfig): DecoderOptions {
  const { hiddenSize, layers, heads, keyValueHeads, headSize, intermediateSize } = config;
  const { ropeTheta, ropeScaling, normEpsilon } = config;
  return {
    width: hiddenSize,
    layers,
    heads,
    keyValueHeads,
    hidden: intermediateSize,
    deviation: INITIAL_DEVIATION,
    ...(headSize === undefined ? {} : { headSize }),
    ...(ropeTheta === undefined ? {} : { ropeTheta }),
    ...(ropeScaling === undefined ? {} : { ropeScaling }),
    ...(normEpsilon === undefined ? {} : { normEpsilon }),
  };
}

const INITIAL_DEVIATION = 0.02; // initializer_range of Llama's configuration
const initialize = normal(INITIAL_DEVIATION);

function tokenTable(model: Scope, { vocabularySize, hiddenSize }: LlamaConfig): Embedding {
  return embedding(model.child('embed_tokens'), { count: vocabularySize, width: hiddenSize, initialize });
}

function outputMatrix(scope: Scope, config: LlamaConfig, table: Embedding): Matrix {
  const shape = [config.vocabularySize, config.hiddenSize] as const;
  if (!config.tied) return matrix(scope.child('lm_head'), 'weight', shape, initialize);
  const given = scope.child('model').child('embed_tokens').productFrom('weight', shape, initialize);
  return given ? { weight: null, multiply: given } : plainMatrix(table.weight);
}

/** Number of scalars of a configuration. */
export function llamaSize(config: LlamaConfig): number {
  const { vocabularySize, hiddenSize: d, layers, heads, keyValueHeads, intermediateSize, tied } = config;
  const { headSize = d / heads } = config;
  const perLayer = 2 * d + 2 * d * headSize * (heads + keyValueHeads) + 3 * d * intermediateSize;
  return vocabularySize * d * (tied ? 1 : 2) + layers * perLayer + d;
}
