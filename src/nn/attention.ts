/** Scaled dot-product attention with grouped key-value heads, rotary positions and padding. It keeps no cache. */
import { NnError } from './errors.ts';
import type { Graph, Tensor } from './graph.ts';
import { linear } from './layers.ts';
import { matmul } from './matrix-ops.ts';
import { add, mul, softmax, sub } from './ops.ts';
import { type Initialize, type Scope, normal } from './scope.ts';
import { concat, reshape, split, transpose } from './shape-ops.ts';

const MASKED = -1e9; // added to a score: exp underflows to 0, and a row masked everywhere stays finite

/** Angles of rotary positions: cos and sin [T, headSize/2] of t·θ^(−2i/headSize). Su et al. 2021, arXiv 2104.09864. */
export interface Rotary {
  readonly headSize: number;
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly minusSin: Tensor;
}

export function rotaryTables(graph: Graph, length: number, headSize: number, theta: number): Rotary {
  const half = headSize / 2;
  const angles = Array.from({ length: length * half }, (_, i) => {
    const t = Math.floor(i / half);
    return t * Math.pow(theta, (-2 * (i % half)) / headSize);
  });
  const table = (f: (angle: number) => number) => graph.constant(angles.map(f), 'float', [length, half]);
  return { headSize, cos: table(Math.cos), sin: table(Math.sin), minusSin: table((a) => -Math.sin(a)) };
}

/**
 * Turns x [B, T, heads, headSize] by its positions, pairing element i with i + headSize/2 as Llama does.
 * A rotation's gradient is the rotation back. In float32 ONNX Runtime's own kernel does it; it has none in float64.
 */
export function rotate(x: Tensor, rotary: Rotary): Tensor {
  const g = x.graph;
  const turn = x.dtype === 'float32' ? turnByKernel : turnByParts;
  return g.custom(
    [x],
    () => turn(x, rotary.cos, rotary.sin),
    (d) => [g.untaped(() => turn(d, rotary.cos, rotary.minusSin))],
  );
}

function turnByKernel(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const g = x.graph;
  const [batch, length, heads, headSize] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
  const flat = reshape(x, [batch, length, heads * headSize]);
  const start = g.constant([0], 'int64');
  const attributes = { interleaved: 0, num_heads: heads, rotary_embedding_dim: 0 };
  const y = g.emit(
    'RotaryEmbedding',
    [flat, start, cos, sin],
    x.dtype,
    flat.shape,
    attributes,
    'com.microsoft',
  );
  return reshape(y, x.shape);
}

/** The same from primitives; public for the test that compares both. */
export function turnByParts(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const half = x.dim(3) / 2;
  const [a, b] = split(x, 3, [half, half]) as [Tensor, Tensor];
  const c = reshape(cos, [x.dim(1), 1, half]);
  const s = reshape(sin, [x.dim(1), 1, half]);
  return concat([sub(mul(a, c), mul(b, s)), add(mul(b, c), mul(a, s))], 3);
}

export interface AttentionMask {
  /** Position t sees 0 … t only. */
  readonly causal?: boolean;
  /** float [B, S]: 1 for a key to look at, 0 for padding. */
  readonly keep?: Tensor;
}

/** The sum to add to scores [B, heads or 1, T, S]; build it once per model, not per layer. */
export function maskBias(
  graph: Graph,
  queries: number,
  keys: number,
  mask: AttentionMask,
): Tensor | undefined {
  let bias: Tensor | undefined;
  if (mask.causal) {
    const upper = Array.from({ length: queries * keys }, (_, i) =>
      i % keys > Math.floor(i / keys) ? MASKED : 0,
    );
    bias = graph.constant(upper, 'float', [1, 1, queries, keys]);
  }
  if (mask.keep) {
    const padding = reshape(mul(sub(1, mask.keep), MASKED), [mask.keep.dim(0), 1, 1, keys]);
    bias = bias ? add(bias, padding) : padding;
  }
  return bias;
}

/**
 * softmax(q·kᵀ/√headSize + bias)·v.
 * q [B, T, heads, headSize]; k and v [B, S, keyValueHeads, headSize]; bias broadcastable to [B, 1, T, S] → [B, T, heads·headSize].
 * Each key-value head serves heads/keyValueHeads query heads (Ainslie et al. 2023, arXiv 2305.13245).
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Tensor {
  const [batch, length, heads, headSize] = [q.dim(0), q.dim(1), q.dim(2), q.dim(3)];
  const [keys, groups] = [k.dim(1), k.dim(2)];
  const shared = heads / groups;
  if (!Number.isInteger(shared))
    throw new NnError('shape-mismatch', `${heads} heads over ${groups} key-value heads`);

  const scaled = mul(q, 1 / Math.sqrt(headSize));
  const queries =
    shared === 1
      ? transpose(scaled, [0, 2, 1, 3])
      : reshape(transpose(reshape(scaled, [batch, length, groups, shared, headSize]), [0, 2, 3, 1, 4]), [
          batch,
          groups,
          shared * length,
          headSize,
        ]);
  let scores = matmul(queries, transpose(k, [0, 2, 3, 1])); // [B, groups, shared·T, S]
  if (bias)
    scores =
      shared === 1
        ? add(scores, bias)
        : add(
            reshape(scores, [batch, groups, shared, length, keys]),
            reshape(bias, [bias.dim(0), 1, 1, bias.dim(2), keys]),
          );
  const weights = reshape(softmax(scores), [batch, groups, shared * length, keys]);
  const mixed = matmul(weights, transpose(v, [0, 2, 1, 3])); // [B, groups, shared·T, headSize]
  const back =
    shared === 1
      ? transpose(mixed, [0, 2, 1, 3])
      : transpose(reshape(mixed, [batch, groups, shared, length, headSize]), [0, 3, 1, 2, 4]);
  return reshape(back, [batch, length, heads * headSize]);
}

export interface AttentionOptions {
  readonly width: number;
  readonly heads: number;
  /** Default: as many as heads. */
  readonly keyValueHeads?: number;
  /** Default width / heads. */
  readonly headSize?: number;
  readonly bias?: boolean;
  readonly initialize?: Initialize;
  readonly initializeOutput?: Initialize;
}

export interface AttentionContext {
  readonly rotary?: Rotary;
  /** From `maskBias`. */
  readonly bias?: Tensor;
  /** What to look at [B, S, width]; by default x itself. */
  readonly memory?: Tensor;
}

/** Declares q_proj, k_proj, v_proj, o_proj (names as in Llama checkpoints); x [B, T, width] → [B, T, width]. */
export function attention(
  scope: Scope,
  options: AttentionOptions,
): (x: Tensor, context?: AttentionContext) => Tensor {
  const { width, heads, keyValueHeads = heads, headSize = width / heads, bias = false } = options;
  const { initialize = normal(0.02), initializeOutput = initialize } = options;
  const project = (name: string, outputs: number) =>
    linear(scope.child(name), { inputs: width, outputs, bias, initialize });
  const query = project('q_proj', heads * headSize);
  const key = project('k_proj', keyValueHeads * headSize);
  const value = project('v_proj', keyValueHeads * headSize);
  const output = linear(scope.child('o_proj'), {
    inputs: heads * headSize,
    outputs: width,
    bias,
    initialize: initializeOutput,
  });
  return (x, { rotary, bias: mask, memory = x } = {}) => {
    const [batch, length, keys] = [x.dim(0), x.dim(1), memory.dim(1)];
    let q = reshape(query(x), [batch, length, heads, headSize]);
    let k = reshape(key(memory), [batch, keys, keyValueHeads, headSize]);
    const v = reshape(value(memory), [batch, keys, keyValueHeads, headSize]);
    if (rotary) {
      q = rotate(q, rotary);
      k = rotate(k, rotary);
    }
    return output(attend(q, k, v, mask));
  };
}
