/** Scaled dot-product attention with grouped key-value heads, rotary positions and padding. For a cache see cached-attention.ts. */
import { NnError } from './errors.ts';
import { gatherRows } from './gather-ops.ts';
import type { Graph, Tensor } from './graph.ts';
import { applyLinear, applyMatrix, linear, type Matrix, matrix } from './layers.ts';
import { matmul } from './matrix-ops.ts';
import { add, mul, softmax, sub } from './ops.ts';
import { type Initialize, type Scope, normal, zeros } from './scope.ts';
import { concat, reduceSum, reshape, split, transpose, transposeLast } from './shape-ops.ts';

export const MASKED = -1e9; // added to a score: exp underflows to 0, and a row masked everywhere stays finite

/** Angles of rotary positions: cos and sin [T, headSize/2] of t·θ^(−2i/headSize). Su et al. 2021, arXiv 2104.09864. */
export interface Rotary {
  readonly headSize: number;
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly minusSin: Tensor;
  /** int64 [B, T]: which row of the tables turns which token; absent: token t by row t. */
  readonly positions?: Tensor;
}

/** How a model was stretched beyond the length it was first trained on. */
export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  /** Llama 3.1's: long waves are slowed by `factor`, short ones kept, those between mixed. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalLength: number;
    };

/** Radians a position of each pair of elements [headSize / 2]: θ^(−2i/headSize), scaled (Llama 3 herd, arXiv 2407.21783). */
export function rotaryFrequencies(headSize: number, theta: number, scaling?: RopeScaling): number[] {
  const plain = Array.from({ length: headSize / 2 }, (_, i) => Math.pow(theta, (-2 * i) / headSize));
  if (!scaling) return plain;
  if (scaling.kind === 'linear') return plain.map((frequency) => frequency / scaling.factor);
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalLength } = scaling;
  return plain.map((frequency) => {
    const turns = (originalLength * frequency) / (2 * Math.PI); // within the original length
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}

export function rotaryTables(
  graph: Graph,
  length: number,
  headSize: number,
  theta: number,
  scaling?: RopeScaling,
): Rotary {
  const half = headSize / 2;
  const frequencies = rotaryFrequencies(headSize, theta, scaling);
  const angles = Array.from(
    { length: length * half },
    (_, i) => Math.floor(i / half) * frequencies[i % half]!,
  );
  const table = (f: (angle: number) => number) => graph.constant(angles.map(f), 'float', [length, half]);
  return { headSize, cos: table(Math.cos), sin: table(Math.sin), minusSin: table((a) => -Math.sin(a)) };
}

/**
 * Turns x [B, heads, T, headSize] by its positions, pairing element i with i + headSize/2 as Llama does.
 * A rotation's gradient is the rotation back. In float32 ONNX Runtime's own kernel does it; it has none in float64.
 */
export function rotate(x: Tensor, rotary: Rotary): Tensor {
  const turn = x.dtype === 'float32' ? turnByKernel : turnByParts;
  return x.graph.custom(
    [x],
    () => turn(x, rotary.cos, rotary.sin, rotary.positions),
    (d) => [turn(d, rotary.cos, rotary.minusSin, rotary.positions)],
  );
}

function turnByKernel(x: Tensor, cos: Tensor, sin: Tensor, positions?: Tensor): Tensor {
  const g = x.graph;
  const at = positions ?? g.constant([0], 'int64'); // one number is where the first token stands
  return g.emit('RotaryEmbedding', [x, at, cos, sin], x.dtype, x.shape, { interleaved: 0 }, 'com.microsoft');
}

/** The same from primitives; public for the test that compares both. */
export function turnByParts(x: Tensor, cosTable: Tensor, sinTable: Tensor, positions?: Tensor): Tensor {
  const half = x.dim(-1) / 2;
  const rows = (table: Tensor): Tensor =>
    positions ? reshape(gatherRows(table, positions), [positions.dim(0), 1, positions.dim(1), half]) : table;
  const [cos, sin] = [rows(cosTable), rows(sinTable)];
  const [a, b] = split(x, -1, [half, half]) as [Tensor, Tensor];
  return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], -1);
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
 * q [B, heads, T, headSize]; k and v [B, keyValueHeads, S, headSize]; bias broadcastable to [B, 1, T, S] → as q.
 * Each key-value head serves heads/keyValueHeads query heads (Ainslie et al. 2023, arXiv 2305.13245).
 * The gradient takes Σ_s dP·P of the softmax as Σ dO·O, which is far smaller (Dao et al. 2022, arXiv 2205.14135, B.4).
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Tensor {
  const [batch, heads, length, headSize] = [q.dim(0), q.dim(1), q.dim(2), q.dim(3)];
  const [groups, keys] = [k.dim(1), k.dim(2)];
  const shared = heads / groups;
  if (!Number.isInteger(shared))
    throw new NnError('shape-mismatch', `${heads} heads over ${groups} key-value heads`);
  const scale = 1 / Math.sqrt(headSize);
  // The queries of one group stand below each other, so that they share one product with their keys.
  const stacked = [batch, groups, shared * length, headSize];
  const perHead = [batch, groups, shared, length, keys];

  let queries: Tensor; // q/√headSize [B, groups, shared·T, headSize]
  let weights: Tensor; // P [B, groups, shared·T, S]
  let mixed: Tensor; // O [B, groups, shared·T, headSize]
  return q.graph.custom(
    bias ? [q, k, v, bias] : [q, k, v],
    () => {
      queries = reshape(mul(q, scale), stacked);
      let scores = matmul(queries, k, { transB: true });
      if (bias) {
        const spread = reshape(bias, [bias.dim(0), 1, 1, bias.dim(2), keys]);
        scores = reshape(add(reshape(scores, perHead), spread), [batch, groups, shared * length, keys]);
      }
      weights = softmax(scores);
      mixed = matmul(weights, v);
      return reshape(mixed, q.shape);
    },
    (upstream, [needQ, needK, needV, needBias]) => {
      if (needBias) throw new NnError('operator-refused', 'attend does not differentiate its bias');
      const d = reshape(upstream, stacked); // dO
      const dv = needV ? transposedProduct(weights, d) : null;
      if (!needQ && !needK) return [null, null, dv, null];
      const dWeights = matmul(d, v, { transB: true }); // dP
      const dScores = mul(weights, sub(dWeights, reduceSum(mul(d, mixed), [-1]))); // dS
      return [
        needQ ? reshape(mul(matmul(dScores, k), scale), q.shape) : null,
        needK ? transposedProduct(dScores, queries) : null,
        dv,
        null,
      ];
    },
  );
}

/** aᵀ·b for a wide a and a narrow b, as (bᵀ·a)ᵀ: ONNX Runtime multiplies by a transposed left side at half the speed. */
function transposedProduct(a: Tensor, b: Tensor): Tensor {
  return transposeLast(matmul(transposeLast(b), a));
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

/** Queries, keys and values of one layer, each [B, heads or keyValueHeads, T, headSize], turned by their positions. */
export interface Projected {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** The two halves of attention around `attend`. */
export interface AttentionProjections {
  /** x [B, T, width], memory [B, S, width]; by default x itself. */
  readonly project: (x: Tensor, rotary?: Rotary, memory?: Tensor) => Projected;
  /** What `attend` returned [B, heads, T, headSize] → [B, T, width]. */
  readonly output: (mixed: Tensor) => Tensor;
}

/** Declares q_proj, k_proj, v_proj, o_proj (names as in Llama checkpoints). */
export function attentionProjections(scope: Scope, options: AttentionOptions): AttentionProjections {
  const { width, heads, keyValueHeads = heads, headSize = width / heads, bias = false } = options;
  const { initialize = normal(0.02), initializeOutput = initialize } = options;
  const declare = (name: string, count: number): Projection => {
    const place = scope.child(name);
    const weight = matrix(place, 'weight', [count * headSize, width], initialize);
    return bias
      ? { heads: count, weight, bias: place.parameter('bias', [count * headSize], zeros) }
      : { heads: count, weight };
  };
  const query = declare('q_proj', heads);
  const key = declare('k_proj', keyValueHeads);
  const value = declare('v_proj', keyValueHeads);
  const last = linear(scope.child('o_proj'), {
    inputs: heads * headSize,
    outputs: width,
    bias,
    initialize: initializeOutput,
  });
  return {
    project: (x, rotary, memory) => {
      const [q, k, v] = (
        memory
          ? [...toHeads(x, [query], headSize), ...toHeads(memory, [key, value], headSize)]
          : toHeads(x, [query, key, value], headSize)
      ) as [Tensor, Tensor, Tensor];
      return rotary ? { q: rotate(q, rotary), k: rotate(k, rotary), v } : { q, k, v };
    },
    output: (mixed) => {
      const tokens = transpose(mixed, [0, 2, 1, 3]); // [B, T, heads, headSize]
      return last(reshape(tokens, [mixed.dim(0), mixed.dim(2), heads * headSize]));
    },
  };
}

/** Declares an attention layer; x [B, T, width] → [B, T, width]. */
export function attention(
  scope: Scope,
  options: AttentionOptions,
): (x: Tensor, context?: AttentionContext) => Tensor {
  const { project, output } = attentionProjections(scope, options);
  return (x, { rotary, bias, memory } = {}) => {
    const { q, k, v } = project(x, rotary, memory);
    return output(attend(q, k, v, bias));
  };
}

interface Projection {
  readonly heads: number;
  readonly weight: Matrix; // [heads·headSize, width]
  readonly bias?: Tensor;
}

/** Projections of x [B, T, width], each [B, heads, T, headSize]: one wide product instead of several narrow ones. */
function toHeads(x: Tensor, projections: readonly Projection[], headSize: number): Tensor[] {
  const counts = projections.map((p) => p.heads);
  const heads = (y: Tensor, count: number): Tensor =>
    transpose(reshape(y, [x.dim(0), x.dim(1), count, headSize]), [0, 2, 1, 3]);
  const weights = projections.flatMap(({ weight }) => weight.weight ?? []);
  // Joining matrices that lie outside the graph, or that nobody knows whole, would copy them.
  if (weights.length < projections.length)
    return projections.map((p) => heads(applyMatrix(x, p.weight, p.bias), p.heads));
  const biases = projections.flatMap((p) => (p.bias ? [p.bias] : []));
  const y = applyLinear(x, concat(weights, 0), biases.length > 0 ? concat(biases, 0) : undefined);
  const all = heads(
    y,
    counts.reduce((a, n) => a + n, 0),
  );
  return split(all, 1, counts);
}
