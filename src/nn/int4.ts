/**
 * Weight matrices in 4 bits, block by block, in the layout of ONNX Runtime's MatMulNBits. It rounds to nearest and
 * calibrates nothing. A block of 32 neighbouring inputs of one output shares a scale s; w ≈ s·(q − 8), q in 0 … 15.
 * Stored: q two a byte, the first in the low half, [outputs, blocks, 16]; s float32 [outputs · blocks]: 5 bits a weight.
 */
import { type HostTensor, type Shape, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import type { Graph, Tensor } from './graph.ts';
import { gemm } from './matrix-ops.ts';
import { add } from './ops.ts';
import type { StoredType } from './safetensors.ts';
import type { Product } from './scope.ts';

export const INT4_BLOCK = 32;
const BLOCK_BYTES = INT4_BLOCK / 2;
const ZERO = 8;
const ZERO_PAIR = (ZERO << 4) | ZERO;

/** What follows a matrix's name in a file. */
export const INT4_PARTS = { packed: '.int4', scales: '.int4_scales' } as const;

export interface Int4Matrix {
  readonly shape: readonly [outputs: number, inputs: number];
  readonly packed: Uint8Array; // [outputs, blocks, 16]
  readonly scales: Float32Array; // [outputs · blocks]
}

/** Whether a matrix can be stored so: whole blocks of inputs. */
export function fitsInt4(shape: Shape): boolean {
  return shape.length === 2 && shape[1]! % INT4_BLOCK === 0;
}

/** The tensors that stand for a matrix, by full name. */
export function int4Shapes(
  name: string,
  shape: Shape,
): ReadonlyMap<string, { readonly type: StoredType; readonly shape: Shape }> {
  const [outputs, blocks] = [shape[0]!, shape[1]! / INT4_BLOCK];
  return new Map([
    [name + INT4_PARTS.packed, { type: 'U8', shape: [outputs, blocks, BLOCK_BYTES] }],
    [name + INT4_PARTS.scales, { type: 'F32', shape: [outputs * blocks] }],
  ]);
}

/**
 * Rounds a matrix [outputs, inputs]. The value of the largest magnitude of a block lands exactly on q = 0, so that the
 * wider, negative half of the range is used by it.
 * @throws NnError `shape-mismatch` unless inputs fill whole blocks
 */
export function quantiseInt4(tensor: HostTensor): Int4Matrix {
  const { shape } = tensor;
  if (!fitsInt4(shape))
    throw new NnError('shape-mismatch', `[${shape.join()}] is not made of blocks of ${INT4_BLOCK}`);
  const values = tensor.data as Float32Array;
  const blocks = sizeOf(shape) / INT4_BLOCK;
  const packed = new Uint8Array(blocks * BLOCK_BYTES);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block += 1) {
    const from = block * INT4_BLOCK;
    let extreme = 0;
    for (let i = from; i < from + INT4_BLOCK; i += 1)
      if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
    const scale = extreme === 0 ? 0 : extreme / -ZERO; // never −0
    scales[block] = scale;
    const level = (i: number): number =>
      scale === 0 ? ZERO : Math.min(15, Math.max(0, Math.round(values[i]! / scale) + ZERO));
    for (let i = 0; i < BLOCK_BYTES; i += 1)
      packed[block * BLOCK_BYTES + i] = level(from + 2 * i) | (level(from + 2 * i + 1) << 4);
  }
  return { shape: [shape[0]!, shape[1]!], packed, scales };
}

/** The matrix as it multiplies, float32 [outputs, inputs]. */
export function dequantiseInt4({ shape, packed, scales }: Int4Matrix): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i += 1) {
    const byte = packed[i >> 1]!;
    data[i] = scales[Math.floor(i / INT4_BLOCK)]! * ((i % 2 === 0 ? byte & 15 : byte >> 4) - ZERO);
  }
  return { dtype: 'float32', shape, data };
}

/**
 * The product with such a matrix. Its gradient by x multiplies with the matrix widened for that moment; the matrix itself
 * is not trained. @param packed as uint8 [outputs, blocks, 16]; @param nibbles the same bytes as uint4 [outputs, inputs]
 */
export function int4Product(
  shape: readonly [outputs: number, inputs: number],
  packed: () => Tensor,
  scales: () => Tensor,
  nibbles: () => Tensor,
): Product {
  const [outputs, inputs] = shape;
  let [bytes, steps, zeros]: (Tensor | undefined)[] = []; // one initializer each, however often it multiplies
  return (x, bias) => {
    const g = x.graph;
    bytes ??= packed();
    steps ??= scales();
    const [quantised, scale] = [bytes, steps];
    const y = g.custom(
      [x],
      () =>
        g.emit(
          'MatMulNBits',
          [x, quantised, scale],
          x.dtype,
          [x.dim(0), outputs],
          { K: inputs, N: outputs, bits: 4, block_size: INT4_BLOCK },
          'com.microsoft',
        ),
      (d) => {
        const q = nibbles();
        zeros ??= zeroPoints(g, q, shape);
        return [gemm(d, widened(shape, q, scale, zeros))];
      },
    );
    return bias ? add(y, bias) : y;
  };
}

function zeroPoints(g: Graph, q: Tensor, [outputs, inputs]: readonly [number, number]): Tensor {
  const blocks = [outputs, inputs / INT4_BLOCK];
  const values = new Uint8Array(Math.ceil(sizeOf(blocks) / 2)).fill(ZERO_PAIR);
  return g.initializer(`${q.name}.zero`, 'uint4', blocks, values);
}

function widened(
  [outputs, inputs]: readonly [number, number],
  q: Tensor,
  scales: Tensor,
  zeros: Tensor,
): Tensor {
  const g = q.graph;
  const blocks = zeros.shape;
  const perBlock = g.emit('Reshape', [scales, g.constant(blocks, 'int64')], scales.dtype, blocks);
  return g.emit('DequantizeLinear', [q, perBlock, zeros], 'float32', [outputs, inputs], {
    axis: 1,
    block_size: INT4_BLOCK,
  });
}
