import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildCachedStep, CachedDecoder } from './cached-decoder.ts';
import { type DecoderOptions, decoderBlocks, decoderStep } from './decoder.ts';
import { type HostTensor, floatsOf, hostTensor, sizeOf } from './dtype.ts';
import { Graph } from './graph.ts';
import { buildInference } from './inference.ts';
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

  it('after repeating a shared prefix, reordering rows, dropping some and going back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          visits: fc.integer({ min: 1, max: 3 }),
          times: fc.integer({ min: 1, max: 3 }),
          picks: fc.array(fc.nat(), { minLength: 1, maxLength: 9 }),
          order: fc.constantFrom('any', 'rising', 'falling'),
          seed: fc.nat(),
        }),
        async ({ visits, times, picks, order, seed }) => {
          const [P, width, steps] = [3, 8, 4];
          const options = { width, layers: 2, heads: 4, keyValueHeads: 2, hidden: 8 };
          const random = new Random(seed);
          const parameters = weightsOf((s) => decoderBlocks(s, options), seed);
          const decoder = new CachedDecoder({
            options,
            capacity: P + steps,
            maxRows: 9,
            parameters,
            build: hiddenStep(options),
            buckets: [4],
            session: { threads: 1 },
          });
          // Beside the decoder, the vectors that each row has been fed.
          let fed = Array.from({ length: visits }, () => [...draw(random, P * width)]);
          const feed = async () => {
            const fresh = fed.map(() => draw(random, width));
            fed = fed.map((row, i) => [...row, ...fresh[i]!]);
            const { hidden } = await decoder.step({ x: fresh.flatMap((token) => [...token]) });
            const length = fed[0]!.length / width;
            const x = Float32Array.from(fed.flat());
            const keep = new Float32Array(fed.length * length).fill(1);
            const whole = await wholeForward(options, parameters, fed.length, length, x, keep);
            const last = tokensOf(whole, fed.length, length, width, length - 1, length);
            expect(largest(floatsOf(hidden!), last)).toBeLessThan(TOLERANCE);
          };
          await decoder.prefill({ x: fed.flat() }, visits, P);
          const repeated = Array.from({ length: visits * times }, (_, i) => Math.floor(i / times));
          decoder.select(repeated);
          fed = repeated.map((row) => fed[row]!);
          await feed();
          await feed();
          const selected = picks.map((pick) => pick % fed.length);
          if (order !== 'any') selected.sort((a, b) => (order === 'rising' ? a - b : b - a));
          decoder.select(selected);
          fed = selected.map((row) => fed[row]!);
          await feed();
          decoder.truncate(P + 1);
          fed = fed.map((row) => row.slice(0, (P + 1) * width));
          await feed();
          await decoder.close();
        },
      ),
      { numRuns: 12 },
    );
  });

  it('for rows of different lengths, each as if it were alone', async () => {
    const [P, width, steps] = [5, 8, 3];
    const lengths = [2, 5, 1, 4, 3];
    const options = { width, layers: 2, heads: 2, keyValueHeads: 1, hidden: 8 };
    const random = new Random(5);
    const parameters = weightsOf((s) => decoderBlocks(s, options), 5);
    const decoder = new CachedDecoder({
      options,
      capacity: P + steps,
      maxRows: 5,
      parameters,
      build: hiddenStep(options),
      buckets: [2],
    });
    const prefixes = draw(random, lengths.length * P * width); // what stands behind a row's length is noise
    const fed = lengths.map((n, i) => [...prefixes.subarray(i * P * width, (i * P + n) * width)]);
    await decoder.prefill({ x: prefixes }, lengths.length, P, { lengths });
    for (let step = 0; step < steps; step++) {
      const fresh = draw(random, lengths.length * width);
      const { hidden } = await decoder.step({ x: fresh });
      for (const [i, row] of fed.entries()) {
        row.push(...fresh.subarray(i * width, (i + 1) * width));
        const length = row.length / width;
        const keep = new Float32Array(length).fill(1);
        const alone = await wholeForward(options, parameters, 1, length, Float32Array.from(row), keep);
        const got = floatsOf(hidden!).subarray(i * width, (i + 1) * width);
        expect(largest(got, alone.subarray((length - 1) * width))).toBeLessThan(TOLERANCE);
      }
    }
    expect([...decoder.lengths]).toEqual(lengths.map((n) => n + steps));
    await decoder.close();
  });
});

describe('a cached Llama', () => {
  const shared = { vocabularySize: 23, hiddenSize: 16, layers: 2, heads: 4, intermediateSize: 20 };
  it.each<LlamaConfig>([
    { ...shared, keyValueHeads: 2, tied: true },
    { ...shared, keyValueHeads: 4, tied: false },
  ])('greedily writes what whole passes write, token for token: %o', async (config) => {
    const [rows, P, steps, V] = [3, 4, 10, config.vocabularySize];
    const random = new Random(11);
    const prompts = Array.from({ length: rows }, () => Array.from({ length: P }, () => random.int(V)));
    const parameters = weightsOf((s) => llama(s, config), 3);

    const slow = prompts.map((prompt) => [...prompt]);
    for (let step = 0; step < steps; step++) {
      const length = P + step;
      const { graph } = buildInference(
        (s) => ({ logits: llama(s, config)(s.input('ids', 'int32', [rows, length])) }),
        parameters,
      );
      const session = await openSession(graph.toModel());
      const { logits } = await session.run({ ids: hostTensor('int32', [rows, length], slow.flat()) });
      await session.close();
      const all = floatsOf(logits!);
      slow.forEach((row, i) => {
        const at = (i * length + length - 1) * V;
        row.push(bestOf(all.subarray(at, at + V)));
      });
    }

    const decoder = new CachedDecoder({
      options: decoderOptions(config),
      capacity: P + steps,
      maxRows: rows,
      parameters,
      buckets: [4],
      build: (s, { rows: count, tokens, prefill, cache }) => {
        const step = llamaStep(s, config)(s.input('ids', 'int32', [count, tokens]), cache);
        return { step, outputs: prefill ? {} : { logits: step.logits } };
      },
    });
    const fast = prompts.map((prompt) => [...prompt]);
    // The prefill computes no logits: the last prompt token goes in as the first step.
    const before = prompts.flatMap((prompt) => prompt.slice(0, -1));
    expect(await decoder.prefill({ ids: before }, rows, P - 1)).toEqual({});
    for (let step = 0; step < steps; step++) {
      const { logits } = await decoder.step({ ids: fast.map((row) => row.at(-1)!) });
      const all = floatsOf(logits!);
      fast.forEach((row, i) => row.push(bestOf(all.subarray(i * V, (i + 1) * V))));
    }
    await decoder.close();
    expect(fast).toEqual(slow);
    expect(new Set(fast.flat()).size).toBeGreaterThan(5); // not one token over and over
  });
});

const bestOf = (scores: ArrayLike<number>) =>
  Array.from(scores).reduce((best, score, i) => (score > scores[best]! ? i : best), 0);

it('refuses what does not fit', async () => {
  const options = { width: 4, layers: 1, heads: 1, hidden: 4 };
  const decoder = new CachedDecoder({
    options,
    capacity: 3,
    maxRows: 2,
    parameters: weightsOf((s) => decoderBlocks(s, options), 1),
    build: hiddenStep(options),
    buckets: [2],
  });
  const mismatch = { code: 'shape-mismatch' };
  const x = (tokens: number) => new Float32Array(tokens * 4);
  await expect(decoder.prefill({ x: x(3) }, 3, 1)).rejects.toMatchObject(mismatch); // more rows than maxRows
  await expect(decoder.prefill({ x: x(8) }, 2, 4)).rejects.toMatchObject(mismatch); // more tokens than capacity
  await expect(decoder.prefill({ x: x(4) }, 2, 1)).rejects.toMatchObject(mismatch); // too few values
  await expect(decoder.prefill({ x: x(4) }, 2, 2, { lengths: [3, 1] })).rejects.toMatchObject(mismatch);
  await expect(decoder.prefill({ x: x(4) }, 2, 2, { keep: [1] })).rejects.toMatchObject(mismatch);
  await decoder.prefill({ x: x(4) }, 2, 2);
  expect(() => decoder.select([0, 2])).toThrow(expect.objectContaining(mismatch));
  expect(() => decoder.select([0, 1, 0])).toThrow(expect.objectContaining(mismatch));
  expect(() => decoder.truncate([1])).toThrow(expect.objectContaining(mismatch));
  await decoder.step({ x: x(2) });
  await expect(decoder.step({ x: x(2) })).rejects.toMatchObject(mismatch); // full
  await decoder.close();
});
