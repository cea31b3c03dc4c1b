/** Matrix products with their gradients: `gemm` for two matrices, `matmul` for stacks of them. */
import { broadcastShape } from './dtype.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { real } from './onnx-proto.ts';
import { reduceSum, sumTo, transposeLast } from './shape-ops.ts';

export interface ProductOptions {
  /** Use the transpose of a. */
  readonly transA?: boolean;
  /** Use the transpose of b. */
  readonly transB?: boolean;
}

function productShape(a: Tensor, b: Tensor, transA: boolean, transB: boolean): [number, number] {
  const inner = a.dim(transA ? -2 : -1);
  if (inner !== b.dim(transB ? -1 : -2))
    throw new NnError(
      'shape-mismatch',
      `product of [${a.shape.join()}]${transA ? 'ᵀ' : ''} and [${b.shape.join()}]${transB ? 'ᵀ' : ''}`,
    );
  return [a.dim(transA ? -1 : -2), b.dim(transB ? -2 : -1)];
}

/** op(a)·op(b) + bias for matrices; bias [N] is added to every row. */
export function gemm(
  a: Tensor,
  b: Tensor,
  options: ProductOptions & { readonly bias?: Tensor } = {},
): Tensor {
  const { transA = false, transB = false, bias } = options;
  if (a.rank !== 2 || b.rank !== 2) throw new NnError('shape-mismatch', 'gemm takes matrices; use matmul');
  const [rows, columns] = productShape(a, b, transA, transB);
  if (bias && (bias.rank !== 1 || bias.dim(0) !== columns))
    throw new NnError('shape-mismatch', `bias [${bias.shape.join()}] for ${columns} columns`);
  const g = a.graph;
  const inputs = bias ? [a, b, bias] : [a, b];
  const y = g.emit('Gemm', inputs, a.dtype, [rows, columns], {
    transA: Number(transA),
    transB: Number(transB),
    alpha: real(1),
    beta: real(1),
  });
  g.record(inputs, [y], ([d], [needA, needB, needBias]) => {
    const da = () =>
      transA ? gemm(b, d!, { transA: transB, transB: true }) : gemm(d!, b, { transB: !transB });
    const db = () => {
      if (transA) return transB ? gemm(d!, a, { transA: true, transB: true }) : gemm(a, d!);
      return transB ? columnProducts(d!, a) : columnProducts(a, d!);
    };
    const gradients = [needA ? da() : null, needB ? db() : null];
    if (bias) gradients.push(needBias ? reduceSum(d!, [0], false) : null);
    return gradients;
  });
  return y;
}

/**
 * aᵀ·b for two tall matrices [N, p] and [N, q]: the gradient of a weight. The narrower one is transposed first, because
 * ONNX Runtime multiplies by a transposed left side a sixth slower than it transposes and multiplies. (session.ts keeps
 * its optimiser from undoing this.)
 */
function columnProducts(a: Tensor, b: Tensor): Tensor {
  if (a.dim(1) <= b.dim(1)) return gemm(transposeLast(a), b);
  return transposeLast(gemm(transposeLast(b), a));
}

/** op(a)·op(b) over the last two axes; leading axes broadcast. ONNX Runtime fuses the transposes into the product. */
export function matmul(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
  const { transA = false, transB = false } = options;
  if (a.rank < 2 || b.rank < 2) throw new NnError('shape-mismatch', 'matmul needs rank 2 or more');
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [rows, columns] = productShape(a, b, transA, transB);
  const g = a.graph;
  const forward = () =>
    g.emit('MatMul', [transA ? transposeLast(a) : a, transB ? transposeLast(b) : b], a.dtype, [
      ...batch,
      rows,
      columns,
    ]);
  return g.custom([a, b], forward, (d, [needA, needB]) => {
    const da = () =>
      transA ? matmul(b, d, { transA: transB, transB: true }) : matmul(d, b, { transB: !transB });
    const db = () =>
      transB ? matmul(d, a, { transA: true, transB: transA }) : matmul(a, d, { transA: !transA });
    return [needA ? sumTo(da(), a.shape) : null, needB ? sumTo(db(), b.shape) : null];
  });
}
