import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { frequencyScores, liftScores } from '../baselines/counting.ts';
import { mean, rankingPerVisit, type ScoreTable } from '../evaluation/metrics.ts';
import type { NetworkConfig } from './network.ts';
import { Predictor } from './predict.ts';
import { drugFeaturesOf, prepare } from '../prepare.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';
import { trainNetwork, type TrainingRun } from './train-network.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));
const prepared = prepare(
  syntheticVisits(2500),
  { trainYears: [1995, 2008], testYear: 2009, formularyMinimum: 50 },
  knowledge,
);
const { vocabulary, train, test } = prepared;
/** The label of the only auxiliary drug. */
const own = vocabulary.formulary.length;
const flame: NetworkConfig = { kind: 'flame', width: 16, hidden: 24, layers: 2, dropout: 0.1 };
const run: TrainingRun = {
  network: flame,
  settings: {
    rows: 64,
    epochs: 6,
    learningRate: 1e-2,
    weightDecay: 0.01,
    tokenDropout: 0.1,
    revealCurrent: 0.2,
    revealPrevious: 0.1,
    recencyHalfLife: 0,
    seed: 3,
  },
  vocabulary,
  train,
  drugFeatures: drugFeaturesOf(prepared, knowledge),
  threads: 1,
};

async function scoresOf(
  network: NetworkConfig,
  parameters: ReadonlyMap<string, HostTensor>,
): Promise<ScoreTable> {
  const shape = { features: vocabulary.features.length, drugs: vocabulary.formulary.length };
  const predictor = new Predictor({ network, shape, parameters, buckets: [1, 32], threads: 1 });
  const scores = await predictor.scoreCorpus(test);
  await predictor.close();
  return scores;
}
const prauc = (scores: ScoreTable): number => mean(rankingPerVisit(scores, test.truth).averagePrecision);
const bytesOf = (parameters: ReadonlyMap<string, HostTensor>): Record<string, number[]> =>
  Object.fromEntries([...parameters].map(([name, { data }]) => [name, Array.from(data as Float32Array)]));

describe('training', () => {
  it('learns the rule behind synthetic visits, as every network and lift do better than frequency', async () => {
    const frequency = prauc(frequencyScores(vocabulary, test));
    expect(prauc(liftScores(vocabulary, train, test))).toBeGreaterThan(frequency + 0.1);
    for (const network of [flame, { kind: 'mlp', width: 16, hidden: 24 }, { kind: 'logistic' }] as const) {
      const { drugFeatures, ...plain } = run;
      const weights = await trainNetwork({
        ...(network.kind === 'flame' ? { ...plain, drugFeatures } : plain),
        network,
      });
      expect(prauc(await scoresOf(network, weights))).toBeGreaterThan(0.85);
    }
  });

  it('is a function of the seed', async () => {
    const short = { ...run, settings: { ...run.settings, epochs: 1 } };
    const [first, again, other] = [
      await trainNetwork(short),
      await trainNetwork(short),
      await trainNetwork({ ...short, settings: { ...short.settings, seed: 4 } }),
    ];
    expect(bytesOf(again)).toEqual(bytesOf(first));
    expect(bytesOf(other)).not.toEqual(bytesOf(first));
  });

  it('stops when told, and goes on bit for bit where it stopped', async () => {
    const checkpoint = join(mkdtempSync(join(tmpdir(), 'flame-train-')), 'run.safetensors');
    const short = { ...run, settings: { ...run.settings, epochs: 2 } };
    const whole = await trainNetwork(short);
    const controller = new AbortController();
    const interrupted = trainNetwork({
      ...short,
      checkpoint,
      signal: controller.signal,
      onProgress: ({ step }) => step >= 25 && controller.abort(),
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(existsSync(checkpoint)).toBe(true);
    expect(bytesOf(await trainNetwork({ ...short, checkpoint }))).toEqual(bytesOf(whole));
    expect(existsSync(checkpoint)).toBe(false);
  });

  it('learns from a supplement, and returns weights of the formulary’s shape', async () => {
    // Every supplementary visit is given a drug outside the formulary.
    const auxiliary = {
      corpus: { ...prepared.supplement, auxiliary: prepared.supplement.truth.map(() => [own]) },
    };
    const short = { ...run, settings: { ...run.settings, epochs: 2 } };
    const alone = await trainNetwork(short);
    const weights = await trainNetwork({ ...short, supplement: { ...auxiliary, auxiliary: 1 } });
    const shapes = (parameters: ReadonlyMap<string, HostTensor>): Record<string, readonly number[]> =>
      Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
    expect(prepared.supplement.visits).toBeGreaterThan(50);
    expect(shapes(weights)).toEqual(shapes(alone));
    expect(bytesOf(weights)).not.toEqual(bytesOf(alone));
    expect(prauc(await scoresOf(flame, weights))).toBeGreaterThan(0.7);
    await expect(
      trainNetwork({ ...run, network: { kind: 'logistic' }, supplement: { ...auxiliary, auxiliary: 1 } }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('averages the logits of an ensemble’s members, and goes on after a finished member', async () => {
    const pair: NetworkConfig = { ...flame, members: 2 };
    const checkpoint = join(mkdtempSync(join(tmpdir(), 'flame-members-')), 'run.safetensors');
    const short = { ...run, network: pair, settings: { ...run.settings, epochs: 1 } };
    const whole = await trainNetwork(short);
    const of = async (seed: number): Promise<ReadonlyMap<string, HostTensor>> =>
      trainNetwork({ ...short, network: flame, settings: { ...short.settings, seed } });
    const members = [await of(3), await of(1003)];
    const logits = (table: ScoreTable): number[] => Array.from(table.values, (p) => Math.log(p / (1 - p)));
    const [a, b] = [await scoresOf(flame, members[0]!), await scoresOf(flame, members[1]!)].map(logits);
    const together = logits(await scoresOf(pair, whole));
    together.forEach((value, i) => expect(value).toBeCloseTo((a![i]! + b![i]!) / 2, 3));

    const seen: number[] = [];
    const controller = new AbortController();
    const interrupted = trainNetwork({
      ...short,
      checkpoint,
      signal: controller.signal,
      onProgress: ({ step, steps }) => {
        seen.push(step);
        if (step > steps / 2) controller.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
    const first = seen.length;
    const again = await trainNetwork({ ...short, checkpoint, onProgress: ({ step }) => seen.push(step) });
    expect(bytesOf(again)).toEqual(bytesOf(whole));
    expect(seen[first]!).toBeGreaterThan(seen[first - 1]!);
    expect(existsSync(`${checkpoint}.0`) || existsSync(`${checkpoint}.1`)).toBe(false);
  });

  it('reports progress with the time left, and refuses a corpus smaller than a batch', async () => {
    const seen: { step: number; steps: number; secondsLeft: number }[] = [];
    await trainNetwork({
      ...run,
      settings: { ...run.settings, epochs: 2 },
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)!.step).toBe(seen.at(-1)!.steps);
    expect(seen.every(({ secondsLeft }) => secondsLeft >= 0)).toBe(true);
    const tooMany = { ...run, settings: { ...run.settings, rows: 100_000 } };
    await expect(trainNetwork(tooMany)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('scores a visit alike alone and in a batch', async () => {
    const weights = await trainNetwork({ ...run, settings: { ...run.settings, epochs: 1 } });
    const shape = { features: vocabulary.features.length, drugs: vocabulary.formulary.length };
    const predictor = new Predictor({
      network: flame,
      shape,
      parameters: weights,
      buckets: [1, 32],
      threads: 1,
    });
    const rows = [0, 1, 2].map((visit) => ({
      ids: test.ids.subarray(test.starts[visit], test.starts[visit + 1]),
      weights: test.weights.subarray(test.starts[visit], test.starts[visit + 1]),
    }));
    const together = (await predictor.score(rows)).values;
    const alone = await Promise.all(rows.map(async (row) => (await predictor.score([row])).values));
    await predictor.close();
    alone.forEach((values, i) =>
      values.forEach((value, drug) => expect(value).toBeCloseTo(together[i * shape.drugs + drug]!, 5)),
    );
  });
});
