import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { checkGradients } from '../../nn/gradient-check.ts';
import { Random } from '../../nn/random.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import { codeIndex, writeMaskedView } from '../encoding/masked-codes.ts';
import { maskNames } from './network.ts';
import { prepare } from '../prepare.ts';
import { pretrainEncoder, pretrainingObjective, type PretrainingRun } from './pretrain-encoder.ts';
import { trainRecipe } from './train-recipe.ts';
import { FLAME_CLASSIFIER } from './settings.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));
const prepared = prepare(
  syntheticVisits(1500),
  { trainYears: [1995, 2008], testYear: 2009, formularyMinimum: 50 },
  knowledge,
);
const { encoder, vocabulary, train, supplement } = prepared;
const index = codeIndex(encoder);
const network = { kind: 'flame', width: 16, hidden: 24, layers: 1, dropout: 0.1 } as const;
const run: PretrainingRun = {
  network,
  settings: { visits: 32, epochs: 4, learningRate: 1e-2, hide: 0.4, matching: 0.5 },
  seed: 1,
  encoder,
  train,
  supplement,
  threads: 1,
};

describe('masked views', () => {
  const names = (ids: Iterable<number>): string[] => [...ids].map((id) => vocabulary.features[id]!);
  const view = (corpus: EncodedCorpus, visit: number, hide: number, seed: number) => {
    const x = new Float32Array(vocabulary.features.length);
    const hidden = new Float32Array(index.features.length);
    const asked = new Float32Array(index.features.length);
    writeMaskedView(corpus, visit, index, hide, new Random(seed), { x, hidden, asked });
    return { x, hidden, asked };
  };

  it('know what a code alone would show: itself and its families', () => {
    const diabetes = index.features.indexOf(vocabulary.features.indexOf('dx:25000'));
    expect(names(index.implied[diabetes]!)).toEqual(
      expect.arrayContaining(['dx:25000', 'dx3:250', 'dx-first:250']),
    );
    for (const implied of index.implied)
      for (const key of names(implied)) expect(key).not.toMatch(/^(sex|age|year|count)/);
  });

  it('hide a code with every family that no visible code implies, and keep all else', () => {
    for (let visit = 0; visit < 200; visit += 1) {
      const { x, hidden, asked } = view(train, visit, 0.5, visit);
      const own = Array.from(train.ids.subarray(train.starts[visit], train.starts[visit + 1]));
      const codes = own.map((id) => index.positions[id]!).filter((position) => position >= 0);
      const seen = codes.filter((position) => hidden[position] === 0);
      const gone = codes.filter((position) => hidden[position] === 1);
      const implied = new Set(seen.flatMap((position) => index.implied[position]!));
      for (const position of gone)
        for (const id of index.implied[position]!)
          expect(x[id] !== 0).toBe(implied.has(id) && own.includes(id));
      const taken = new Set(gone.flatMap((position) => index.implied[position]!));
      for (const id of own) if (!taken.has(id)) expect(x[id]).toBeGreaterThan(0);
      seen.forEach((position) => expect(asked[position]).toBe(0));
      gone.forEach((position) => expect(asked[position]).toBe(1));
      expect(asked.reduce((sum, value) => sum + value, 0)).toBe(index.features.length - seen.length);
    }
  });

  it('hide nothing at share 0 and every code at share 1', () => {
    expect(view(train, 3, 0, 1).hidden.some((value) => value > 0)).toBe(false);
    const all = view(train, 3, 1, 1);
    index.features.forEach((id) => expect(all.x[id]).toBe(0));
  });
});

describe('pre-training', () => {
  it('has the gradient of its loss, checked by central differences', async () => {
    const small = { visits: 3, epochs: 1, learningRate: 1e-2, hide: 0.4, matching: 0.7 };
    const codes = index.features.length;
    const features = vocabulary.features.length + 1;
    const random = new Random(5);
    const random01 = (length: number, share: number): Float32Array =>
      Float32Array.from({ length }, () => (random.uniform() < share ? 1 : 0));
    const side = {
      width: 3,
      values: Float32Array.from({ length: (features - 1) * 3 }, () => random.normal()),
    };
    const report = await checkGradients(
      pretrainingObjective({ ...run, settings: small, codeFeatures: side }, index),
      {
        batch: {
          features: random01(6 * features, 0.2),
          hidden: random01(6 * codes, 0.2),
          asked: random01(6 * codes, 0.8),
          ...Object.fromEntries(maskNames(network).map((name) => [name, random01(6 * network.width, 0.8)])),
        },
        points: 25,
      },
    );
    expect(report.checked).toBeGreaterThan(200);
    expect(report.worst).toBeLessThan(1e-5);
  });

  it('learns to find hidden codes and matching views, and hands on the encoder alone', async () => {
    const losses: number[] = [];
    const weights = await pretrainEncoder({ ...run, onProgress: (_, __, loss) => losses.push(loss) });
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    const names = [...weights.keys()].toSorted();
    expect(names.filter((name) => /^(drugs|pretraining)/.test(name))).toEqual([]);
    expect(names).toContain('features.weight');
    expect(weights.get('features.weight')!.shape).toEqual([vocabulary.features.length + 1, 16]);
  });

  it('is cancelled, and refuses too few visits', async () => {
    await expect(pretrainEncoder({ ...run, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    const settings = { ...run.settings, visits: 100_000 };
    await expect(pretrainEncoder({ ...run, settings })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is where a recipe with pre-training starts', async () => {
    const recipe = {
      ...FLAME_CLASSIFIER,
      network,
      settings: { ...FLAME_CLASSIFIER.settings, rows: 64, epochs: 1, learningRate: 1e-6 },
      codeEmbeddings: false,
    };
    const distance = async (pretraining: PretrainingRun['settings'] | null): Promise<number> => {
      const trained = await trainRecipe(prepared, knowledge, { ...recipe, pretraining }, 1, { threads: 1 });
      const [a, b] = [trained, await pretrainEncoder(run)].map(
        (weights) => weights.get('features.weight')!.data as Float32Array,
      ) as [Float32Array, Float32Array];
      return Math.hypot(...Array.from(a, (value, i) => value - b[i]!));
    };
    expect(await distance(run.settings)).toBeLessThan(0.01);
    expect(await distance(null)).toBeGreaterThan(1);
  });
});
