import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadKnowledge } from '../knowledge/knowledge.ts';
import { Classifier } from './classifier.ts';
import { readLabelledVisits } from './corpus.ts';
import { evaluateVisits } from './evaluate-visits.ts';
import { FLAME_CLASSIFIER, type ModelRecipe } from './settings.ts';
import { syntheticVisits } from './testing/synthetic-visits.ts';
import { trainClassifier, type TrainClassifierProgress } from './train-classifier.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../resources/knowledge'));
const folder = mkdtempSync(join(tmpdir(), 'flame-train-classifier-'));
const corpus = join(folder, 'visits.jsonl');
const directory = join(folder, 'small-pack');
const recipe: ModelRecipe = {
  ...FLAME_CLASSIFIER,
  network: { kind: 'flame', width: 16, hidden: 24, layers: 1, dropout: 0.1, members: 2 },
  settings: { ...FLAME_CLASSIFIER.settings, rows: 64, epochs: 4, learningRate: 1e-2 },
};
const options = { corpus, knowledge, directory, recipe, formularyMinimum: 50, threads: 1 };

beforeAll(() => {
  const lines = syntheticVisits(1500).map(({ id, year, clinician, context, drugs }) =>
    JSON.stringify({
      visit: id,
      year,
      clinician,
      age: context.age,
      sex: context.sex,
      specialty: context.specialty,
      reasons: [],
      dx_system: 'ICD-9-CM',
      dx: context.diagnoses.map(({ code }) => code),
      chronic: [],
      procedures: [],
      drugs,
    }),
  );
  writeFileSync(corpus, lines.join('\n'));
});

describe('training a pack', () => {
  it('goes from a file of visits to a pack that scores and can be evaluated', async () => {
    const stages = new Set<string>();
    const manifest = await trainClassifier(options, ({ stage }: TrainClassifierProgress) =>
      stages.add(stage),
    );
    expect([...stages]).toEqual(['reading', 'encoding', 'training', 'measuring', 'writing']);
    expect(manifest).toMatchObject({ name: 'small-pack', interactionVersion: knowledge.interactionVersion });
    expect(manifest.network).toMatchObject({ kind: 'flame', members: 2 });
    expect(manifest.training.settings['supplementVisits']).toBeGreaterThan(50);

    const rates = manifest.front!.points.map(({ interactionRate }) => interactionRate);
    expect(rates.at(-1)).toBe(0);
    expect(Math.max(...rates)).toBe(rates[0]);

    const classifier = await Classifier.open(directory, knowledge);
    const result = await evaluateVisits({
      visits: await readLabelledVisits(corpus),
      corpus,
      classifier,
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

  it('can be cancelled, and refuses a file without visits', async () => {
    const signal = AbortSignal.abort();
    await expect(trainClassifier(options, undefined, signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    const empty = join(folder, 'empty.jsonl');
    writeFileSync(empty, '');
    await expect(trainClassifier({ ...options, corpus: empty })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
