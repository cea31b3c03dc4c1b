import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostTensor } from './dtype.ts';
import { Graph } from './graph.ts';
import { gemm } from './matrix-ops.ts';
import { encodeModel, real } from './onnx-proto.ts';
import { add, exp, mul } from './ops.ts';
import { Random } from './random.ts';
import { readHeader, saveSafetensors } from './safetensors.ts';
import { openSession } from './session.ts';
import { reshape } from './shape-ops.ts';

it('keeps only what its outputs need', () => {
  const g = new Graph();
  const [a, b] = [g.input('a', 'float', [2]), g.input('b', 'float', [2])];
  g.initializer('unused', 'float', [3], [1, 2, 3]);
  exp(b);
  g.output(mul(a, 2), 'y');
  const record = g.toRecord();
  expect(record.nodes.map(({ operator }) => operator)).toEqual(['Mul']);
  expect(record.inputs.map(({ name }) => name)).toEqual(['a']);
  expect(record.initializers).toHaveLength(1);
});

it('stores equal constants once, and not those that differ in type or shape', () => {
  const g = new Graph();
  expect(g.constant(1)).toBe(g.constant(1));
  expect(g.constant([1, 2], 'int64')).toBe(g.constant([1, 2], 'int64'));
  expect(g.constant([1])).not.toBe(g.constant(1));
  expect(g.constant(1, 'float64')).not.toBe(g.constant(1));
  expect(g.constant([1, 1, 1, 1], 'float', [2, 2])).not.toBe(g.constant([1, 1, 1, 1]));
});

it('names outputs as asked, also inputs, constants and one tensor twice', async () => {
  const g = new Graph();
  const a = g.input('a', 'float', [2]);
  const y = add(a, 1);
  g.output(y, 'y');
  g.output(y, 'again');
  g.output(a, 'same');
  g.output(g.constant([5, 6]), 'fixed');
  g.output(mul(y, 2), 'behind'); // reads a tensor that carries an output's name
  const session = await openSession(g.toModel());
  const results = await session.run({ a: hostTensor('float32', [2], [1, 2]) });
  const values = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
  expect(values).toEqual({ y: [2, 3], again: [2, 3], same: [1, 2], fixed: [5, 6], behind: [4, 6] });
  const only = await session.run({ a: hostTensor('float32', [2], [1, 2]) }, { behind: null });
  expect(Object.keys(only)).toEqual(['behind']);
  await session.close();
});

it('refuses names twice, shapes that are none, and data that does not fill them', () => {
  const g = new Graph();
  const x = g.input('x', 'float', [2]);
  expect(() => g.input('x', 'float', [2])).toThrow(expect.objectContaining({ code: 'name-taken' }));
  g.output(exp(x), 'y');
  expect(() => g.output(exp(x), 'y')).toThrow(expect.objectContaining({ code: 'name-taken' }));
  expect(() => g.input('z', 'float', [-1])).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  expect(() => g.input('z', 'float', [1.5])).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  expect(() => g.initializer('w', 'float', [3], [1])).toThrow(
    expect.objectContaining({ code: 'shape-mismatch' }),
  );
  const softmax = () => g.emit('Softmax', [x], 'float32', [2], { axis: 0.5 });
  softmax();
  expect(() => g.toModel()).not.toThrow(); // dead, so never written
  g.output(softmax(), 'bad');
  expect(() => g.toModel()).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
});

it('passes every kind of attribute and element type to ONNX Runtime', async () => {
  const g = new Graph();
  const x = g.input('x', 'float', [2, 2]);
  g.output(g.emit('LeakyRelu', [x], 'float32', [2, 2], { alpha: real(0.25) }), 'real');
  g.output(g.emit('Transpose', [x], 'float32', [2, 2], { perm: [1, 0] }), 'integers');
  g.output(
    g.emit('Pad', [x, g.constant([0, 1, 0, 0], 'int64')], 'float32', [2, 3], { mode: 'edge' }),
    'text',
  );
  g.output(g.filled(7, [2], 'int32'), 'tensor');
  g.output(g.constant([1, 0], 'bool'), 'bool');
  g.output(g.constant([0.1], 'float64'), 'double');
  const session = await openSession(g.toModel());
  const results = await session.run({ x: hostTensor('float32', [2, 2], [-1, 2, -4, 8]) });
  const values = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
  expect(values).toEqual({
    real: [-0.25, 2, -1, 8],
    integers: [-1, -4, 2, 8],
    text: [-1, -1, 2, -4, -4, 8],
    tensor: [7, 7],
    bool: [1, 0],
    double: [0.1],
  });
  await session.close();
});

it('reads weights straight from a safetensors file, at any offset', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'external-'));
  const random = new Random(1);
  const w = Float32Array.from({ length: 12 }, () => random.normal());
  const tensors = new Map([
    ['odd', hostTensor('bool', [3], [1, 1, 1])], // shifts what follows off any alignment
    ['w', hostTensor('float32', [4, 3], w)],
  ]);
  const path = join(folder, 'model.safetensors');
  saveSafetensors(path, tensors);
  const { offset, length } = readHeader(readFileSync(path)).tensors.get('w')!;
  expect(offset % 4).toBe(3);

  const g = new Graph();
  const weight = g.initializer('w', 'float', [4, 3], { location: 'model.safetensors', offset, length });
  g.output(reshape(gemm(g.input('x', 'float', [1, 4]), weight), [3]), 'y');
  const session = await openSession(g.toModel(), { externalFolder: folder });
  const { y } = await session.run({ x: hostTensor('float32', [1, 4], [0, 1, 0, 0]) });
  expect(y!.data).toEqual(w.slice(3, 6));
  await session.close();
  rmSync(folder, { recursive: true });
});

it('refuses to put more than 2 GiB into one model', () => {
  const huge = { name: 'w', dtype: 'float32', shape: [2 ** 20, 2 ** 10], data: new Float32Array(0) } as const;
  const record = { opset: 21, nodes: [], initializers: [huge], inputs: [], outputs: [] };
  expect(() => encodeModel(record)).toThrow(expect.objectContaining({ code: 'model-too-large' }));
});
