import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildCachedStep, CachedDecoder } from './cached-decoder.ts';
import { type DecoderOptions, decoderBlocks, decoderStep } from './decoder.ts';
import { type HostTensor, floatsOf, hostTensor, sizeOf } from './dtype.ts';
import { Graph } from './graph.ts';
import { buildInference } from './inference.ts';
import { linear } from './layers.ts';
import { type LlamaConfig, decoderOptions, llama, llamaStep } from './llama.ts';
import { Random } from './random.ts';
import { Scope, normal } from './scope.ts';
import { openSession } from './session.ts';

const TOLERANCE = 1e-5;

/** Parameters that a builder declares, drawn far wider than at the start of training, so that attention attends. */
function weightsOf(declare: (scope: Scope) => unknown, seed: number): Map<string, HostTensor> {
  const graph = new Graph();
  const scope = new Scope(graph, (name, shape) => graph.input(name, 'float', shape));
  declare(scope);
  const drawn = scope.declarations().map(({ name, shape }): [string, HostTensor] => {
    const random = Random.for(seed, name);
    const deviation = shape.length > 1 ? 1.2 / Math.sqrt(shape[1]!) : 0.2;
    const values = normal(deviation)(random, sizeOf(shape));
    return [
      name,
      hostTensor(
        'float32',
        shape,
        Float32Array.from(values, (v) => v + (shape.length > 1 ? 0 : 1)),
      ),
    ];
  });
  return new Map(drawn);
}

/** Hidden states [rows, length, width] of whole sequences. */
async function wholeForward(
  options: DecoderOptions,
  parameters: ReadonlyMap<string, HostTensor>,
  rows: number,
  length: number,
  x: Float32Array,
  keep: ArrayLike<number>,
): Promise<Float32Array> {
  const { graph } = buildInference((scope) => {
    const kept = scope.input('keep', 'float', [rows, length]);
    const hidden = decoderBlocks(scope, options)(scope.input('x', 'float', [rows, length, options.width]), {
      keep: kept,
    });
    return { hidden };
  }, parameters);
  const session = await openSession(graph.toModel(), { threads: 1 });
  const { hidden } = await session.run({
    x: hostTensor('float32', [rows, length, options.width], x),
    keep: hostTensor('float32', [rows, length], Float32Array.from(keep)),
  });
  await session.close();
  return hidden!.data as Float32Array;
}

const hiddenStep =
  (options: DecoderOptions): BuildCachedStep =>
  (scope, { rows, tokens, cache }) => {
    const step = decoderStep(scope, options)(scope.input('x', 'float', [rows, tokens, options.width]), cache);
    return { step, outputs: { hidden: step.hidden } };
  };

/** [rows, length, width] → [rows, to − from, width]. */
function tokensOf(x: Float32Array, rows: number, length: number, width: number, from: number, to: number) {
  const part = new Float32Array(rows * (to - from) * width);
  for (let row = 0; row < rows; row++)
    part.set(
      x.subarray((row * length + from) * width, (row * length + to) * width),
      row * (to - from) * width,
    );
  return part;
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
};

const draw = (random: Random, length: number) => Float32Array.from({ length }, () => random.normal());

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 7 }),
  prefix: fc.integer({ min: 1, max: 5 }),
  chunks: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  keyValueHeads: fc.integer({ min: 1, max: 3 }),
  shared: fc.integer({ min: 1, max: 2 }),
  headSize: fc.constantFrom(2, 4, 8),
  layers: fc.integer({ min: 1, max: 2 }),
  spare: fc.integer({ min: 0, max: 3 }),
  seed: fc.nat(),
});

describe('cached decoding equals the whole forward pass', () => {
  it('for any shape: heads shared or not, padding in the prefix, one token or several at a time', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rows, prefix, chunks, keyValueHeads, shared, headSize, ...rest }) => {
        const { layers, spare, seed } = rest;
        const options: DecoderOptions = {
          width: 12,
          layers,
          heads: keyValueHeads * shared,
          keyValueHeads,
          headSize,
          hidden: 10,
        };
        const random = new Random(seed);
        const length = prefix + chunks.reduce((sum, n) => sum + n, 0);
        const x = draw(random, rows * length * 12);
        const keep = Float32Array.from({ length: rows * length }, (_, i) =>
          i % length < prefix && random.uniform() < 0.4 ? 0 : 1,
        );
        const parameters = weightsOf((s) => decoderBlocks(s, options), seed);
        const expected = await wholeForward(options, parameters, rows, length, x, keep);

        const decoder = new CachedDecoder({
          options,
          capacity: length + spare,
          maxRows: rows,
          parameters,
          build: hiddenStep(options),
          buckets: [2, 4], // rows are padded, or cut into runs
          session: { threads: 1 },
        });
        const prefixKeep = tokensOf(keep, rows, length, 1, 0, prefix);
        const first = await decoder.prefill({ x: tokensOf(x, rows, length, 12, 0, prefix) }, rows, prefix, {
          keep: prefixKeep,
        });
        // Hidden states at padding see different padding; only kept tokens count.
        const seen = floatsOf(first['hidden']!).map((v, i) => v * prefixKeep[Math.floor(i / 12)]!);
        const wanted = tokensOf(expected, rows, length, 12, 0, prefix).map(
          (v, i) => v * prefixKeep[Math.floor(i / 12)]!,
        );
        expect(largest(seen, wanted)).toBeLessThan(TOLERANCE);
        let at = prefix;
        for (const count of chunks) {
          const { hidden } = await decoder.step({ x: tokensOf(x, rows, length, 12, at, at + count) }, count);
          expect(hidden!.shape).toEqual([rows, count, 12]);
          expect(
            largest(floatsOf(hidden!), tokensOf(expected, rows, length, 12, at, at + count)),
          ).toBeLessThan(TOLERANCE);
          at += count;
        }
        expect([...decoder.lengths]).toEqual(Array.from({ length: rows }, () => length));
        await decoder.close();
      }),
      { numRuns: 25 },
    );
  });
});
