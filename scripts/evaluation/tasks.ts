/** The rows of completion and error finding, and their measurement. Trains nothing that the other rows do not train. */

import { frequencyScores } from '../../src/flame/baselines/counting.ts';
import { type ItemModel, itemScores, trainCoOccurrence, trainEase } from '../../src/flame/baselines/items.ts';
import type { EncodedCorpus } from '../../src/flame/encoding/encoding.ts';
import type { FeatureFamily } from '../../src/flame/encoding/features.ts';
import {
  type DrugLists,
  mean,
  rowOf,
  type ScoreTable,
  standardDeviation,
} from '../../src/flame/evaluation/metrics.ts';
import { logitWithin } from '../../src/flame/probability.ts';
import { PLAIN_FAMILIES } from '../../src/flame/prepare.ts';
import { expectedJaccardLists } from '../../src/flame/lists/set-rules.ts';
import { FLAME_CLASSIFIER, LOGISTIC } from '../../src/flame/classifier/settings.ts';
import {
  COMPLETION_MEASURES,
  type CompletionCases,
  type CompletionMeasure,
  completionPerVisit,
  hideOne,
} from '../../src/flame/tasks/completion.ts';
import { rowsWithCurrent } from '../../src/flame/tasks/current-medications.ts';
import {
  type ErrorCases,
  type ErrorFinding,
  errorFinding,
  foreignDrugs,
  insertErrors,
} from '../../src/flame/tasks/error-finding.ts';
import { type Difference, difference, meanOver, type Summary, summaryOf } from './measure.ts';
import { CLASSIFIER_SEED } from './policy-rows.ts';
import { NAMES } from './rows.ts';
import { dataFor, openRecipe, recipeScores, type Runs, type Scores } from './runs.ts';

/** The questions every task row answers: the same for all rows and seeds. */
export interface TaskCases {
  readonly completion: CompletionCases;
  /** Wrong drugs that π_cls itself would have proposed. */
  readonly extras: ErrorCases;
  /** Wrong drugs drawn as often as training visits use them, whatever the visit is. */
  readonly foreign: ErrorCases;
}

/** One seed of a row, ready to answer. */
export interface TaskModel {
  /** One row of scores for each question; null when the row only looks for errors. */
  readonly complete: (cases: CompletionCases) => Promise<ScoreTable> | ScoreTable | null;
  /** One removal score for each drug of each list, flat. */
  readonly removal: (cases: ErrorCases) => Promise<Float64Array> | Float64Array;
  readonly close?: () => Promise<void>;
}

export interface TaskRow {
  readonly name: string;
  readonly note: string;
  readonly seeds: readonly number[];
  readonly needs: readonly (readonly FeatureFamily[])[];
  readonly open: (runs: Runs, seed: number) => Promise<TaskModel> | TaskModel;
}

const CASE_SEED = 1;
const PREFIX = 'tasks: ';

/** @param seed of the π_cls whose expected-Jaccard lists the extras come from */
export async function taskCases(runs: Runs, seed = 1): Promise<TaskCases> {
  const { scores } = await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, seed);
  const { test, vocabulary } = dataFor(runs, FLAME_CLASSIFIER.families);
  return {
    completion: hideOne(test.truth, CASE_SEED),
    extras: insertErrors(test.truth, expectedJaccardLists(scores.test), CASE_SEED),
    foreign: insertErrors(test.truth, foreignDrugs(test.truth, vocabulary.drugUses, CASE_SEED), CASE_SEED),
  };
}

/** What a visit holds says how likely a drug is, whatever the other drugs are. */
function contextModel(scores: ScoreTable): TaskModel {
  return {
    complete: () => scores,
    removal: (cases) => removalBy(cases, (i) => rowOf(scores, cases.visits[i]!)),
  };
}

/** @param rowFor the scores of all drugs for list i */
function removalBy({ lists, starts }: ErrorCases, rowFor: (i: number) => ArrayLike<number>): Float64Array {
  const removal = new Float64Array(starts.at(-1)!);
  lists.forEach((list, i) => {
    const row = rowFor(i);
    list.forEach((drug, at) => (removal[starts[i]! + at] = -row[drug]!));
  });
  return removal;
}

/** Each drug of a list scored by the others. */
function itemModel(model: ItemModel): TaskModel {
  return {
    complete: ({ shown }) => itemScores(model, shown),
    removal: ({ lists, starts }) => {
      const removal = new Float64Array(starts.at(-1)!);
      lists.forEach((list, i) => {
        const scores = itemScores(model, eachLeftOut(list));
        list.forEach((drug, at) => (removal[starts[i]! + at] = -rowOf(scores, at)[drug]!));
      });
      return removal;
    },
  };
}

function eachLeftOut(list: readonly number[]): number[][] {
  return list.map((drug) => list.filter((other) => other !== drug));
}

/** logit P(d | visit) + weight · EASE(d | the other drugs). */
function joinedModel(context: ScoreTable, ease: ItemModel, weight: number): TaskModel {
  const logits = { ...context, values: context.values.map(logit) };
  const [visit, items] = [contextModel(logits), itemModel(ease)] as const;
  return {
    complete: (cases) => {
      const { values } = itemScores(ease, cases.shown);
      return { ...logits, values: logits.values.map((one, at) => one + weight * values[at]!) };
    },
    removal: async (cases) => {
      const fromItems = await items.removal(cases);
      return (await visit.removal(cases)).map((one, at) => one + weight * fromItems[at]!);
    },
  };
}

/** Scores of a single network reach closer to 0 and 1 than the host's usual limit. */
const logit = (p: number): number => logitWithin(1e-7, p);

const EASE_PENALTIES = [0.1, 1, 10, 100, 1000, 10000];
const EASE_WEIGHTS = [0, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96];

interface Chosen {
  readonly ease: ItemModel;
  readonly penalty: number;
}
const chosenFor = new WeakMap<Runs, Chosen>();

/** The penalty by mean reciprocal rank of the completion of validation lists. */
function chooseEase(runs: Runs): Chosen {
  const known = chosenFor.get(runs);
  if (known) return known;
  const { train, vocabulary } = dataFor(runs, PLAIN_FAMILIES);
  const completion = validationCases(runs);
  const chosen = EASE_PENALTIES.map((penalty) => {
    const ease = trainEase(train.truth, vocabulary.formulary.length, penalty);
    return { ease, penalty, rank: rankOf(itemScores(ease, completion.shown), completion) };
  }).reduce((a, b) => (b.rank > a.rank ? b : a));
  chosenFor.set(runs, chosen);
  return chosen;
}

/** A model of the visit joined with EASE, the weight chosen like the penalty. */
async function joinWithEase(runs: Runs, name: string, { validation, test }: Scores): Promise<TaskModel> {
  const { ease, penalty } = chooseEase(runs);
  const completion = validationCases(runs);
  let best = { weight: 0, rank: -1 };
  for (const weight of EASE_WEIGHTS) {
    const found = await joinedModel(validation, ease, weight).complete(completion);
    const rank = found ? rankOf(found, completion) : 0;
    if (rank > best.rank) best = { weight, rank };
  }
  runs.log(`EASE: λ = ${penalty}, weight ${best.weight} beside ${name}`);
  return joinedModel(test, ease, best.weight);
}

function validationCases(runs: Runs): CompletionCases {
  return hideOne(dataFor(runs, PLAIN_FAMILIES).validation.truth, CASE_SEED);
}

function rankOf(scores: ScoreTable, cases: CompletionCases): number {
  return mean(completionPerVisit(scores, cases).reciprocalRank);
}

/**
 * π_cls with the other drugs of the list as current medications.
 * @param changeOnly take away what π_cls says of the visit alone: the removal score is then how much the other drugs speak
 * against a drug
 */
async function shownModel(runs: Runs, seed: number, changeOnly: boolean): Promise<TaskModel> {
  const { predictor, data } = await openRecipe(runs, NAMES.classifier, FLAME_CLASSIFIER, seed);
  const score = (visits: ArrayLike<number>, shown: DrugLists): Promise<ScoreTable> =>
    predictor.score(rowsWithCurrent(data.test, data.vocabulary, visits, shown));
  const alone = changeOnly
    ? (await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, seed)).scores.test
    : null;
  return {
    complete: ({ shown }) =>
      changeOnly
        ? null
        : score(
            shown.map((_, visit) => visit),
            shown,
          ),
    removal: async ({ lists, visits, starts }) => {
      const removal = new Float64Array(starts.at(-1)!);
      for (let from = 0; from < lists.length; from += CHUNK) {
        const part = lists.slice(from, from + CHUNK);
        const owners = part.flatMap((list, i) => list.map(() => visits[from + i]!));
        const scores = await score(owners, part.flatMap(eachLeftOut));
        part.flat().forEach((drug, at) => {
          const shown = logit(rowOf(scores, at)[drug]!);
          removal[starts[from]! + at] = (alone ? logit(rowOf(alone, owners[at]!)[drug]!) : 0) - shown;
        });
      }
      return removal;
    },
    close: () => predictor.close(),
  };
}
const CHUNK = 512;

const testOf = (runs: Runs): EncodedCorpus => dataFor(runs, PLAIN_FAMILIES).test;

/** The row that the others are compared with. */
export const TASK_REFERENCE = `${PREFIX}π_cls, other drugs as current medications`;

export const TASK_ROWS: readonly TaskRow[] = [
  {
    name: `${PREFIX}frequency`,
    note: 'share of training visits',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    open: (runs) => contextModel(frequencyScores(dataFor(runs, PLAIN_FAMILIES).vocabulary, testOf(runs))),
  },
  {
    name: `${PREFIX}item co-occurrence`,
    note: 'mean over the other drugs of the share of training lists with them that hold the drug; sees no patient',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    open: (runs) => {
      const { train, vocabulary } = dataFor(runs, PLAIN_FAMILIES);
      return itemModel(trainCoOccurrence(train.truth, vocabulary.formulary.length));
    },
  },
  {
    name: `${PREFIX}EASE`,
    note: 'closed-form ridge regression of each drug on the others (Steck 2019), λ by validation; sees no patient',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    open: (runs) => itemModel(chooseEase(runs).ease),
  },
  {
    name: `${PREFIX}logistic regression`,
    note: 'the visit alone; does not see the other drugs',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    open: async (runs) => contextModel((await logisticScores(runs)).test),
  },
  {
    name: `${PREFIX}EASE + logistic regression`,
    note: 'logit of logistic regression plus weighted EASE score, weight by validation',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    open: async (runs) => joinWithEase(runs, 'logistic regression', await logisticScores(runs)),
  },
  {
    name: `${PREFIX}EASE + π_cls`,
    note: 'logit of π_cls for the visit alone plus weighted EASE score, weight by validation',
    seeds: [CLASSIFIER_SEED],
    needs: [FLAME_CLASSIFIER.families, PLAIN_FAMILIES],
    open: async (runs, seed) => {
      const { scores } = await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, seed);
      return joinWithEase(runs, NAMES.classifier, scores);
    },
  },
  {
    name: `${PREFIX}π_cls, visit alone`,
    note: 'does not see the other drugs',
    seeds: [CLASSIFIER_SEED],
    needs: [FLAME_CLASSIFIER.families],
    open: async (runs, seed) =>
      contextModel((await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, seed)).scores.test),
  },
  {
    name: TASK_REFERENCE,
    note: 'trained with simulated current medications',
    seeds: [CLASSIFIER_SEED],
    needs: [FLAME_CLASSIFIER.families],
    open: (runs, seed) => shownModel(runs, seed, false),
  },
  {
    name: `${PREFIX}π_cls, what the other drugs change`,
    note: 'removal score logit P(d | visit) − logit P(d | visit, other drugs): how much the others speak against the drug',
    seeds: [CLASSIFIER_SEED],
    needs: [FLAME_CLASSIFIER.families],
    open: (runs, seed) => shownModel(runs, seed, true),
  },
];

async function logisticScores(runs: Runs): Promise<Scores> {
  return (await recipeScores(runs, 'logistic regression', LOGISTIC, 1)).scores;
}

/** Of one kind of wrong drugs. */
export interface ErrorResult {
  /** Area under the ROC curve over all pairs of visit and drug. */
  readonly pooledArea: Summary;
  /** Mean over visits of the area under each visit's own curve. */
  readonly visitArea: Summary;
  /** Mean over seeds of each visit's area. Not written to the report. */
  readonly perVisit: Float64Array;
}

export interface TaskResult {
  readonly name: string;
  readonly note: string;
  readonly seeds: number;
  readonly completion: Readonly<Record<CompletionMeasure, Summary>> | null;
  readonly extras: ErrorResult;
  readonly foreign: ErrorResult;
  /** Reciprocal rank of each question, mean over seeds. Not written to the report. */
  readonly perVisit: Float64Array | null;
}

export async function measureTask(
  { name, note, seeds }: Pick<TaskRow, 'name' | 'note' | 'seeds'>,
  open: (seed: number) => Promise<TaskModel> | TaskModel,
  cases: TaskCases,
): Promise<TaskResult> {
  const completion: Record<CompletionMeasure, Float64Array>[] = [];
  const extras: ErrorFinding[] = [];
  const foreign: ErrorFinding[] = [];
  for (const seed of seeds) {
    const model = await open(seed);
    const scores = await model.complete(cases.completion);
    if (scores) completion.push(completionPerVisit(scores, cases.completion));
    extras.push(errorFinding(await model.removal(cases.extras), cases.extras));
    foreign.push(errorFinding(await model.removal(cases.foreign), cases.foreign));
    await model.close?.();
  }
  const of = (measure: CompletionMeasure): Float64Array[] => completion.map((seed) => seed[measure]);
  return {
    name,
    note,
    seeds: seeds.length,
    completion:
      completion.length === 0
        ? null
        : (Object.fromEntries(
            COMPLETION_MEASURES.map((measure) => [measure, summaryOf(of(measure))]),
          ) as Record<CompletionMeasure, Summary>),
    extras: errorResult(extras),
    foreign: errorResult(foreign),
    perVisit: completion.length === 0 ? null : meanOver(of('reciprocalRank')),
  };
}

function errorResult(seeds: readonly ErrorFinding[]): ErrorResult {
  const pooled = seeds.map((seed) => seed.pooled);
  const perVisit = seeds.map((seed) => seed.perVisit);
  return {
    pooledArea: {
      mean: mean(pooled),
      deviation: standardDeviation(pooled),
      interval: {
        low: mean(seeds.map(({ pooledInterval }) => pooledInterval.low)),
        high: mean(seeds.map(({ pooledInterval }) => pooledInterval.high)),
      },
    },
    visitArea: summaryOf(perVisit),
    perVisit: meanOver(perVisit),
  };
}

/** a − b on the same questions. */
export function compareTasks(a: TaskResult, b: TaskResult): Difference[] {
  return [
    ...(a.perVisit && b.perVisit ? [difference('reciprocalRank', a.perVisit, b.perVisit)] : []),
    difference('extrasArea', a.extras.perVisit, b.extras.perVisit),
    difference('foreignArea', a.foreign.perVisit, b.foreign.perVisit),
  ];
}
