/** LoRA over weights that stay in their files, in 32 and in 4 bits: PEFT's own adapter, training, and the way back. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { floatsOf, type HostTensor, hostTensor } from '../../nn/dtype.ts';
import { buildInference } from '../../nn/inference.ts';
import { llama } from '../../nn/llama.ts';
import { loraAdapt } from '../../nn/lora.ts';
import { crossEntropy } from '../../nn/losses.ts';
import { type PretrainedFolder, readPretrained } from '../../nn/pretrained/folder.ts';
import { planPretrained } from '../../nn/pretrained/memory.ts';
import { quantisePretrained } from '../../nn/pretrained/quantise.ts';
import { loadSafetensors, readTensor } from '../../nn/safetensors.ts';
import { openSession } from '../../nn/session.ts';
import { Trainer } from '../../nn/trainer.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, formatAdapter, parseAdapter } from '../local/peft.ts';
import { checkpointPlace, LLAMA_TARGETS, textLora } from './adapter.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');
const base = readPretrained(join(FIXTURES, 'llama-sharded'));
const scratch = mkdtempSync(join(tmpdir(), 'flame-adapter-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const T = 40;
const ids = (
  loadSafetensors(join(FIXTURES, 'llama-sharded/expected.safetensors')).tensors.get('ids')!.data as Int32Array
).subarray(0, T);
const bytes = (file: string): Uint8Array => readFileSync(join(FIXTURES, 'llama-adapter', file));
const fromPeft = parseAdapter(bytes(ADAPTER_CONFIG), bytes(ADAPTER_WEIGHTS));
const expected = floatsOf(
  loadSafetensors(join(FIXTURES, 'llama-adapter/expected.safetensors')).tensors.get('logits')!,
);
const RUN = { graphs: 1, rows: 1, capacity: T, tokens: T };

async function logits(
  source: PretrainedFolder,
  lora: ReturnType<typeof textLora> | null,
  factors: ReadonlyMap<string, HostTensor>,
): Promise<ArrayLike<number>> {
  const { weights, session } = planPretrained(source, RUN);
  const place = checkpointPlace(weights, lora);
  const { graph } = buildInference(
    (s) => ({ logits: llama(place(s), source.config)(s.input('ids', 'int32', [1, T])) }),
    factors,
  );
  const opened = await openSession(graph.toModel(), { ...session, threads: 1 });
  const out = await opened.run({ ids: hostTensor('int32', [1, T], ids) });
  await opened.close();
  return floatsOf(out['logits']!);
}
const gap = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** Predicting the next of the fixture's tokens, over a checkpoint that stays where it is. */
function trainer(
  source: PretrainedFolder,
  how: 'mapped' | 'in memory',
  steps: TrainerSteps,
): Promise<Trainer> {
  const lora = { ...textLora({ rank: 4, alpha: 8, targets: LLAMA_TARGETS }), trains: () => false };
  const { weights, session } = planPretrained(source, RUN);
  const place = how === 'mapped' ? checkpointPlace(weights, lora) : null;
  return Trainer.create(
    (scope) => {
      const model = place ? place(scope) : scope.adapted(loraAdapt(lora));
      return crossEntropy(
        llama(model, source.config)(scope.input('ids', 'int32', [1, T])),
        scope.input('targets', 'int32', [T]),
        scope.input('weights', 'float', [T]),
      );
    },
    { seed: 3, session: { ...session, threads: 1 }, ...(steps.from ? { parameters: steps.from } : {}) },
  );
}
interface TrainerSteps {
  readonly from?: ReadonlyMap<string, HostTensor>;
}
const batch = {
  ids,
  targets: Int32Array.from(ids, (_, t) => ids[t + 1] ?? 0),
  weights: Float32Array.from(ids, (_, t) => (t + 1 < T ? 1 / (T - 1) : 0)),
};

describe('an adapter over a checkpoint in its files', () => {
  it('of PEFT computes what PEFT computes', async () => {
    expect(fromPeft.config).toMatchObject({ rank: 4, alpha: 12 });
    const lora = textLora(fromPeft.config);
    expect(gap(await logits(base, lora, fromPeft.tensors), expected)).toBeLessThan(3e-4);
    expect(gap(await logits(base, null, new Map()), expected)).toBeGreaterThan(1); // the adapter matters
  });

  it('goes out as PEFT stores it and comes back the same', () => {
    const files = formatAdapter(fromPeft);
    const back = parseAdapter(files.get(ADAPTER_CONFIG)!, files.get(ADAPTER_WEIGHTS)!);
    expect([...back.tensors.keys()].sort()).toEqual([...fromPeft.tensors.keys()].sort());
    for (const [name, tensor] of back.tensors) expect(tensor).toEqual(fromPeft.tensors.get(name));
    const theirs = loadSafetensors(join(FIXTURES, 'llama-adapter', ADAPTER_WEIGHTS)).tensors;
    for (const name of theirs.keys())
      expect(name).toMatch(/^base_model\.model\.model\.layers\.\d\..*\.lora_[AB]\.weight$/);
  });

  it('learns as the same adapter over weights in memory does, the factors alone', async () => {
    const inMemory = new Map(
      [...base.tensors].map(([name, { file, stored }]) => [
        name,
        readTensor(join(base.folder, file), stored),
      ]),
    );
    const [mapped, plain] = [
      await trainer(base, 'mapped', {}),
      await trainer(base, 'in memory', { from: inMemory }),
    ];
    const trained = mapped.declarations.map(({ name }) => name);
    expect(trained).toHaveLength(2 * 7 * base.config.layers);
    expect(trained.every((name) => /\.lora_[AB]\.weight$/.test(name))).toBe(true);
    for (let step = 0; step < 5; step += 1) {
      const [a, b] = [
        await mapped.step(batch, { learningRate: 1e-2 }),
        await plain.step(batch, { learningRate: 1e-2 }),
      ];
      expect(a.loss).toBeCloseTo(b.loss, 4);
      expect(a.gradientNorm / b.gradientNorm).toBeCloseTo(1, 3);
    }
    await mapped.close();
    await plain.close();
  });

  it('learns over 4-bit weights what they allow', async () => {
    quantisePretrained(base, join(scratch, 'int4'));
    const source = readPretrained(join(scratch, 'int4'));
    expect(source.quantised.size).toBe(15);
    const training = await trainer(source, 'mapped', {});
    const losses: number[] = [];
    for (let step = 0; step < 60; step += 1)
      losses.push((await training.step(batch, { learningRate: 2e-2 })).loss);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 3);
    const factors = new Map(training.parameters());
    const lora = textLora({ rank: 4, alpha: 8, targets: LLAMA_TARGETS });
    const [with4, without] = [await logits(source, lora, factors), await logits(source, null, new Map())];
    expect(gap(with4, without)).toBeGreaterThan(0.5);
    await training.close();
  });
});
