/** Losses over logits, stable and weighted per element; each is a scalar with a hand-written gradient. */
import { sameShape, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import { addAtColumns, gatherColumns } from './gather-ops.ts';
import type { Tensor } from './graph.ts';
import { abs, add, div, exp, lastMaximum, log, mul, neg, relu, sigmoid, sub } from './ops.ts';
import { reduceSum, reshape, sumAll } from './shape-ops.ts';

/**
 * Cross-entropy of a softmax: Σ_n w_n · (log Σ_j exp z_nj − z_n,target).
 * logits [N, V]; targets int [N]; weights [N], by default 1/N. Give 0 to padded rows and let the rest sum to 1.
 * Written with log-sum-exp: LogSoftmax has no kernel on WebGPU.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, weights?: Tensor): Tensor {
  const g = logits.graph;
  const rows = logits.dim(0);
  if (logits.rank !== 2 || sizeOf(targets.shape) !== rows || (weights && sizeOf(weights.shape) !== rows))
    throw new NnError(
      'shape-mismatch',
      `cross-entropy of [${logits.shape.join()}] with [${targets.shape.join()}]`,
    );
  const column = reshape(targets, [rows, 1]);
  const w = weights
    ? reshape(weights, [rows, 1])
    : g.constant(new Array<number>(rows).fill(1 / rows), logits.dtype, [rows, 1]);
  let e: Tensor; // exp(z − max) [N, V]
  let total: Tensor; // Σ_j e [N, 1]
  return g.custom(
    [logits],
    () => {
      const shifted = sub(logits, lastMaximum(logits));
      e = exp(shifted);
      total = reduceSum(e, [1]);
      return sumAll(mul(sub(log(total), gatherColumns(shifted, column)), w));
    },
    (d) => {
      const dw = mul(w, d);
      return [addAtColumns(mul(e, div(dw, total)), column, neg(dw))]; // w·(softmax − onehot)
    },
  );
}

/**
 * Binary cross-entropy of independent labels: Σ w · (max(z, 0) − z·y + log(1 + exp(−|z|))).
 * logits and targets of one shape, targets in [0, 1]; weights broadcast to that shape, by default 1/size (the mean).
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, weights?: Tensor): Tensor {
  if (!sameShape(logits.shape, targets.shape))
    throw new NnError(
      'shape-mismatch',
      `targets [${targets.shape.join()}] for logits [${logits.shape.join()}]`,
    );
  const g = logits.graph;
  const w = weights ?? g.constant(1 / sizeOf(logits.shape), logits.dtype);
  return g.custom(
    [logits],
    () => {
      const tail = log(add(exp(neg(abs(logits))), 1));
      return sumAll(mul(add(sub(relu(logits), mul(logits, targets)), tail), w));
    },
    (d) => [mul(sub(sigmoid(logits), targets), mul(w, d))],
  );
}

/** Σ w · (a − b)² with w = 1/size by default. */
export function squaredError(a: Tensor, b: Tensor, weights?: Tensor): Tensor {
  const difference = sub(a, b);
  return sumAll(mul(mul(difference, difference), weights ?? 1 / sizeOf(difference.shape)));
}
