import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadKnowledge } from '../knowledge/knowledge.ts';
import type { GridPoint } from '../shared/recommendation.ts';
import { Classifier } from './classifier/classifier.ts';
import { decode } from './lists/decoding.ts';
import { readLabelledVisits } from './corpus.ts';
import { evaluateVisits } from './evaluation/evaluate-visits.ts';
import { decodingPairs } from './lists/formulary-pairs.ts';
import { readModelPack } from './model-pack.ts';
import { ListPolicy } from './policy/list-policy.ts';
import { EXPECTED_CREDIT } from './policy/settings.ts';
import { FLAME_CLASSIFIER, type ModelRecipe } from './classifier/settings.ts';
import { syntheticVisits, writeSyntheticCorpus } from './testing/synthetic-visits.ts';
import { type PolicyTraining, trainPack, type TrainPackProgress } from './train-pack.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../resources/knowledge'));
const folder = mkdtempSync(join(tmpdir(), 'flame-train-'));
const corpus = join(folder, 'visits.jsonl');
const directory = join(folder, 'small-pack');
const recipe: ModelRecipe = {
  ...FLAME_CLASSIFIER,
  network: { kind: 'flame', width: 16, hidden: 24, layers: 1, dropout: 0.1, members: 2 },
  settings: { ...FLAME_CLASSIFIER.settings, rows: 64, epochs: 4, learningRate: 1e-2 },
};
const policy: PolicyTraining = {
  single: { ...recipe, network: { kind: 'flame', width: 16, hidden: 24, layers: 1, dropout: 0.1 } },
  recipe: {
    network: { width: 16, layers: 1, heads: 2, hidden: 24, startSlots: 6, actionSlots: 6, dropout: 0.1 },
    crossFitFolds: 2,
    supervised: { ...EXPECTED_CREDIT.supervised, rows: 32, steps: 40 },
    reinforced: { ...EXPECTED_CREDIT.reinforced, visits: 64, rows: 32, rounds: 10 },
  },
};
const checkpoint = join(folder, 'checkpoint');
const options = {
  corpus,
  knowledge,
  directory,
  recipe,
  policy,
  checkpoint,
  formularyMinimum: 50,
  threads: 1,
};

beforeAll(() => {
  writeSyntheticCorpus(corpus, 1500);
});

describe('training a pack', () => {
  it('goes from a file of visits to a pack that scores and can be evaluated', async () => {
    const stages = new Set<string>();
    const manifest = await trainPack(options, ({ stage }: TrainPackProgress) => stages.add(stage));
    expect([...stages]).toEqual([
      'reading',
      'encoding',
      'training',
      'cross-fitting',
      'supervised',
      'reinforced',
      'measuring',
      'writing',
    ]);
    expect(readdirSync(folder).filter((name) => name.startsWith('checkpoint'))).toEqual([]);
    expect(manifest).toMatchObject({ name: 'small-pack', interactionVersion: knowledge.interactionVersion });
    expect(manifest.network).toMatchObject({ kind: 'flame', members: 2 });
    expect(manifest.training.settings['supplementVisits']).toBeGreaterThan(50);

    const rates = manifest.front!.points.map(({ interactionRate }) => interactionRate);
    expect(rates.at(-1)).toBe(0);
    expect(Math.max(...rates)).toBe(rates[0]);

    const classifier = await Classifier.open(directory, knowledge);
    const { formulary } = classifier;
    const result = await evaluateVisits({
      visits: await readLabelledVisits(corpus),
      corpus,
      model: {
        formulary,
        threshold: manifest.threshold,
        atOnce: 256,
        score: (contexts) => classifier.score(contexts),
        lists: (_, problem) => Promise.resolve(decode(problem)),
      },
      knowledge,
      alpha: 1,
    });
    await classifier.close();
    expect(result.visits).toBe(1500);
    expect(result.evaluated).toBeGreaterThan(1000);
    expect(result.prauc).toBeGreaterThan(0.85);
    expect(result.expectedJaccard.jaccard).toBeGreaterThan(0.5);
    expect(result.decoded).toMatchObject({ alpha: 1, ddiRate: 0 });
    expect(result.protocol).toMatchObject({ interactionTable: knowledge.interactionVersion, severityCut: 2 });
  });

  it('makes a list policy that answers overlapping calls one by one', async () => {
    const pack = readModelPack(directory);
    const [listPolicy, classifier] = [
      await ListPolicy.of(pack, knowledge),
      await Classifier.of(pack, knowledge),
    ];
    const { formulary } = pack.vocabulary;
    const contexts = syntheticVisits(4).map(({ context }) => context);
    const scores = await classifier.score(contexts);
    const listsOf = (visit: number): Promise<readonly GridPoint[]> =>
      listPolicy!.lists(
        {
          drugs: formulary,
          probabilities: scores[visit]!.probabilities,
          pairs: decodingPairs(formulary, knowledge),
        },
        classifier.encode(contexts[visit]!),
      );
    const alone = [];
    for (const visit of contexts.keys()) alone.push(await listsOf(visit));
    expect(await Promise.all([...contexts.keys()].map(listsOf))).toEqual(alone);
    await listPolicy!.close();
    await classifier.close();
  });

  it('can be cancelled, and refuses a file without visits', async () => {
    const signal = AbortSignal.abort();
    await expect(trainPack(options, undefined, signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    const empty = join(folder, 'empty.jsonl');
    writeFileSync(empty, '');
    await expect(trainPack({ ...options, corpus: empty })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
