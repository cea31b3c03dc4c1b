/** Element types, shapes and host tensors: the vocabulary shared by graph, session and files. It computes nothing. */
import { NnError } from './errors.ts';

/** The typed array that carries each element type on the host. Booleans travel as one byte each. */
export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
  /** Stored weights only, as their bits: a graph casts or dequantises them. */
  float16: Uint16Array;
  bfloat16: Uint16Array;
  uint8: Uint8Array;
  /** Two a byte, the first in the low half. */
  uint4: Uint8Array;
}
export type DType = keyof ArrayOf;
export type FloatType = 'float32' | 'float64';
export type NumericArray = ArrayOf[DType];
export type Shape = readonly number[];

/** A tensor in host memory. The session may write into `data` when it is named as the target of an output. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: NumericArray;
}

export const BYTES: Record<DType, number> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  bfloat16: 2,
  uint8: 1,
  uint4: 0.5,
};

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, d) => product * d, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** NumPy broadcasting of two shapes; throws `shape-mismatch`. */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new NnError('shape-mismatch', `cannot broadcast [${a.join()}] with [${b.join()}]`);
    return x === 1 ? y : x;
  });
}

export function allocate(dtype: DType, length: number): NumericArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(length);
    case 'bool':
    case 'uint8':
      return new Uint8Array(length);
    case 'uint4':
      return new Uint8Array(Math.ceil(length / 2));
  }
}

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  uint4: Uint8Array,
} as const;

/** `values` as the typed array of `dtype`: the same object when it already is one, a converted copy otherwise. */
export function toArray(dtype: DType, values: ArrayLike<number> | BigInt64Array): NumericArray {
  if (values instanceof CONSTRUCTORS[dtype]) return values;
  if (dtype === 'int64') return values instanceof BigInt64Array ? values : BigInt64Array.from(values, BigInt);
  const numbers = values instanceof BigInt64Array ? Array.from(values, Number) : values;
  return CONSTRUCTORS[dtype].from(numbers);
}

/** A host tensor over `values`; throws `shape-mismatch` when the length is not that of `shape`. */
export function hostTensor(
  dtype: DType,
  shape: Shape,
  values: ArrayLike<number> | BigInt64Array,
): HostTensor {
  if (values.length !== sizeOf(shape))
    throw new NnError(
      'shape-mismatch',
      `${values.length} values do not fill ${dtype}[${shape.join()}] (${sizeOf(shape)})`,
    );
  return { dtype, shape, data: toArray(dtype, values) };
}

/** The floating-point data of a tensor; throws when it holds integers. */
export function floatsOf(tensor: HostTensor): Float32Array | Float64Array {
  if (tensor.data instanceof Float32Array || tensor.data instanceof Float64Array) return tensor.data;
  throw new NnError('shape-mismatch', `expected floating-point data, got ${tensor.dtype}`);
}

/** A zeroed host tensor. */
export function emptyTensor(dtype: DType, shape: Shape): HostTensor {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}
