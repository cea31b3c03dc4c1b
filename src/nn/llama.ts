/** A Llama-type decoder from one configuration; parameter names are those of Llama checkpoints. No cache, no sampling. */
import { attention, maskBias, rotaryTables } from './attention.ts';
import { sizeOf } from './dtype.ts';
import type { Tensor } from './graph.ts';
import { applyLinear, embedding, rmsNorm, swigluFeedForward } from './layers.ts';
import { add } from './ops.ts';
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

const INITIAL_DEVIATION = 0.02; // initializer_range of Llama's configuration

/** ids int [B, T] → logits [B·T, vocabularySize]. `keep` float [B, T] marks real tokens with 1. */
export function llama(scope: Scope, config: LlamaConfig): (ids: Tensor, keep?: Tensor) => Tensor {
  const { hiddenSize, layers, heads, keyValueHeads, intermediateSize, tied } = config;
  const { headSize = hiddenSize / heads, ropeTheta = 10000, normEpsilon = 1e-5 } = config;
  const initialize = normal(INITIAL_DEVIATION);
  // Residual outputs start smaller, by 1/√(number of residual additions): Radford et al. 2019 (GPT-2), section 2.3.
  const initializeResidual = normal(INITIAL_DEVIATION / Math.sqrt(2 * layers));

  const model = scope.child('model');
  const table = embedding(model.child('embed_tokens'), {
    count: config.vocabularySize,
    width: hiddenSize,
    initialize,
  });
  const blocks = Array.from({ length: layers }, (_, i) => {
    const block = model.child(`layers.${i}`);
    return {
      attentionNorm: rmsNorm(block.child('input_layernorm'), hiddenSize, normEpsilon),
      attention: attention(block.child('self_attn'), {
        width: hiddenSize,
        heads,
        keyValueHeads,
        headSize,
        initialize,
        initializeOutput: initializeResidual,
      }),
      feedForwardNorm: rmsNorm(block.child('post_attention_layernorm'), hiddenSize, normEpsilon),
      feedForward: swigluFeedForward(block.child('mlp'), {
        width: hiddenSize,
        hidden: intermediateSize,
        initialize,
        initializeDown: initializeResidual,
      }),
    };
  });
  const finalNorm = rmsNorm(model.child('norm'), hiddenSize, normEpsilon);
  const output = tied
    ? table.weight
    : scope.child('lm_head').parameter('weight', [config.vocabularySize, hiddenSize], initialize);

  return (ids, keep) => {
    const length = ids.dim(1);
    const rotary = rotaryTables(scope.graph, length, headSize, ropeTheta);
    const bias = maskBias(scope.graph, length, length, keep ? { causal: true, keep } : { causal: true });
    let x = table.lookup(ids); // [B, T, hidden]
    for (const block of blocks) {
      x = add(x, block.attention(block.attentionNorm(x), bias ? { rotary, bias } : { rotary }));
      x = add(x, block.feedForward(block.feedForwardNorm(x)));
    }
    const flat = reshape(finalNorm(x), [sizeOf(ids.shape), hiddenSize]);
    return applyLinear(flat, output);
  };
}

/** Number of scalars of a configuration. */
export function llamaSize(config: LlamaConfig): number {
  const { vocabularySize, hiddenSize: d, layers, heads, keyValueHeads, intermediateSize, tied } = config;
  const { headSize = d / heads } = config;
  const perLayer = 2 * d + 2 * d * headSize * (heads + keyValueHeads) + 3 * d * intermediateSize;
  return vocabularySize * d * (tied ? 1 : 2) + layers * perLayer + d;
}
