/** The rows of the recommendation table: names, seeds, and one run function each. Measures nothing. */

import { decodeAll } from '../../src/flame/lists/front.ts';
import type { FeatureFamily } from '../../src/flame/encoding/features.ts';
import { PLAIN_FAMILIES } from '../../src/flame/prepare.ts';
import {
  EXPECTED_CREDIT,
  FLAME_POLICY,
  NORMALISED_STEPS,
  OUTCOME_ONLY,
  type PolicyRecipe,
} from '../../src/flame/policy/settings.ts';
import {
  ABLATIONS,
  FLAME_CLASSIFIER,
  LOGISTIC,
  MLP,
  MLP_SAME_INPUTS,
  type ModelRecipe,
} from '../../src/flame/classifier/settings.ts';
import { CLASSIFIER_SEED, habitRun, policyRun } from './policy-rows.ts';
import {
  COUNTED,
  countingScores,
  dataFor,
  memberScores,
  recipeScores,
  type RowOutput,
  type Runs,
} from './runs.ts';

export interface Row {
  readonly name: string;
  /** What the row is, in a few words. */
  readonly note: string;
  readonly seeds: readonly number[];
  /** The sets of feature families that `run` asks for. */
  readonly needs: readonly (readonly FeatureFamily[])[];
  readonly run: (runs: Runs, seed: number) => Promise<RowOutput>;
}

export const SEEDS = [1, 2, 3];

/** Names that comparisons, fronts and subgroups refer to. */
export const NAMES = {
  mlp: 'MLP',
  mlpDecoded: 'MLP + penalised decoding',
  mlpSameInputs: 'MLP, same inputs',
  classifier: 'π_cls',
  classifierDecoded: 'π_cls + penalised decoding',
  supervised: 'π_list, supervised',
  outcomeOnly: 'π_list, outcome-only GRPO',
  stepWise: 'π_list, step-wise GRPO',
  normalised: 'π_list, step-wise GRPO, F normalised',
  expectedCredit: 'π_list, expected step credit',
} as const;
export const withHabitsName = (of: string): string => `${of}, clinic habits`;
/** The row that is what the app proposes: subgroups and the model card are about it. */
export const SHIPPED_ROW: string = NAMES.expectedCredit;

function counting(name: string, note: string, kind: 'frequency' | 'lift'): Row {
  return {
    name,
    note,
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: (runs) =>
      Promise.resolve({ scores: countingScores(runs, kind), lists: null, front: null, cost: COUNTED }),
  };
}

function network(name: string, note: string, recipe: ModelRecipe, seeds: readonly number[]): Row {
  return {
    name,
    note,
    seeds,
    needs: [recipe.families],
    run: async (runs, seed) => ({
      ...(await recipeScores(runs, name, recipe, seed)),
      lists: null,
      front: null,
    }),
  };
}

/** A model's lists under penalised decoding and hard rules; its own list is the slider's start, α = 0. */
function decoded(name: string, of: string, recipe: ModelRecipe, seeds: readonly number[]): Row {
  return {
    name,
    note: `${of} decoded under hard rules; own list at α = 0, the front has the other positions`,
    seeds,
    needs: [recipe.families],
    run: async (runs, seed) => {
      const { scores, cost } = await recipeScores(runs, of, recipe, seed);
      const { formulary } = dataFor(runs, recipe.families).vocabulary;
      const front = await decodeAll(scores.test, formulary, runs.barred);
      return { scores, lists: front[0]!, front, cost };
    },
  };
}

/** Needs what no other row sees: the earlier visits of the same clinician, with their drugs. */
function withHabits(of: string, recipe: ModelRecipe, seeds: readonly number[]): Row {
  return {
    name: withHabitsName(of),
    note: `${of} moved by the clinician’s earlier visits; information that the other rows do not have`,
    seeds,
    needs: [recipe.families],
    run: (runs, seed) => habitRun(runs, of, recipe, seed),
  };
}

function policy(
  name: string,
  note: string,
  recipe: PolicyRecipe,
  stage: 'supervised' | 'reinforced',
  wholeFront = false,
): Row {
  return {
    name,
    note,
    seeds: SEEDS,
    needs: [FLAME_CLASSIFIER.families],
    run: (runs, seed) => policyRun(runs, name, recipe, stage, seed, wholeFront),
  };
}

export const ROWS: readonly Row[] = [
  counting('frequency', 'every visit gets each drug’s share of training visits', 'frequency'),
  counting(
    'additive lift',
    'mean over the visit’s codes of the share of visits with the code that hold the drug, shrunk to the drug’s own share',
    'lift',
  ),
  network('logistic regression', 'one weight for each code and drug', LOGISTIC, [1]),
  network(NAMES.mlp, 'embedding bag 256 → 512, token dropout 0.15; codes and demographics', MLP, SEEDS),
  network(
    NAMES.mlpSameInputs,
    'the MLP with the year, code families and counts of π_cls: tells inputs from architecture',
    MLP_SAME_INPUTS,
    [1],
  ),
  decoded(NAMES.mlpDecoded, NAMES.mlp, MLP, SEEDS),
  {
    name: `${NAMES.classifier}, one network`,
    note: `each of the three networks of ${NAMES.classifier} alone`,
    seeds: SEEDS,
    needs: [FLAME_CLASSIFIER.families],
    run: async (runs, seed) => ({
      ...(await memberScores(runs, NAMES.classifier, FLAME_CLASSIFIER, CLASSIFIER_SEED, seed - 1)),
      lists: null,
      front: null,
    }),
  },
  network(
    NAMES.classifier,
    'the mean logit of three networks from three seeds; part of the shipped configuration',
    FLAME_CLASSIFIER,
    [CLASSIFIER_SEED],
  ),
  decoded(NAMES.classifierDecoded, NAMES.classifier, FLAME_CLASSIFIER, [CLASSIFIER_SEED]),
  withHabits(NAMES.mlp, MLP, SEEDS),
  withHabits(NAMES.classifier, FLAME_CLASSIFIER, [CLASSIFIER_SEED]),
  policy(
    NAMES.supervised,
    'from lists with π_cls’s errors to the missing and the wrong',
    FLAME_POLICY,
    'supervised',
  ),
  policy(NAMES.outcomeOnly, 'λ = 0: every step credited with the list’s reward', OUTCOME_ONLY, 'reinforced'),
  policy(
    NAMES.stepWise,
    'every step credited with its own change of the potential too',
    FLAME_POLICY,
    'reinforced',
    true,
  ),
  policy(
    NAMES.normalised,
    'step-wise GRPO with the steps’ credit F divided by its root mean square',
    NORMALISED_STEPS,
    'reinforced',
  ),
  policy(
    NAMES.expectedCredit,
    'the shipped configuration: every action of a visited state credited with its exact change of the potential',
    EXPECTED_CREDIT,
    'reinforced',
    true,
  ),
  ...Object.entries(ABLATIONS).map(([what, recipe]) =>
    network(
      `${NAMES.classifier}, short, ${what}`,
      `one network of ${NAMES.classifier}, trained for three epochs of eight, one thing changed`,
      recipe,
      [1],
    ),
  ),
];
