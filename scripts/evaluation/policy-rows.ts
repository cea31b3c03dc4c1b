/** The rows of the list policy and of clinic habits: what each trains and how its lists come about. Measures nothing. */

import { scoresWithHabits } from '../../src/flame/clinic-habits.ts';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALPHA_GRID } from '../../src/flame/lists/decoding.ts';
import { featuresOf } from '../../src/flame/encoding/encoding.ts';
import { decodeAll } from '../../src/flame/lists/front.ts';
import type { DrugLists } from '../../src/flame/evaluation/metrics.ts';
import { FREE_FEATURE_WEIGHT } from '../../src/flame/classifier/network.ts';
import { ListPolicy } from '../../src/flame/policy/list-policy.ts';
import { ContextVectors, policyCorpus } from '../../src/flame/policy/policy-corpus.ts';
import type { PolicyRecipe } from '../../src/flame/policy/settings.ts';
import {
  crossFittedScores,
  reinforcedStage,
  scoreTable,
  supervisedStage,
  type TrainPolicyOptions,
} from '../../src/flame/policy/train-policy.ts';
import { fileHash } from '../../src/flame/train-pack.ts';
import { FLAME_CLASSIFIER, FLAME_SINGLE, type ModelRecipe } from '../../src/flame/classifier/settings.ts';
import { vocabularyHash } from '../../src/flame/encoding/vocabulary.ts';
import { hostTensor } from '../../src/nn/dtype.ts';
import {
  dataFor,
  keptPath,
  recipeWeights,
  recipeScores,
  type RowOutput,
  type Runs,
  trainedOnce,
} from './runs.ts';

/** π_cls averages three seeds in itself; every policy stands on the same one. */
export const CLASSIFIER_SEED = 1;
/** Cross-fitting is part of the corpus, not of a seed: every seed of the policy learns from the same scores. */
const CROSS_FIT_SEED = 101;

/** Lists are kept for the code that wrote them: a changed decoder writes them anew. */
const DECODER = ['lists/decoding.ts', 'policy/list-decoder.ts', 'policy/runner.ts', 'policy/network.ts'].map(
  (file) => fileHash(join(import.meta.dirname, '../../src/flame', file)),
);

/** Scores moved by the habits of the clinician's visits before, in the order of the file. */
export async function habitRun(
  runs: Runs,
  of: string,
  recipe: ModelRecipe,
  seed: number,
): Promise<RowOutput> {
  const { scores, cost } = await recipeScores(runs, of, recipe, seed);
  const data = dataFor(runs, recipe.families);
  return {
    scores: {
      validation: scoresWithHabits(scores.validation, data.validation),
      test: scoresWithHabits(scores.test, data.test),
      later: scores.later && data.later && scoresWithHabits(scores.later, data.later),
    },
    lists: null,
    front: null,
    cost,
  };
}

/**
 * π_list after supervision, or after reinforcement too; its lists start from those of the one π_cls.
 * @param wholeFront write lists for every slider position, not only at accuracy
 */
export async function policyRun(
  runs: Runs,
  name: string,
  recipe: PolicyRecipe,
  stage: 'supervised' | 'reinforced',
  seed: number,
  wholeFront: boolean,
): Promise<RowOutput> {
  const data = dataFor(runs, FLAME_CLASSIFIER.families);
  const classifier = await recipeWeights(runs, 'π_cls', FLAME_CLASSIFIER, CLASSIFIER_SEED);
  const { scores } = await recipeScores(runs, 'π_cls', FLAME_CLASSIFIER, CLASSIFIER_SEED);
  const vectors = new ContextVectors(data.vocabulary, classifier.parameters.get(FREE_FEATURE_WEIGHT)!);
  const options: TrainPolicyOptions = {
    prepared: data,
    knowledge: runs.knowledge,
    vectors,
    recipe,
    seed,
    threads: runs.threads,
  };
  const base = [
    runs.split,
    vocabularyHash(data.vocabulary),
    FLAME_CLASSIFIER,
    FLAME_SINGLE,
    recipe.crossFitFolds,
  ];
  const crossFit = await trainedOnce(runs, 'π_cls, cross-fitted', ['cross-fit', ...base], async () => {
    const table = await crossFittedScores({ ...options, seed: CROSS_FIT_SEED }, FLAME_SINGLE);
    return new Map([['scores', hostTensor('float32', [table.visits, table.drugs], table.values)]]);
  });
  const corpus = policyCorpus(data.train, scoreTable(crossFit.parameters.get('scores')!));
  const supervision = ['supervised', ...base, recipe.network, recipe.supervised, seed];
  const supervised = await trainedOnce(runs, `π_list, supervised, seed ${seed}`, supervision, () =>
    supervisedStage(options, corpus),
  );
  const trained =
    stage === 'supervised'
      ? supervised
      : await trainedOnce(
          runs,
          `${name}, seed ${seed}`,
          ['reinforced', ...supervision, recipe.reinforced],
          () => reinforcedStage(options, corpus, supervised.parameters),
        );
  const alphas = wholeFront ? ALPHA_GRID : [0];
  const identity = [name, recipe, seed, base, runs.part, alphas, DECODER];
  const lists = await keptLists(runs, identity, async () => {
    const listPolicy = await ListPolicy.open({
      config: recipe.network,
      vocabulary: data.vocabulary,
      classifier: classifier.parameters,
      parameters: trained.parameters,
      knowledge: runs.knowledge,
      threads: runs.threads,
    });
    const decoded = await decodeAll(
      scores.test,
      data.vocabulary.formulary,
      runs.barred,
      (problem, visit) => listPolicy.lists(problem, featuresOf(data.test, visit), alphas),
      alphas,
    );
    await listPolicy.close();
    return decoded;
  });
  const seconds = supervised.cost.seconds + (stage === 'supervised' ? 0 : trained.cost.seconds);
  return { scores, lists: lists[0]!, front: wholeFront ? lists : null, cost: { ...trained.cost, seconds } };
}

/** Lists [alpha][visit] are kept like weights: writing them takes minutes a row and seed. */
async function keptLists(
  runs: Runs,
  identity: unknown,
  make: () => Promise<DrugLists[]>,
): Promise<readonly DrugLists[]> {
  const kept = keptPath(runs, ['lists', identity, runs.knowledge.interactionVersion], 'json');
  if (!runs.fresh && existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as DrugLists[];
  const lists = await make();
  writeFileSync(kept, JSON.stringify(lists));
  return lists;
}
