/** Checkpoints that Hugging Face transformers wrote, against the logits that it computes from them in float64. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CachedDecoder } from '../cached-decoder.ts';
import { floatsOf, hostTensor } from '../dtype.ts';
import { buildInference } from '../inference.ts';
import { decoderOptions, llama, llamaStep } from '../llama.ts';
import { loadSafetensors } from '../safetensors.ts';
import { openSession } from '../session.ts';
import { reshape } from '../shape-ops.ts';
import { readPretrained } from './folder.ts';
import { planPretrained } from './memory.ts';
import { TextTokenizer } from './tokenizer.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');
/** Logits span ±20; float32 against float64. */
const TOLERANCE = 2e-4;
const PREFIX = 30;
const RUN = { graphs: 2, rows: 1, capacity: 64, tokens: 120 };

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i += 1) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
};

describe.each(['llama-sharded', 'llama-bfloat16', 'llama-float16'])('%s', (name) => {
  const folder = join(FIXTURES, name);
  const source = readPretrained(folder);
  const { tensors } = loadSafetensors(join(folder, 'expected.safetensors'));
  const V = source.config.vocabularySize;
  const ids = tensors.get('ids')!.data as Int32Array;
  const [rows, length] = [3, 40];
  const lengths = [...(tensors.get('lengths')!.data as Int32Array)];
  const wanted = floatsOf(tensors.get('prefill')!);

  // With plenty of memory weights are copied; with little they stay in the files and are widened at each use.
  it.each([
    ['copied', 8e9],
    ['mapped', 2e8],
  ])('a batch with padding, weights %s', async (_how, available) => {
    const { weights, session } = planPretrained(source, RUN, available);
    expect(session.keepMapped ?? false).toBe(_how === 'mapped');
    const { graph } = buildInference((scope) => {
      const keep = scope.input('keep', 'float', [rows, length]);
      return { logits: llama(scope, source.config)(scope.input('ids', 'int32', [rows, length]), keep) };
    }, weights);
    const opened = await openSession(graph.toModel(), { ...session, threads: 1 });
    const keep = Array.from({ length: rows * length }, (_, i) =>
      i % length < lengths[Math.floor(i / length)]! ? 1 : 0,
    );
    const { logits } = await opened.run({
      ids: hostTensor('int32', [rows, length], ids),
      keep: hostTensor('float32', [rows, length], keep),
    });
    await opened.close();
    const got = floatsOf(logits!);
    let compared = 0;
    for (let row = 0; row < rows; row += 1) {
      const [from, to] = [row * length * V, (row * length + lengths[row]!) * V];
      expect(largest(got.subarray(from, to), wanted.subarray(from, to))).toBeLessThan(TOLERANCE);
      compared += lengths[row]!;
    }
    expect(compared).toBe(70);
    expect(Math.max(...wanted)).toBeGreaterThan(2);
  });

  it('token by token on cached keys and values', async () => {
    const { weights, session } = planPretrained(source, RUN);
    const decoder = new CachedDecoder({
      options: decoderOptions(source.config),
      capacity: length,
      maxRows: 1,
      buckets: [1],
      parameters: weights,
      session: { ...session, threads: 1 },
      build: (scope, { rows: count, tokens, cache }) => {
        const step = llamaStep(scope, source.config)(scope.input('ids', 'int32', [count, tokens]), cache);
        return {
          step,
          outputs: { logits: reshape(step.logits, [count, tokens, source.config.vocabularySize]) },
        };
      },
    });
    const cached = floatsOf(tensors.get('cached')!);
    const first = await decoder.prefill({ ids: ids.subarray(0, PREFIX) }, 1, PREFIX);
    const last = floatsOf(first['logits']!).subarray((PREFIX - 1) * V);
    expect(largest(last, cached.subarray(0, V))).toBeLessThan(TOLERANCE);
    for (let at = PREFIX; at < length; at += 1) {
      const { logits } = await decoder.step({ ids: ids.subarray(at, at + 1) });
      const row = (at - PREFIX + 1) * V;
      expect(largest(floatsOf(logits!), cached.subarray(row, row + V))).toBeLessThan(TOLERANCE);
    }
    await decoder.close();
  });
});

it('splits text into the tokens that the tokenizers library makes', () => {
  const folder = join(FIXTURES, 'llama-sharded');
  const tokenizer = TextTokenizer.read(folder, readPretrained(folder).config.vocabularySize);
  const samples = JSON.parse(readFileSync(join(folder, 'expected-tokens.json'), 'utf8')) as {
    text: string;
    ids: number[];
  }[];
  expect(samples).toHaveLength(3);
  expect(tokenizer.beginToken).toBe(0);
  for (const { text, ids } of samples) {
    expect([tokenizer.beginToken, ...tokenizer.encode(text)]).toEqual(ids); // the library puts the first one itself
    expect(tokenizer.decode(ids)).toBe(text);
  }
});
