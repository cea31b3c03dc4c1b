import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { hostTensor } from '../../nn/dtype.ts';
import { mean, setPerVisit } from '../evaluation/metrics.ts';
import { foldProjections } from '../classifier/network.ts';
import { scoreOnce } from '../classifier/predict.ts';
import { drugFeaturesOf, prepare } from '../prepare.ts';
import { recordedPairs } from '../lists/formulary-pairs.ts';
import { LOGISTIC, type ModelRecipe } from '../classifier/settings.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';
import { trainNetwork } from '../classifier/train-network.ts';
import { foldOf } from './cross-fit.ts';
import { ContextVectors, policyCorpus } from './policy-corpus.ts';
import { greedy, PolicyRunner } from './runner.ts';
import { prefixRow } from './sequence-batch.ts';
import { EXPECTED_CREDIT, FLAME_POLICY, type PolicyRecipe } from './settings.ts';
import { trainPolicy } from './train-policy.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));
const CLASSIFIER: ModelRecipe = {
  ...LOGISTIC,
  network: { kind: 'mlp', width: 8, hidden: 16 },
  settings: { ...LOGISTIC.settings, rows: 64, epochs: 4 },
};
const RECIPE: PolicyRecipe = {
  network: { width: 16, layers: 1, heads: 2, hidden: 16, startSlots: 6, actionSlots: 6, dropout: 0.1 },
  crossFitFolds: 2,
  supervised: { ...FLAME_POLICY.supervised, rows: 32, steps: 60 },
  reinforced: { ...EXPECTED_CREDIT.reinforced, visits: 64, rows: 32, rounds: 15, learningRate: 3e-3 },
};

describe('training the list policy', () => {
  it('goes from classifier to lists that are no worse than the classifier’s, the same for the same seed', async () => {
    const visits = syntheticVisits(1500);
    const prepared = prepare(visits, { trainYears: [1995, 2009], formularyMinimum: 20 }, knowledge);
    const { vocabulary } = prepared;
    const drugFeatures = drugFeaturesOf(prepared, knowledge);
    const parameters = await trainNetwork({
      network: CLASSIFIER.network,
      settings: { ...CLASSIFIER.settings, seed: 1 },
      vocabulary,
      train: prepared.train,
    });
    const scores = await scoreOnce(CLASSIFIER.network, vocabulary, parameters, prepared.validation);
    const vectors = new ContextVectors(vocabulary, parameters.get('features.weight')!);
    const train = () =>
      trainPolicy({ prepared, knowledge, vectors, recipe: RECIPE, seed: 1, threads: 1 }, CLASSIFIER);
    const trained = await train();
    const again = await train();
    for (const [name, { data }] of trained.reinforced) expect(again.reinforced.get(name)!.data).toEqual(data);

    const validation = policyCorpus(prepared.validation, scores);
    const runner = new PolicyRunner({
      config: RECIPE.network,
      shape: { drugs: vocabulary.formulary.length, context: vectors.width },
      tables: { pairs: recordedPairs(vocabulary.formulary, knowledge) },
      vectors,
      parameters: trained.reinforced,
      maxRows: validation.lists.length,
    });
    const prefixes = validation.lists.map((list, visit) => prefixRow(validation, visit, list));
    const sequences = await runner.run(
      prefixes,
      prefixes.map((_, prefix) => ({ prefix, alpha: 0, mode: 'interleaved' as const })),
      greedy,
    );
    await runner.close();
    const jaccardOf = (lists: readonly (readonly number[])[]): number =>
      mean(setPerVisit(lists, prepared.validation.truth).jaccard);
    expect(jaccardOf(sequences.map(({ list }) => list))).toBeGreaterThan(jaccardOf(validation.lists) - 0.02);
    expect(drugFeatures.width).toBeGreaterThan(0);
  }, 120_000);

  it('folds the drugs’ features into the table', () => {
    const folded = foldProjections(
      new Map([
        ['drugs.weight', hostTensor('float32', [2, 2], [1, 2, 3, 4])],
        ['drugs.projection', hostTensor('float32', [3, 2], [1, 0, 0, 1, 5, 5])],
      ]),
      { drugFeatures: { width: 3, values: Float32Array.from([1, 2, 0, 0, 0, 1]) } },
    );
    expect([...(folded.get('drugs.weight')!.data as Float32Array)]).toEqual([2, 4, 8, 9]);
    expect(folded.has('drugs.projection')).toBe(false);
  });

  it('keeps the visits of one clinician in one fold', () => {
    const folds = Array.from({ length: 30 }, (_, clinician) => foldOf(clinician, 3));
    expect(new Set(folds)).toEqual(new Set([0, 1, 2]));
    expect(folds).toEqual(Array.from({ length: 30 }, (_, clinician) => foldOf(clinician, 3)));
  });
});
