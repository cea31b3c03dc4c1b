import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type HostTensor, hostTensor } from './dtype.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.ts';
import {
  formatSafetensors,
  loadSafetensors,
  parseSafetensors,
  readHeader,
  saveSafetensors,
} from './safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tensors = new Map<string, HostTensor>([
  ['matrix', hostTensor('float32', [2, 3], [1, -2.5, 3e-40, Infinity, 0, -0])],
  ['ids', hostTensor('int64', [3], BigInt64Array.of(1n, -(2n ** 60n), 3n))],
  ['mask', hostTensor('bool', [3], [1, 0, 1])],
  ['empty', hostTensor('float32', [0, 4], [])],
  ['scalar', hostTensor('float64', [], [Math.PI])],
  ['small ids', hostTensor('int32', [1, 2], [-7, 7])],
]);

/** A file from a header that claims anything, with `size` bytes of data. */
function fileOf(header: unknown, size: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

describe('safetensors', () => {
  it('come back as they were saved, with their metadata', () => {
    const path = join(folder, 'model.safetensors');
    saveSafetensors(path, tensors, { metadata: { terms: 'CC-BY 4.0', größe: '½' } });
    const loaded = loadSafetensors(path);
    expect([...loaded.tensors]).toEqual([...tensors]);
    expect(loaded.metadata).toEqual({ terms: 'CC-BY 4.0', größe: '½' });
  });

  it('any floats survive a round trip bit by bit', () => {
    fc.assert(
      fc.property(fc.array(fc.float32Array({ maxLength: 20 }), { maxLength: 5 }), (arrays) => {
        const given = new Map(arrays.map((data, i) => [`t${i}`, hostTensor('float32', [data.length], data)]));
        expect([...parseSafetensors(formatSafetensors(given)).tensors]).toEqual([...given]);
      }),
    );
  });

  it('begin their data at a multiple of eight, and tell where each tensor lies', () => {
    const file = formatSafetensors(tensors);
    const { offset, length } = readHeader(file).tensors.get('matrix')!;
    expect(offset % 8).toBe(0);
    expect(length).toBe(24);
    expect(new DataView(file.buffer, file.byteOffset + offset).getFloat32(4, true)).toBe(-2.5);
  });

  it('replace the old file whole, leave no temporary file, and leave the old one when writing fails', () => {
    const path = join(folder, 'replaced.safetensors');
    writeFileSync(path, 'old');
    const cyclic = new Map([
      ['x', { dtype: 'float32', shape: [1n], data: Float32Array.of(1) } as unknown as HostTensor],
    ]);
    expect(() => saveSafetensors(path, cyclic)).toThrow(); // a BigInt in the header cannot be written
    expect(readFileSync(path, 'utf8')).toBe('old');
    saveSafetensors(path, tensors);
    expect(loadSafetensors(path).tensors.size).toBe(6);
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('store floats in halves when asked', () => {
    const values = [1, -2.5, 65504, 1e-7, 0.1];
    const given = new Map([['x', hostTensor('float32', [5], values)]]);
    const half = parseSafetensors(formatSafetensors(given, { floatsAs: 'F16' })).tensors.get('x')!;
    expect(half).toMatchObject({ dtype: 'float32', shape: [5] });
    expect([...half.data]).toEqual([1, -2.5, 65504, 2 ** -23, 0.0999755859375]);
    const brain = parseSafetensors(formatSafetensors(given, { floatsAs: 'BF16' })).tensors.get('x')!;
    expect([...brain.data].slice(0, 3)).toEqual([1, -2.5, 65536]);
  });

  const entry = (offsets: unknown, shape: unknown = [2], dtype: unknown = 'F32') => ({
    dtype,
    shape,
    data_offsets: offsets,
  });
  it.each([
    ['no header', new Uint8Array(5)],
    ['a header longer than the file', fileOf({ a: entry([0, 8]) }, 8).subarray(0, 20)],
    ['an absurd header length', new Uint8Array(16).fill(255)],
    ['a header that is no JSON', fileOf('{"a":', 0)],
    ['a header that is no UTF-8', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff)],
    ['a header that is no object', fileOf([1], 0)],
    ['data cut short', fileOf({ a: entry([0, 8]) }, 4)],
    ['bytes behind the data', fileOf({ a: entry([0, 8]) }, 12)],
    ['overlapping tensors', fileOf({ a: entry([0, 8]), b: entry([4, 12]) }, 12)],
    ['the same bytes twice', fileOf({ a: entry([0, 8]), b: entry([0, 8]) }, 8)],
    ['a gap', fileOf({ a: entry([0, 8]), b: entry([12, 20]) }, 20)],
    ['offsets backwards', fileOf({ a: entry([8, 0]) }, 8)],
    ['negative offsets', fileOf({ a: entry([-8, 0]) }, 8)],
    ['offsets that are no numbers', fileOf({ a: entry(['0', '8']) }, 8)],
    ['a length that is not the shape’s', fileOf({ a: entry([0, 8], [3]) }, 8)],
    ['a huge shape', fileOf({ a: entry([0, 8], [2 ** 40, 2 ** 40]) }, 8)],
    ['a fractional shape', fileOf({ a: entry([0, 8], [0.5, 4]) }, 8)],
    ['an unknown type', fileOf({ a: entry([0, 8], [2], 'F8_E4M3') }, 8)],
    ['a type named like a method', fileOf({ a: entry([0, 8], [2], 'toString') }, 8)],
    ['an entry that is null', fileOf({ a: null }, 0)],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }, 0)],
  ])('refuse %s', (_what, file) => {
    expect(() => parseSafetensors(file)).toThrow(expect.objectContaining({ code: 'weights-corrupt' }));
  });

  it('never crash on damaged bytes: they load or are refused', () => {
    const file = formatSafetensors(tensors, { metadata: { a: 'b' } });
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, byte, end) => {
        const damaged = file.slice();
        damaged[at] = byte;
        for (const bytes of [damaged, damaged.subarray(0, end)])
          try {
            parseSafetensors(bytes);
          } catch (error) {
            expect(error).toMatchObject({ code: 'weights-corrupt' });
          }
      }),
      { numRuns: 300 },
    );
  });
});

describe('halves', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it('every 16-bit float is itself again', () => {
    for (const [widen, narrow] of [
      [float16ToFloat32, float32ToFloat16],
      [bfloat16ToFloat32, float32ToBfloat16],
    ] as const) {
      const wide = widen(all);
      const back = narrow(wide);
      let wrong = 0;
      wide.forEach(
        (value, i) =>
          (wrong += Number.isNaN(value)
            ? Number(!Number.isNaN(widen(back.subarray(i, i + 1))[0]!))
            : Number(back[i] !== i)),
      );
      expect(wrong).toBe(0);
    }
  });

  it('round to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65519, max: 65519 }), (x) => {
        const [rounded] = float16ToFloat32(float32ToFloat16(Float32Array.of(x)));
        const [word] = float32ToFloat16(Float32Array.of(x));
        const neighbours = float16ToFloat32(Uint16Array.of(word! - 1, word! + 1)).filter(Number.isFinite);
        for (const other of neighbours)
          expect(Math.abs(rounded! - x)).toBeLessThanOrEqual(Math.abs(other - x));
      }),
    );
    const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65519.99, 65520];
    expect([...float16ToFloat32(float32ToFloat16(Float32Array.from(ties)))]).toEqual([
      1,
      1 + 2 ** -9,
      0,
      2 ** -23,
      65504,
      Infinity,
    ]);
    const brain = [1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -8];
    expect([...bfloat16ToFloat32(float32ToBfloat16(Float32Array.from(brain)))]).toEqual([1, 1 + 2 ** -6, -1]);
  });
});
