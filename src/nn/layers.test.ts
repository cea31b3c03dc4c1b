import { describe, expect, it } from 'vitest';
import { attend, attention, maskBias, rotate, rotaryTables, turnByParts } from './attention.ts';
import { hostTensor } from './dtype.ts';
import { analyticGradients, checkGradients, relativeDifference, weighted } from './gradient-check.ts';
import { Graph } from './graph.ts';
import { applyRmsNorm, dropout, embedding, layerNorm, linear, rmsNorm, swigluFeedForward } from './layers.ts';
import { Random, dropoutMask } from './random.ts';
import { type Scope, normal } from './scope.ts';
import { openSession } from './session.ts';
import type { BuildObjective } from './train-step.ts';

const random = new Random(9);
const expectExact = async (build: BuildObjective, batch = {}) => {
  expect((await checkGradients(build, { batch })).worst).toBeLessThan(1e-7);
};
const x = (scope: Scope, ...shape: number[]) => scope.parameter('x', shape, normal(1));

describe('layers against central differences', () => {
  it('linear over three axes, with and without bias', async () => {
    await expectExact((s) => weighted(linear(s.child('l'), { inputs: 3, outputs: 4 })(x(s, 2, 2, 3))));
    await expectExact((s) =>
      weighted(linear(s.child('l'), { inputs: 3, outputs: 4, bias: false })(x(s, 5, 3))),
    );
  });
  it('rmsNorm and layerNorm', async () => {
    await expectExact((s) => weighted(rmsNorm(s.child('n'), 6)(x(s, 2, 3, 6))));
    await expectExact((s) => weighted(applyRmsNorm(x(s, 4, 6), s.parameter('w', [6], normal(1)), 1e-5)));
    await expectExact((s) => weighted(layerNorm(s.child('n'), 6)(x(s, 2, 3, 6))));
  });
  it('SwiGLU feed-forward', async () => {
    const options = { width: 4, hidden: 6, initialize: normal(1) };
    await expectExact((s) => weighted(swigluFeedForward(s.child('mlp'), options)(x(s, 3, 4))));
  });
  it('dropout by a fed mask', async () => {
    const mask = dropoutMask(random, 12, 0.5);
    await expectExact((s) => weighted(dropout(x(s, 3, 4), s.input('mask', 'float', [3, 4]))), { mask });
  });
  it('embedding bag with every id many times', async () => {
    const ids = Int32Array.from({ length: 3 * 40 }, () => random.int(4));
    const weights = Float64Array.from(ids, (_, i) => (i % 5 === 0 ? 0 : random.normal()));
    await expectExact(
      (s) => {
        const table = embedding(s.child('codes'), { count: 4, width: 5, initialize: normal(1) });
        return weighted(table.bag(s.input('ids', 'int32', [3, 40]), s.input('weights', 'float', [3, 40])));
      },
      { ids, weights },
    );
  });
});

describe('attention', () => {
  const keep = [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]; // [2, 5]: the first row is padded
  const model =
    (options: {
      heads: number;
      keyValueHeads: number;
      causal: boolean;
      padded: boolean;
      rotary: boolean;
    }): BuildObjective =>
    (s) => {
      const layer = attention(s.child('a'), { width: 8, ...options, bias: true, initialize: normal(0.7) });
      const keepInput = s.input('keep', 'float', [2, 5]);
      const mask = { causal: options.causal, ...(options.padded ? { keep: keepInput } : {}) };
      const bias = maskBias(s.graph, 5, 5, mask);
      const context = {
        ...(bias ? { bias } : {}),
        ...(options.rotary ? { rotary: rotaryTables(s.graph, 5, 8 / options.heads, 100) } : {}),
      };
      return weighted(layer(x(s, 2, 5, 8), context));
    };
  it.each([
    { heads: 2, keyValueHeads: 2, causal: true, padded: false, rotary: true },
    { heads: 4, keyValueHeads: 2, causal: true, padded: true, rotary: true },
    { heads: 4, keyValueHeads: 1, causal: false, padded: true, rotary: false },
    { heads: 1, keyValueHeads: 1, causal: false, padded: false, rotary: false },
  ])('%o against central differences and in float32', async (options) => {
    const batch = { keep };
    expect((await checkGradients(model(options), { batch })).worst).toBeLessThan(1e-7);
    const double = await analyticGradients(model(options), { batch });
    const single = await analyticGradients(model(options), { batch, floatType: 'float32' });
    expect(relativeDifference(single, double)).toBeLessThan(1e-5);
  });

  it('looks from x at another sequence', async () => {
    await expectExact((s) => {
      const layer = attention(s.child('a'), { width: 4, heads: 2, initialize: normal(0.7) });
      return weighted(layer(x(s, 2, 3, 4), { memory: s.parameter('memory', [2, 5, 4], normal(1)) }));
    });
  });

  it('equals the sum written out, grouped heads, causal and padded', async () => {
    const [B, T, H, G, D] = [2, 4, 4, 2, 2];
    const draw = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    const [q, k, v] = [draw(B * T * H * D), draw(B * T * G * D), draw(B * T * G * D)];
    const keep = [1, 1, 0, 1, 1, 1, 1, 0];
    const g = new Graph();
    const bias = maskBias(g, T, T, { causal: true, keep: g.input('keep', 'float', [B, T]) });
    g.output(
      attend(
        g.input('q', 'float', [B, H, T, D]),
        g.input('k', 'float', [B, G, T, D]),
        g.input('v', 'float', [B, G, T, D]),
        bias,
      ),
      'y',
    );
    const session = await openSession(g.toModel());
    const outputs = await session.run({
      q: hostTensor('float32', [B, H, T, D], q),
      k: hostTensor('float32', [B, G, T, D], k),
      v: hostTensor('float32', [B, G, T, D], v),
      keep: hostTensor('float32', [B, T], keep),
    });
    const expected: number[] = [];
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++)
        for (let t = 0; t < T; t++) {
          const group = Math.floor(h / (H / G));
          const at = (a: Float32Array, heads: number, s: number, head: number, i: number) =>
            a[((b * heads + head) * T + s) * D + i]!;
          const seen = [0, 1, 2, 3].filter((s) => s <= t && keep[b * T + s] === 1);
          const e = seen.map((s) => {
            let dot = 0;
            for (let i = 0; i < D; i++) dot += at(q, H, t, h, i) * at(k, G, s, group, i);
            return Math.exp(dot / Math.sqrt(D));
          });
          const total = e.reduce((a, c) => a + c, 0);
          for (let i = 0; i < D; i++)
            expected.push(seen.reduce((sum, s, n) => sum + (e[n]! / total) * at(v, G, s, group, i), 0));
        }
    const y = [...(outputs['y']!.data as Float32Array)];
    expect(Math.max(...y.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  });

  it('stays finite for a row that is padding everywhere', async () => {
    const batch = { keep: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] };
    const options = { heads: 2, keyValueHeads: 2, causal: true, padded: true, rotary: true };
    const { loss, gradients } = await analyticGradients(model(options), { batch, floatType: 'float32' });
    expect(Number.isFinite(loss)).toBe(true);
    for (const d of gradients.values()) expect(d.every(Number.isFinite)).toBe(true);
  });

  it('turns by ONNX Runtime’s kernel as by primitives, and keeps lengths', async () => {
    const g = new Graph();
    const rotary = rotaryTables(g, 6, 8, 10000);
    const input = g.input('x', 'float', [2, 3, 6, 8]);
    g.output(rotate(input, rotary), 'kernel');
    g.output(turnByParts(input, rotary.cos, rotary.sin), 'parts');
    g.output(turnByParts(rotate(input, rotary), rotary.cos, rotary.minusSin), 'back');
    const session = await openSession(g.toModel());
    const data = Float32Array.from({ length: 288 }, () => random.normal());
    const { kernel, parts, back } = await session.run({ x: hostTensor('float32', [2, 3, 6, 8], data) });
    const distance = (a: ArrayLike<unknown>, b: ArrayLike<unknown>) =>
      Math.max(...Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))));
    expect(distance(kernel!.data, parts!.data)).toBeLessThan(1e-6);
    expect(distance(back!.data, data)).toBeLessThan(1e-6);
    expect(distance(kernel!.data, data)).toBeGreaterThan(0.1);
  });
});
