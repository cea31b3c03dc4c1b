/** Operators that move, sum or repeat elements, each with its gradient. No arithmetic between two tensors. */
import { type DType, type Shape, broadcastShape, sameShape, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { DATA_TYPE } from './onnx-proto.ts';

function axisOf(a: Tensor, axis: number): number {
  const positive = axis < 0 ? a.rank + axis : axis;
  if (positive < 0 || positive >= a.rank)
    throw new NnError('shape-mismatch', `axis ${axis} of rank ${a.rank}`);
  return positive;
}

export function reshape(a: Tensor, shape: Shape): Tensor {
  if (sizeOf(shape) !== sizeOf(a.shape))
    throw new NnError('shape-mismatch', `cannot reshape [${a.shape.join()}] to [${shape.join()}]`);
  if (sameShape(a.shape, shape)) return a;
  const g = a.graph;
  const y = g.emit('Reshape', [a, g.constant(shape, 'int64')], a.dtype, shape);
  g.record([a], [y], ([d]) => [reshape(d!, a.shape)]);
  return y;
}

export function transpose(a: Tensor, permutation: readonly number[]): Tensor {
  const g = a.graph;
  const shape = permutation.map((axis) => a.dim(axis));
  const y = g.emit('Transpose', [a], a.dtype, shape, { perm: permutation });
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  g.record([a], [y], ([d]) => [transpose(d!, inverse)]);
  return y;
}

/** Matrix transpose of the last two axes. */
export function transposeLast(a: Tensor): Tensor {
  const axes = a.shape.map((_, i) => i);
  return transpose(a, [...axes.slice(0, -2), a.rank - 1, a.rank - 2]);
}

/** Repeats a over broadcast axes up to `shape`. */
export function expand(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  if (!sameShape(broadcastShape(a.shape, shape), shape))
    throw new NnError('shape-mismatch', `cannot expand [${a.shape.join()}] to [${shape.join()}]`);
  const g = a.graph;
  const y = g.emit('Expand', [a, g.constant(shape, 'int64')], a.dtype, shape);
  g.record([a], [y], ([d]) => [sumTo(d!, a.shape)]);
  return y;
}

/** Sum over `axes`, kept as length 1 unless `keep` is false. */
export function reduceSum(a: Tensor, axes: readonly number[], keep = true): Tensor {
  const g = a.graph;
  const summed = axes.map((axis) => axisOf(a, axis));
  const kept = a.shape.map((d, i) => (summed.includes(i) ? 1 : d));
  const shape = keep ? kept : a.shape.filter((_, i) => !summed.includes(i));
  const y = g.emit('ReduceSum', [a, g.constant(summed, 'int64')], a.dtype, shape, { keepdims: keep ? 1 : 0 });
  g.record([a], [y], ([d]) => [expand(reshape(d!, kept), a.shape)]);
  return y;
}

/** Sum of all elements, a scalar. */
export function sumAll(a: Tensor): Tensor {
  return reduceSum(reshape(a, [sizeOf(a.shape)]), [0], false);
}

/** The transpose of broadcasting: sums a down to `shape`. */
export function sumTo(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  const padded = [...a.shape.map(() => 1).slice(shape.length), ...shape];
  const axes = a.shape.flatMap((d, i) => (d === padded[i] ? [] : [i]));
  return reshape(axes.length > 0 ? reduceSum(a, axes) : a, shape);
}

/** Elements start … end − 1 of one axis. */
export function slice(a: Tensor, axis: number, start: number, end: number): Tensor {
  const g = a.graph;
  const at = axisOf(a, axis);
  if (start < 0 || end > a.dim(at) || end <= start)
    throw new NnError('shape-mismatch', `slice ${start}:${end} of axis ${at} in [${a.shape.join()}]`);
  const shape = a.shape.map((d, i) => (i === at ? end - start : d));
  const bounds = [start, end, at].map((v) => g.constant([v], 'int64'));
  const y = g.emit('Slice', [a, ...bounds], a.dtype, shape);
  g.record([a], [y], ([d]) => {
    const pads = new Array<number>(2 * a.rank).fill(0);
    pads[at] = start;
    pads[a.rank + at] = a.dim(at) - end;
    return [g.emit('Pad', [d!, g.constant(pads, 'int64')], a.dtype, a.shape)];
  });
  return y;
}

/** Cuts one axis into consecutive parts. */
export function split(a: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const g = a.graph;
  const at = axisOf(a, axis);
  if (sizes.reduce((s, n) => s + n, 0) !== a.dim(at))
    throw new NnError('shape-mismatch', `split ${sizes.join('+')} of axis ${at} in [${a.shape.join()}]`);
  const shapes = sizes.map((n) => ({ dtype: a.dtype, shape: a.shape.map((d, i) => (i === at ? n : d)) }));
  const parts = g.emitMany('Split', [a, g.constant(sizes, 'int64')], shapes, { axis: at });
  g.record([a], parts, (ds) => [
    concat(
      ds.map((d, i) => d ?? g.filled(0, shapes[i]!.shape, a.dtype)),
      at,
    ),
  ]);
  return parts;
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (!first) throw new NnError('shape-mismatch', 'concat of nothing');
  if (parts.length === 1) return first;
  const g = first.graph;
  const at = axisOf(first, axis);
  for (const part of parts)
    if (part.rank !== first.rank || part.shape.some((d, i) => i !== at && d !== first.shape[i]))
      throw new NnError(
        'shape-mismatch',
        `concat along ${at}: ${parts.map((p) => `[${p.shape.join()}]`).join(' ')}`,
      );
  const sizes = parts.map((part) => part.dim(at));
  const shape = first.shape.map((d, i) => (i === at ? sizes.reduce((s, n) => s + n, 0) : d));
  const y = g.emit('Concat', parts, first.dtype, shape, { axis: at });
  g.record(parts, [y], ([d]) => split(d!, at, sizes));
  return y;
}

export function cast(a: Tensor, dtype: DType): Tensor {
  if (a.dtype === dtype) return a;
  const g = a.graph;
  const y = g.emit('Cast', [a], dtype, a.shape, { to: DATA_TYPE[dtype] });
  g.record([a], [y], ([d]) => [cast(d!, a.dtype)]);
  return y;
}
