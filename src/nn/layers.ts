/** Layers of networks: each call declares its parameters in a scope and returns the function that applies them. */
import { sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import { gatherRows } from './gather-ops.ts';
import type { Tensor } from './graph.ts';
import { gemm } from './matrix-ops.ts';
import { add, mul, reciprocal, reduceMean, sqrt, sub, swiglu } from './ops.ts';
import { type Initialize, type Product, type Scope, normal, ones, uniform, zeros } from './scope.ts';
import { reduceSum, reshape } from './shape-ops.ts';

export type Layer = (x: Tensor) => Tensor;

/** x [..., in] · weightᵀ + bias, computed as one matrix product: weight [out, in], bias [out]. */
export function applyLinear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return applyMatrix(x, plainMatrix(weight), bias);
}

export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default uniform in ±1/√inputs (LeCun et al. 1998, as PyTorch's nn.Linear). */
  readonly initialize?: Initialize;
}

/** A weight matrix [outputs, inputs] of a model. */
export interface Matrix {
  /** Null when the matrix comes from elsewhere (see MatrixSource) and only its products are known. */
  readonly weight: Tensor | null;
  readonly multiply: Product;
}

/** Declares a matrix, or takes the one that the scope's source gives. */
export function matrix(
  scope: Scope,
  name: string,
  shape: readonly [outputs: number, inputs: number],
  initialize: Initialize,
): Matrix {
  const given = scope.productFrom(name, shape, initialize);
  return given ? { weight: null, multiply: given } : plainMatrix(scope.parameter(name, shape, initialize));
}

export function plainMatrix(weight: Tensor): Matrix {
  return {
    weight,
    multiply: (x, bias) => gemm(x, weight, bias ? { transB: true, bias } : { transB: true }),
  };
}

/** x [..., in] · weightᵀ + bias for any matrix. */
export function applyMatrix(x: Tensor, { multiply }: Matrix, bias?: Tensor): Tensor {
  const width = x.dim(-1);
  const y = multiply(reshape(x, [sizeOf(x.shape) / width, width]), bias);
  return reshape(y, [...x.shape.slice(0, -1), y.dim(1)]);
}

/** Declares `weight` [outputs, inputs] and `bias` [outputs]; maps [..., inputs] → [..., outputs]. */
export function linear(scope: Scope, options: LinearOptions): Layer {
  const { inputs, outputs, initialize = uniform(1 / Math.sqrt(inputs)) } = options;
  const weight = matrix(scope, 'weight', [outputs, inputs], initialize);
  const bias = options.bias === false ? undefined : scope.parameter('bias', [outputs], zeros);
  return (x) => applyMatrix(x, weight, bias);
}

export interface Embedding {
  readonly weight: Tensor; // [count, width]
  /** ids int [...] → [..., width] */
  readonly lookup: Layer;
  /** ids int [..., F], weights float [..., F] → Σ_f weights·row [..., width]; weight 0 pads. */
  readonly bag: (ids: Tensor, weights: Tensor) => Tensor;
}

/** Declares `weight` [count, width]. Default start: normal with deviation 0.02. */
export function embedding(
  scope: Scope,
  options: { readonly count: number; readonly width: number; readonly initialize?: Initialize },
): Embedding {
  const weight = scope.parameter(
    'weight',
    [options.count, options.width],
    options.initialize ?? normal(0.02),
  );
  return {
    weight,
    lookup: (ids) => gatherRows(weight, ids),
    bag: (ids, weights) => embeddingBag(weight, ids, weights),
  };
}

/** Weighted sum of table rows: table [V, d], ids int [..., F], weights float [..., F] → [..., d]. */
export function embeddingBag(table: Tensor, ids: Tensor, weights: Tensor): Tensor {
  if (ids.shape.join() !== weights.shape.join())
    throw new NnError(
      'shape-mismatch',
      `bag of [${ids.shape.join()}] with weights [${weights.shape.join()}]`,
    );
  const rows = gatherRows(table, ids); // [..., F, d]
  return reduceSum(mul(rows, reshape(weights, [...weights.shape, 1])), [-2], false);
}

/** x · mask with a mask made by `dropoutMask` on the host: the graph itself draws no random numbers. */
export function dropout(x: Tensor, mask: Tensor): Tensor {
  return mul(x, mask);
}

/** RMSNorm, x / √(mean(x²) + ε) · weight over the last axis. Zhang & Sennrich 2019, arXiv 1910.07467. */
export function applyRmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const width = x.dim(-1);
  let inverse: Tensor; // 1/rms [..., 1]
  let normed: Tensor; // x/rms
  return x.graph.custom(
    [x, weight],
    () => {
      inverse = reciprocal(sqrt(add(reduceMean(mul(x, x), [-1]), epsilon)));
      normed = mul(x, inverse);
      return mul(normed, weight);
    },
    (d, [needX, needWeight]) => {
      const dn = mul(d, weight);
      const rows = sizeOf(x.shape) / width;
      return [
        needX ? mul(sub(dn, mul(normed, reduceMean(mul(dn, normed), [-1]))), inverse) : null,
        needWeight ? reduceSum(reshape(mul(d, normed), [rows, width]), [0], false) : null,
      ];
    },
  );
}

/** Declares `weight` [width], starting at 1. */
export function rmsNorm(scope: Scope, width: number, epsilon = 1e-5): Layer {
  const weight = scope.parameter('weight', [width], ones);
  return (x) => applyRmsNorm(x, weight, epsilon);
}

/** LayerNorm over the last axis; declares `weight` and `bias` [width]. Ba et al. 2016, arXiv 1607.06450. */
export function layerNorm(scope: Scope, width: number, epsilon = 1e-5): Layer {
  const weight = scope.parameter('weight', [width], ones);
  const bias = scope.parameter('bias', [width], zeros);
  return (x) => {
    const centred = sub(x, reduceMean(x, [-1]));
    return add(applyRmsNorm(centred, weight, epsilon), bias); // the RMS of centred values is their deviation
  };
}

/** down(silu(gate(x)) · up(x)): SwiGLU feed-forward. Shazeer 2020, arXiv 2002.05202. Names as in Llama checkpoints. */
export function swigluFeedForward(
  scope: Scope,
  options: {
    readonly width: number;
    readonly hidden: number;
    readonly initialize?: Initialize;
    readonly initializeDown?: Initialize;
  },
): Layer {
  const { width, hidden, initialize = normal(0.02), initializeDown = initialize } = options;
  const gate = linear(scope.child('gate_proj'), { inputs: width, outputs: hidden, bias: false, initialize });
  const up = linear(scope.child('up_proj'), { inputs: width, outputs: hidden, bias: false, initialize });
  const down = linear(scope.child('down_proj'), {
    inputs: hidden,
    outputs: width,
    bias: false,
    initialize: initializeDown,
  });
  return (x) => down(swiglu(gate(x), up(x)));
}
