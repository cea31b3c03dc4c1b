/**
 * Reads and writes the safetensors format, checking every offset before a byte is used, and replaces files atomically.
 * Format: 8 bytes header length (little-endian), JSON header, data. https://github.com/huggingface/safetensors
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type DType, type HostTensor, type NumericArray, type Shape, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.ts';

/** Element types that this reader knows; halves are read as float32. */
export type StoredType = 'F32' | 'F64' | 'F16' | 'BF16' | 'I32' | 'I64' | 'BOOL' | 'U8';
export const STORED_BYTES: Readonly<Record<StoredType, number>> = {
  F32: 4,
  F64: 8,
  F16: 2,
  BF16: 2,
  I32: 4,
  I64: 8,
  BOOL: 1,
  U8: 1,
};
const STORED_AS: Record<DType, StoredType> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  int64: 'I64',
  bool: 'BOOL',
  float16: 'F16',
  bfloat16: 'BF16',
  uint8: 'U8',
  uint4: 'U8', // the bytes that hold the pairs
};
const MAX_HEADER = 100_000_000; // the reference implementation's limit

export interface StoredTensor {
  readonly dtype: StoredType;
  readonly shape: Shape;
  /** Byte range inside the file, usable as an external location of an ONNX initializer. */
  readonly offset: number;
  readonly length: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

function corrupt(what: string): NnError {
  return new NnError('weights-corrupt', what);
}

/** Parses and checks the header of a whole file; throws `weights-corrupt` naming what is wrong. */
export function readHeader(file: Uint8Array): SafetensorsHeader {
  const start = headerEnd(file, file.length);
  return parseHeader(file.subarray(8, start), start, file.length);
}

/** The same of a file of any size, of which only the header is read. Throws also the file system's errors. */
export function readHeaderOf(path: string): SafetensorsHeader {
  const file = openSync(path, 'r');
  try {
    const length = fstatSync(file).size;
    const start = headerEnd(readBytes(file, 0, Math.min(8, length)), length);
    return parseHeader(readBytes(file, 8, start - 8), start, length);
  } finally {
    closeSync(file);
  }
}

/** One tensor's bytes as they are stored, of a file whose header was checked. */
export function readStored(path: string, { offset, length }: StoredTensor): Uint8Array {
  const file = openSync(path, 'r');
  try {
    return readBytes(file, offset, length);
  } finally {
    closeSync(file);
  }
}

/** One tensor of a file whose header was checked; F16 and BF16 become float32. */
export function readTensor(path: string, stored: StoredTensor): HostTensor {
  return decode(readStored(path, stored), { ...stored, offset: 0 });
}

function readBytes(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const read = readSync(file, bytes, done, Math.min(length - done, 1 << 30), offset + done);
    if (read === 0) throw corrupt(`it ends ${length - done} bytes early`);
    done += read;
  }
  return bytes;
}

/** Where the header ends and the data begins, from the first 8 bytes of a file. */
function headerEnd(first: Uint8Array, fileLength: number): number {
  if (fileLength < 8) throw corrupt(`${fileLength} bytes: too short for a header`);
  const size = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (size > BigInt(MAX_HEADER)) throw corrupt(`header of ${size.toString()} bytes`);
  const start = 8 + Number(size);
  if (start > fileLength)
    throw corrupt(`header of ${size.toString()} bytes in a file of ${fileLength}: truncated`);
  return start;
}

function parseHeader(bytes: Uint8Array, start: number, fileLength: number): SafetensorsHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new NnError('weights-corrupt', 'the header is no JSON', { cause });
  }
  if (!isRecord(header)) throw corrupt('the header is no object');

  const metadata: Record<string, string> = {};
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isRecord(entry)) throw corrupt('__metadata__ is no object');
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== 'string') throw corrupt(`metadata ${key} is no string`);
        metadata[key] = value;
      }
    } else tensors.set(name, checkedEntry(name, entry, start));
  }
  // The format demands that tensors fill the data exactly: no gap, no overlap, nothing behind.
  let end = start;
  for (const [name, { offset, length }] of [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.length - b.length,
  )) {
    if (offset !== end)
      throw corrupt(
        `${name} begins at ${offset}, ${offset < end ? 'inside' : 'after a gap behind'} its neighbour's end ${end}`,
      );
    end += length;
  }
  if (end !== fileLength) throw corrupt(`the header describes ${end} bytes, the file has ${fileLength}`);
  return { metadata, tensors };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((d) => Number.isSafeInteger(d) && (d as number) >= 0);
}

function checkedEntry(name: string, entry: unknown, start: number): StoredTensor {
  if (!isRecord(entry)) throw corrupt(`${name}: no description`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(STORED_BYTES, dtype))
    throw corrupt(`${name}: type ${String(dtype)} is not supported`);
  if (!isCounts(shape)) throw corrupt(`${name}: bad shape`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    throw corrupt(`${name}: bad offsets`);
  const length = offsets[1]! - offsets[0]!;
  const wanted = sizeOf(shape) * STORED_BYTES[dtype as StoredType];
  if (length !== wanted)
    throw corrupt(`${name}: ${length} bytes for ${dtype}[${shape.join()}], which takes ${wanted}`);
  return { dtype: dtype as StoredType, shape, offset: start + offsets[0]!, length };
}

/** Decodes one tensor: a copy, aligned; F16 and BF16 become float32. */
function decode(file: Uint8Array, { dtype, shape, offset, length }: StoredTensor): HostTensor {
  const bytes = new Uint8Array(length); // not file.slice(): a Buffer's slice is a view, maybe unaligned
  bytes.set(file.subarray(offset, offset + length));
  const words = () => new Uint16Array(bytes.buffer, 0, length / 2);
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', shape, data: new Float32Array(bytes.buffer, 0, length / 4) };
    case 'F64':
      return { dtype: 'float64', shape, data: new Float64Array(bytes.buffer, 0, length / 8) };
    case 'F16':
      return { dtype: 'float32', shape, data: float16ToFloat32(words()) };
    case 'BF16':
      return { dtype: 'float32', shape, data: bfloat16ToFloat32(words()) };
    case 'I32':
      return { dtype: 'int32', shape, data: new Int32Array(bytes.buffer, 0, length / 4) };
    case 'I64':
      return { dtype: 'int64', shape, data: new BigInt64Array(bytes.buffer, 0, length / 8) };
    case 'BOOL':
      return { dtype: 'bool', shape, data: bytes };
    case 'U8':
      return { dtype: 'uint8', shape, data: bytes };
  }
}

/** All tensors of a file in memory. Throws `weights-corrupt`. */
export function parseSafetensors(file: Uint8Array): Safetensors {
  const { metadata, tensors } = readHeader(file);
  return { metadata, tensors: new Map([...tensors].map(([name, stored]) => [name, decode(file, stored)])) };
}

/** Reads a file. Throws `weights-corrupt`, or the file system's error. */
export function loadSafetensors(path: string): Safetensors {
  return parseSafetensors(readFileSync(path));
}

export interface WriteOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Store float tensors in half the room; they are rounded to nearest even. */
  readonly floatsAs?: 'F16' | 'BF16';
}

function encode(
  tensor: HostTensor,
  floatsAs: WriteOptions['floatsAs'],
): { type: StoredType; data: NumericArray | Uint16Array } {
  const { dtype, data } = tensor;
  if (floatsAs === undefined || dtype !== 'float32') return { type: STORED_AS[dtype], data };
  const floats = data as Float32Array;
  return { type: floatsAs, data: floatsAs === 'F16' ? float32ToFloat16(floats) : float32ToBfloat16(floats) };
}

/** What is written of one tensor; `bytes` is asked for when its turn comes, so that a file may exceed the memory. */
export interface TensorSource {
  readonly type: StoredType;
  readonly shape: Shape;
  readonly bytes: () => Uint8Array;
}

/** The chunks of a file: header first, then each tensor's bytes. Names are written in the order given. */
function* chunks(
  tensors: ReadonlyMap<string, TensorSource>,
  metadata: WriteOptions['metadata'],
): Generator<Uint8Array> {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { type, shape }] of tensors) {
    const length = sizeOf(shape) * STORED_BYTES[type];
    header[name] = { dtype: type, shape, data_offsets: [end, end + length] };
    end += length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20, 8); // spaces: data starts 8-aligned
  padded.set(text, 8);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  yield padded;
  for (const [name, { type, shape, bytes }] of tensors) {
    const data = bytes();
    if (data.length !== sizeOf(shape) * STORED_BYTES[type])
      throw new NnError('shape-mismatch', `${name}: ${data.length} bytes for ${type}[${shape.join()}]`);
    yield data;
  }
}

function sourcesOf(
  tensors: ReadonlyMap<string, HostTensor>,
  floatsAs: WriteOptions['floatsAs'],
): Map<string, TensorSource> {
  return new Map(
    [...tensors].map(([name, tensor]): [string, TensorSource] => {
      const { type, data } = encode(tensor, floatsAs);
      return [
        name,
        {
          type,
          shape: tensor.shape,
          bytes: () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        },
      ];
    }),
  );
}

/** A file in memory. */
export function formatSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  options: WriteOptions = {},
): Uint8Array {
  return Buffer.concat([...chunks(sourcesOf(tensors, options.floatsAs), options.metadata)]);
}

/**
 * Writes a file so that a crash leaves the old file or the new one, never a torn one: temporary file in the same
 * folder, fsync, rename, fsync of the folder.
 */
export function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  options: WriteOptions = {},
): void {
  streamSafetensors(path, sourcesOf(tensors, options.floatsAs), options.metadata);
}

/** The same from tensors that are made one by one. */
export function streamSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorSource>,
  metadata?: WriteOptions['metadata'],
): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx');
  try {
    try {
      for (const chunk of chunks(tensors, metadata))
        for (let done = 0; done < chunk.length;)
          done += writeSync(file, chunk, done, Math.min(chunk.length - done, 1 << 30));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (process.platform === 'win32') return; // folders cannot be opened there; the rename is journalled
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
