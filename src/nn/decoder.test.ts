import { expect, it } from 'vitest';
import { type DecoderOptions, decoderBlocks, decoderStep } from './decoder.ts';
import { Graph } from './graph.ts';
import { analyticGradients, checkGradients, relativeDifference, weighted } from './gradient-check.ts';
import { meanAll, mul, sub } from './ops.ts';
import { Random, dropoutMask } from './random.ts';
import { Scope, normal } from './scope.ts';
import { reshape } from './shape-ops.ts';
import { Trainer } from './trainer.ts';
import { type BuildObjective, buildGradients } from './train-step.ts';

const [B, T, WIDTH] = [2, 5, 8];
const options: DecoderOptions = { width: WIDTH, layers: 2, heads: 2, keyValueHeads: 1, hidden: 12 };
const random = new Random(4);

const objective =
  (tokensOfMask: number): BuildObjective =>
  (scope) => {
    const x = scope.parameter('x', [B, T, WIDTH], normal(1));
    const masks = Array.from({ length: 2 * options.layers }, (_, i) =>
      scope.input(`mask.${i}`, 'float', [B, tokensOfMask, WIDTH]),
    );
    const keep = scope.input('keep', 'float', [B, T]);
    const hidden = decoderBlocks(scope.child('decoder'), { ...options, deviation: 0.3 })(x, { keep, masks });
    return weighted(mul(hidden, reshape(keep, [B, T, 1]))); // what padding itself sees means nothing
  };
const batchFor = (tokensOfMask: number) => ({
  keep: [0, 1, 0, 1, 1, 1, 1, 1, 1, 1],
  ...Object.fromEntries(
    Array.from({ length: 2 * options.layers }, (_, i) => [
      `mask.${i}`,
      dropoutMask(random, B * tokensOfMask * WIDTH, 0.3),
    ]),
  ),
});

it.each([
  ['each token', T],
  ['a whole row', 1],
])('has exact gradients with padding and dropout masks for %s', async (_, tokens) => {
  const batch = batchFor(tokens);
  const report = await checkGradients(objective(tokens), { batch, points: 24 });
  expect(report.checked).toBeGreaterThan(300);
  expect(report.worst).toBeLessThan(1e-6);
  const double = await analyticGradients(objective(tokens), { batch });
  const single = await analyticGradients(objective(tokens), { batch, floatType: 'float32' });
  expect(relativeDifference(single, double)).toBeLessThan(1e-5);
});

it('declares the same parameters for whole sequences and for steps', () => {
  const shapesOf = (build: (scope: Scope) => void) => {
    const graph = new Graph();
    const scope = new Scope(graph, (name, shape) => graph.input(name, 'float', shape));
    build(scope.child('decoder'));
    return scope.declarations().map(({ name, shape, decay }) => ({ name, shape, decay }));
  };
  const whole = shapesOf((scope) => void decoderBlocks(scope, options));
  expect(shapesOf((scope) => void decoderStep(scope, options))).toEqual(whole);
  expect(whole.map(({ name }) => name)).toContain('decoder.layers.1.self_attn.k_proj.weight');
});

it('refuses a wrong number of masks', () => {
  expect(() =>
    buildGradients((scope) => {
      const x = scope.parameter('x', [B, T, WIDTH], normal(1));
      return weighted(decoderBlocks(scope, options)(x, { masks: [x] }));
    }),
  ).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
});

it('learns to bring the first vector of a row to its last place, past padding', async () => {
  const rows = 16;
  const trainer = await Trainer.create(
    (scope) => {
      const x = scope.input('x', 'float', [rows, T, WIDTH]);
      const hidden = decoderBlocks(scope, options)(x, { keep: scope.input('keep', 'float', [rows, T]) });
      const target = scope.input('target', 'float', [rows, T, WIDTH]);
      const error = mul(sub(hidden, target), scope.input('counts', 'float', [1, T, 1]));
      return meanAll(mul(error, error));
    },
    { seed: 1, session: { threads: 1 } },
  );
  const draws = new Random(8);
  const step = async () => {
    const x = Float32Array.from({ length: rows * T * WIDTH }, (_, i) => {
      const [token, unit] = [Math.floor(i / WIDTH) % T, i % WIDTH];
      return token === 0 ? draws.normal() : token === T - 1 && unit === 0 ? 1 : 0;
    });
    const target = x.map((_, i) => Math.sign(x[Math.floor(i / (T * WIDTH)) * T * WIDTH + (i % WIDTH)]!));
    const keep = Float32Array.from({ length: rows * T }, (_, i) => (i % T === 1 ? 0 : 1));
    return (await trainer.step({ x, target, keep, counts: [0, 0, 0, 0, 1] }, { learningRate: 3e-3 })).loss;
  };
  const first = await step();
  let last = first;
  for (let i = 0; i < 400; i++) last = await step();
  expect(last).toBeLessThan(first * 0.3);
  await trainer.close();
});
