/**
 * The blocks of a Llama-type decoder over token vectors: whole sequences to train on, and the same blocks token by
 * token on cached keys and values. It knows neither vocabulary nor output layer and holds no cache (cached-decoder.ts does).
 *
 *   const blocks = decoderBlocks(scope, options);            // a training graph
 *   const hidden = blocks(x, { keep, masks });               // [B, T, width] → [B, T, width], normed
 *
 *   const step = decoderStep(scope, options);                // a decoding graph with the same parameters
 *   const { hidden, keys, values } = step(x, cache);         // S new tokens [B, S, width] on top of a cache
 *
 * Parameters are named as in Llama checkpoints, `layers.0.self_attn.q_proj.weight` … `norm.weight`, below the scope.
 */
import {
  type AttentionProjections,
  type RopeScaling,
  type Rotary,
  attend,
  attentionProjections,
  maskBias,
  rotaryTables,
} from './attention.ts';
import { type PastKeyValues, attendToCache, pastBias } from './cached-attention.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { type Layer, dropout, rmsNorm, swigluFeedForward } from './layers.ts';
import { add } from './ops.ts';
import { type Scope, normal } from './scope.ts';
import { cast } from './shape-ops.ts';

export interface DecoderOptions {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Default: as many as heads. Fewer for grouped-query attention, and a smaller cache. */
  readonly keyValueHeads?: number;
  /** Default width / heads. */
  readonly headSize?: number;
  /** Width inside the feed-forward. */
  readonly hidden: number;
  /** Default 10000. */
  readonly ropeTheta?: number;
  readonly ropeScaling?: RopeScaling;
  /** Default 1e-5. */
  readonly normEpsilon?: number;
  /** Standard deviation of the initial matrices; default 0.02, Llama's initializer_range. */
  readonly deviation?: number;
}

export interface SequenceContext {
  /** float [B, T]: 1 for a token, 0 for padding that nobody looks at. Padding may stand anywhere. */
  readonly keep?: Tensor;
  /**
   * Dropout masks (`dropoutMask` of random.ts) of what each sub-layer adds: two a layer, attention then feed-forward,
   * each [B, T, width], or [B, 1, width] to hide the same units from all tokens of a row (Gal & Ghahramani 2016).
   */
  readonly masks?: readonly Tensor[];
  /** int [B, T]: where each token stands, instead of one behind the other; below `positionLimit`. */
  readonly positions?: Tensor;
  /** Default T. */
  readonly positionLimit?: number;
  /** Who sees whom, added to the scores [B or 1, 1, T, T], instead of `keep` and everything before. */
  readonly bias?: Tensor;
}

/** What a step looks back at, as tensors of its graph. */
export interface StepCache {
  /** int [B, S]: position of each new token, below `positionLimit`; rows may stand at different ones. */
  readonly positions: Tensor;
  readonly positionLimit: number;
  /** float [B, S]: 1 for a new token, 0 for padding. */
  readonly keep?: Tensor;
  /** Who of the new tokens sees whom [B or 1, 1, S, S], instead of `keep` and everything before. */
  readonly bias?: Tensor;
  /** Absent when nothing came before. */
  readonly past?: {
    readonly keep: Tensor; // float [B, capacity]: 1 for a slot that holds a token
    readonly layers: readonly PastKeyValues[];
  };
}

export interface DecoderStep {
  readonly hidden: Tensor; // [B, S, width], normed
  readonly keys: readonly Tensor[]; // a layer: [B, keyValueHeads, S, headSize], already turned by position
  readonly values: readonly Tensor[];
}

/**
 * x [B, T, width] → hidden [B, T, width]. Token t stands at position t and sees the kept ones of 0 … t.
 * What comes out for padding means nothing.
 */
export function decoderBlocks(
  scope: Scope,
  options: DecoderOptions,
): (x: Tensor, context?: SequenceContext) => Tensor {
  const { blocks, norm, rotaryOf } = declareBlocks(scope, options);
  return (x, { keep, masks, positions, positionLimit, bias: given } = {}) => {
    const length = x.dim(1);
    if (masks && masks.length !== 2 * blocks.length)
      throw new NnError('shape-mismatch', `${masks.length} dropout masks for ${blocks.length} layers`);
    const rotary = rotaryOf(positionLimit ?? length, positions);
    const bias =
      given ?? maskBias(scope.graph, length, length, keep ? { causal: true, keep } : { causal: true });
    const masked = (y: Tensor, at: number): Tensor => (masks ? dropout(y, masks[at]!) : y);
    return norm(
      blocks.reduce((h, { attentionNorm, attention, feedForwardNorm, feedForward }, i) => {
        const { q, k, v } = attention.project(attentionNorm(h), rotary);
        const mixed = add(h, masked(attention.output(attend(q, k, v, bias)), 2 * i));
        return add(mixed, masked(feedForward(feedForwardNorm(mixed)), 2 * i + 1));
      }, x),
    );
  };
}

/** x [B, S, width] of new tokens → their hidden states, and the keys and values to put into the cache. */
export function decoderStep(
  scope: Scope,
  options: DecoderOptions,
): (x: Tensor, cache: StepCache) => DecoderStep {
  const { blocks, norm, rotaryOf } = declareBlocks(scope, options);
  return (x, { positions, positionLimit, keep, bias: given, past }) => {
    const length = x.dim(1);
    const rotary = rotaryOf(positionLimit, positions);
    // A single new token that is no padding sees itself: there is nothing to mask.
    const own =
      length > 1 || keep
        ? maskBias(scope.graph, length, length, keep ? { causal: true, keep } : { causal: true })
        : undefined;
    const bias = given ?? own;
    const hiddenSlots = past && pastBias(past.keep);
    const [keys, values]: [Tensor[], Tensor[]] = [[], []];
    let h = x;
    blocks.forEach(({ attentionNorm, attention, feedForwardNorm, feedForward }, i) => {
      const projected = attention.project(attentionNorm(h), rotary);
      const { q, k, v } = projected;
      keys.push(k);
      values.push(v);
      const mixed =
        past && hiddenSlots
          ? attendToCache(projected, past.layers[i]!, hiddenSlots, bias)
          : attend(q, k, v, bias);
      h = add(h, attention.output(mixed));
      h = add(h, feedForward(feedForwardNorm(h)));
    });
    return { hidden: norm(h), keys, values };
  };
}

interface Block {
  readonly attentionNorm: Layer;
  readonly attention: AttentionProjections;
  readonly feedForwardNorm: Layer;
  readonly feedForward: Layer;
}

function declareBlocks(scope: Scope, options: DecoderOptions) {
  const { width, layers, heads, keyValueHeads = heads, headSize = width / heads, hidden } = options;
  const { normEpsilon = 1e-5, deviation = 0.02, ropeTheta = 10000, ropeScaling } = options;
  const initialize = normal(deviation);
  // Residual outputs start smaller, by 1/√(number of residual additions): Radford et al. 2019 (GPT-2), section 2.3.
  const initializeResidual = normal(deviation / Math.sqrt(2 * layers));
  const blocks = Array.from({ length: layers }, (_, i): Block => {
    const block = scope.child(`layers.${i}`);
    return {
      attentionNorm: rmsNorm(block.child('input_layernorm'), width, normEpsilon),
      attention: attentionProjections(block.child('self_attn'), {
        width,
        heads,
        keyValueHeads,
        headSize,
        initialize,
        initializeOutput: initializeResidual,
      }),
      feedForwardNorm: rmsNorm(block.child('post_attention_layernorm'), width, normEpsilon),
      feedForward: swigluFeedForward(block.child('mlp'), {
        width,
        hidden,
        initialize,
        initializeDown: initializeResidual,
      }),
    };
  });
  const rotaryOf = (limit: number, positions?: Tensor): Rotary => {
    const tables = rotaryTables(scope.graph, limit, headSize, ropeTheta, ropeScaling);
    return positions ? { ...tables, positions: cast(positions, 'int64') } : tables;
  };
  return { blocks, norm: rmsNorm(scope.child('norm'), width, normEpsilon), rotaryOf };
}
