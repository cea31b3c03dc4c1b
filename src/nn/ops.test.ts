import { describe, expect, it } from 'vitest';
import { addAtColumns, gatherColumns, gatherRows } from './gather-ops.ts';
import { checkGradients, weighted } from './gradient-check.ts';
import type { Tensor } from './graph.ts';
import { gemm, matmul } from './matrix-ops.ts';
import {
  abs,
  add,
  div,
  exp,
  gelu,
  log,
  maximum,
  meanAll,
  mul,
  neg,
  reciprocal,
  reduceMean,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  sqrt,
  sub,
  swiglu,
  tanh,
  where,
} from './ops.ts';
import { type Scope, normal } from './scope.ts';
import {
  cast,
  concat,
  expand,
  reduceSum,
  reshape,
  slice,
  split,
  sumAll,
  sumTo,
  transpose,
  transposeLast,
} from './shape-ops.ts';

// Each case: shapes of the parameters, and what to compute from them.
type Case = [string, number[][], (...x: Tensor[]) => Tensor];
const positive = (a: Tensor) => add(mul(a, a), 0.5);

const cases: Case[] = [
  [
    'add, broadcast',
    [
      [2, 3, 4],
      [3, 1],
    ],
    (a, b) => add(a, b),
  ],
  ['add, number', [[5]], (a) => add(2, mul(a, a))],
  ['sub, broadcast', [[2, 3, 4], [4]], (a, b) => sub(a, b)],
  [
    'mul, broadcast',
    [
      [2, 3, 4],
      [2, 1, 1],
    ],
    (a, b) => mul(a, b),
  ],
  [
    'mul, broadcast both ways',
    [
      [3, 1],
      [1, 4],
    ],
    (a, b) => mul(a, b),
  ],
  ['mul with itself', [[6]], (a) => mul(a, a)],
  [
    'div, broadcast',
    [
      [2, 3, 4],
      [3, 4],
    ],
    (a, b) => div(a, positive(b)),
  ],
  ['neg', [[5]], (a) => neg(a)],
  ['exp', [[6]], (a) => exp(a)],
  ['log', [[6]], (a) => log(positive(a))],
  ['sqrt', [[6]], (a) => sqrt(positive(a))],
  ['reciprocal', [[6]], (a) => reciprocal(positive(a))],
  ['abs', [[6]], (a) => abs(a)],
  ['tanh', [[6]], (a) => tanh(a)],
  ['sigmoid', [[6]], (a) => sigmoid(a)],
  ['relu', [[8]], (a) => relu(a)],
  ['silu', [[6]], (a) => silu(a)],
  ['swiglu', [[6], [6]], (a, b) => swiglu(a, b)],
  ['gelu', [[6]], (a) => gelu(a)],
  ['softplus', [[6]], (a) => softplus(mul(a, 4))],
  ['maximum', [[6], [6]], (a, b) => maximum(a, b)],
  ['where, broadcast', [[3, 4], [4]], (a, b) => where(a.graph.constant([1, 0, 1], 'bool', [3, 1]), a, b)],
  ['softmax', [[3, 5]], (a) => softmax(a)],
  ['softmax, rank 4', [[2, 2, 3, 4]], (a) => softmax(a)],
  ['reduceSum', [[2, 3, 4]], (a) => reduceSum(a, [0, 2], false)],
  ['reduceSum, kept, negative axis', [[2, 3, 4]], (a) => reduceSum(a, [-1])],
  ['reduceMean', [[2, 3, 4]], (a) => reduceMean(a, [1])],
  ['sumAll', [[2, 3]], (a) => sumAll(a)],
  ['meanAll', [[2, 3]], (a) => meanAll(mul(a, a))],
  ['sumTo', [[2, 3, 4]], (a) => sumTo(a, [3, 1])],
  ['reshape', [[2, 6]], (a) => reshape(a, [3, 4])],
  ['transpose', [[2, 3, 4]], (a) => transpose(a, [2, 0, 1])],
  ['transposeLast', [[2, 3, 4]], (a) => transposeLast(a)],
  ['expand', [[3, 1]], (a) => expand(a, [2, 3, 4])],
  ['slice', [[3, 6]], (a) => slice(a, 1, 2, 5)],
  [
    'split, all parts',
    [[3, 6]],
    (a) =>
      concat(
        split(a, 1, [2, 4]).map((p, i) => mul(p, i + 2)),
        -1,
      ),
  ],
  ['split, one part unused', [[3, 6]], (a) => split(a, 1, [2, 4])[1]!],
  [
    'concat',
    [
      [3, 2],
      [3, 4],
    ],
    (a, b) => concat([b, a, b], 1),
  ],
  ['cast there and back', [[4]], (a) => mul(cast(cast(a, a.dtype), 'float64'), a)],
  [
    'gatherRows, duplicates',
    [[5, 3]],
    (w) => gatherRows(w, w.graph.constant([1, 4, 1, 0, 1, 1], 'int32', [2, 3])),
  ],
  [
    'gatherRows, two readers and a dense one',
    [[4, 4]],
    (w) =>
      gemm(
        add(
          gatherRows(w, w.graph.constant([1, 1, 2], 'int32')),
          gatherRows(w, w.graph.constant([3, 1, 1], 'int64')),
        ),
        w,
      ),
  ],
  [
    'gatherColumns',
    [[4, 3]],
    (a) => gatherColumns(a, a.graph.constant([1, 1, 0, 2, 2, 2, 1, 0], 'int32', [4, 2])),
  ],
  ['gemm, bias', [[3, 4], [5, 4], [5]], (a, b, bias) => gemm(a, b, { transB: true, bias: bias })],
  [
    'matmul, rank 4 times rank 2',
    [
      [2, 2, 3, 4],
      [4, 5],
    ],
    (a, b) => matmul(a, b),
  ],
];
for (const transA of [false, true])
  for (const transB of [false, true]) {
    const flags = { transA, transB };
    const name = `${transA ? 'aᵀ' : 'a'}·${transB ? 'bᵀ' : 'b'}`;
    const a = transA ? [4, 3] : [3, 4];
    const b = transB ? [5, 4] : [4, 5];
    cases.push([`gemm ${name}`, [a, b], (x, y) => gemm(x, y, flags)]);
    cases.push([
      `matmul ${name}`,
      [
        [2, 2, ...a],
        [2, 2, ...b],
      ],
      (x, y) => matmul(x, y, flags),
    ]);
    cases.push([
      `matmul ${name}, broadcast`,
      [
        [2, 2, ...a],
        [1, 2, ...b],
      ],
      (x, y) => matmul(x, y, flags),
    ]);
  }

const objective = (shapes: number[][], f: Case[2]) => (scope: Scope) =>
  weighted(f(...shapes.map((shape, i) => scope.parameter(`x${i}`, shape, normal(1)))));

describe('gradients of operators against central differences', () => {
  it.each(cases)('%s, float64', async (_name, shapes, f) => {
    const report = await checkGradients(objective(shapes, f));
    expect(report.checked).toBeGreaterThan(0);
    expect(report.worst).toBeLessThan(1e-8);
  });

  const inFloat32 = cases.filter(([name]) => !name.startsWith('cast'));
  it.each(inFloat32)('%s, float32', async (_name, shapes, f) => {
    const report = await checkGradients(objective(shapes, f), { floatType: 'float32', step: 1e-2 });
    expect(report.worst).toBeLessThan(5e-3);
  });

  it('finds a wrong gradient', async () => {
    const wrong = (scope: Scope) => {
      const a = scope.parameter('a', [4], normal(1));
      return sumAll(
        a.graph.custom(
          [a],
          () => mul(mul(a, a), a),
          (d) => [mul(d, mul(a, a))],
        ),
      ); // 3a² is right
    };
    expect((await checkGradients(wrong)).worst).toBeGreaterThan(0.1);
  });
});

describe('shapes', () => {
  it('refuses what does not fit', async () => {
    const { Graph } = await import('./graph.ts');
    const g = new Graph();
    const a = g.input('a', 'float', [3, 4]);
    const b = g.input('b', 'float', [5, 4]);
    const code = { code: 'shape-mismatch' };
    expect(() => add(a, b)).toThrow(expect.objectContaining(code));
    expect(() => gemm(a, b)).toThrow(expect.objectContaining(code));
    expect(() => matmul(a, b)).toThrow(expect.objectContaining(code));
    expect(() => reshape(a, [5])).toThrow(expect.objectContaining(code));
    expect(() => concat([a, reshape(b, [20])], 0)).toThrow(expect.objectContaining(code));
    expect(() => split(a, 1, [1, 1])).toThrow(expect.objectContaining(code));
    expect(() => slice(a, 1, 3, 3)).toThrow(expect.objectContaining(code));
    expect(() => expand(a, [4, 3])).toThrow(expect.objectContaining(code));
    expect(() => add(a, new Graph().input('a', 'float', [3, 4]))).toThrow(expect.objectContaining(code));
    expect(() => add(a, g.input('i', 'int32', [3, 4]))).toThrow(expect.objectContaining(code));
  });
});

it('adds updates at duplicate columns exactly', async () => {
  const { Graph } = await import('./graph.ts');
  const { openSession } = await import('./session.ts');
  const g = new Graph();
  const base = g.constant([0, 0, 0, 1, 1, 1], 'float', [2, 3]);
  g.output(
    addAtColumns(base, g.constant([2, 2, 0, 0], 'int32', [2, 2]), g.constant([1, 2, 3, 4], 'float', [2, 2])),
    'y',
  );
  const session = await openSession(g.toModel());
  expect([...(await session.run({}))['y']!.data]).toEqual([0, 0, 3, 8, 1, 1]);
});
