/** A checkpoint in 4 bits: smaller, read back, and computing what its rounded weights compute. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { floatsOf, type HostTensor, hostTensor } from '../dtype.ts';
import { buildInference, type Weights } from '../inference.ts';
import { dequantiseInt4, INT4_PARTS } from '../int4.ts';
import { llama, type LlamaConfig } from '../llama.ts';
import { loadSafetensors, readTensor } from '../safetensors.ts';
import { openSession, type SessionOptions } from '../session.ts';
import { readPretrained } from './folder.ts';
import { planPretrained } from './memory.ts';
import { quantisePretrained } from './quantise.ts';
import { TextTokenizer } from './tokenizer.ts';

const TABLE = 'model.embed_tokens.weight';
const scratch = mkdtempSync(join(tmpdir(), 'flame-int4-'));
afterAll(() => rmSync(scratch, { recursive: true }));

it.each([
  ['llama-sharded', 15, 0],
  ['llama-bfloat16', 15, 0], // tied: the table twice, to look up and to multiply with
  ['llama-float16', 13, 2], // o_proj takes 48 inputs, which are no whole blocks
])('%s', async (name, quantised, kept) => {
  const folder = resolve(import.meta.dirname, '../../../tests/fixtures', name);
  const source = readPretrained(folder);
  const target = join(scratch, name);
  const seen: number[] = [];
  const report = quantisePretrained(source, target, (done) => seen.push(done));
  expect(report).toMatchObject({ quantised, kept });
  expect(seen).toHaveLength(quantised);
  expect(report.relativeError).toBeGreaterThan(0.05);
  expect(report.relativeError).toBeLessThan(0.1);

  const small = readPretrained(target);
  expect(small.quantised.size).toBe(quantised);
  if (name === 'llama-sharded') {
    TextTokenizer.read(target, small.config.vocabularySize);
    const bytes = (f: string): number => statSync(f).size;
    expect(bytes(join(target, 'model.safetensors'))).toBeLessThan(70_000); // of 165,000
  }
  const { weights, session } = planPretrained(small, { graphs: 1, rows: 1, capacity: 40, tokens: 40 });
  const stored = loadSafetensors(join(target, 'model.safetensors')).tensors;
  const widened = new Map<string, HostTensor>();
  for (const [weight, shape] of small.shapes) {
    const packed = stored.get(weight + INT4_PARTS.packed);
    const scales = stored.get(weight + INT4_PARTS.scales);
    widened.set(
      weight,
      packed && scales
        ? dequantiseInt4({
            shape: [shape[0]!, shape[1]!],
            packed: packed.data as Uint8Array,
            scales: scales.data as Float32Array,
          })
        : stored.get(weight)!,
    );
  }
  const ids = loadSafetensors(join(folder, 'expected.safetensors')).tensors.get('ids')!.data as Int32Array;
  const run = async (
    config: LlamaConfig,
    parameters: Weights,
    options: SessionOptions,
  ): Promise<ArrayLike<number>> => {
    const { graph } = buildInference(
      (s) => ({ logits: llama(s, config)(s.input('ids', 'int32', [1, 40])) }),
      parameters,
    );
    const opened = await openSession(graph.toModel(), { ...options, threads: 1 });
    const { logits } = await opened.run({ ids: hostTensor('int32', [1, 40], ids.subarray(0, 40)) });
    await opened.close();
    return floatsOf(logits!);
  };
  const got = await run(small.config, weights, session);
  // The widened twin of a tied model looks up the exact table and multiplies with the rounded one.
  const twin = new Map(widened);
  if (small.config.tied) {
    twin.set('lm_head.weight', widened.get(TABLE)!);
    twin.set(TABLE, readTensor(join(target, 'model.safetensors'), small.tensors.get(TABLE)!.stored));
  }
  const wanted = await run({ ...small.config, tied: false }, twin, {});
  expect(Math.max(...Array.from(got, (v, i) => Math.abs(v - wanted[i]!)))).toBeLessThan(2e-4);
  expect(Array.from(got).every(Number.isFinite)).toBe(true);
  expect(() => quantisePretrained(source, target)).toThrow(
    expect.objectContaining({ code: 'weights-mismatch' }),
  );
  expect(() => quantisePretrained(small, join(scratch, 'again'))).toThrow(
    expect.objectContaining({ code: 'checkpoint-unsupported' }),
  );
  expect(existsSync(join(scratch, 'again'))).toBe(false);
});
