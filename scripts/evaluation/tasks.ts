/** The rows of completion and error finding, and their measurement. Trains nothing that the other rows do not train. */

import { frequencyScores } from '../../src/flame/baselines/counting.ts';
import { type ItemModel, itemScores, trainCoOccurrence, trainEase } from '../../src/flame/baselines/items.ts';
import type { EncodedCorpus } from '../../src/flame/encoding.ts';
import type { FeatureFamily } from '../../src/flame/features.ts';
import { type DrugLists, mean, rowOf, type ScoreTable, standardDeviation } from '../../src/flame/metrics.ts';
import { PLAIN_FAMILIES } from '../../src/flame/prepare.ts';
import { expectedJaccardLists } from '../../src/flame/set-rules.ts';
import { FLAME_CLASSIFIER, LOGISTIC } from '../../src/flame/settings.ts';
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
  insertErrors,
} from '../../src/flame/tasks/error-finding.ts';
import { type Difference, difference, meanOver, type Summary, summaryOf } from './measure.ts';
import { NAMES, SEEDS } from './rows.ts';
import { dataFor, openRecipe, recipeScores, type Runs } from './runs.ts';

/** The questions every task row answers: the same for all rows and seeds. */
export interface TaskCases {
  readonly completion: CompletionCases;
  readonly errors: ErrorCases;
}

export interface TaskOutput {
  /** One row of scores for each question of the completion task. */
  readonly completion: ScoreTable;
  /** One removal score for each drug of each list of the error-finding task, flat. */
  readonly removal: Float64Array;
}

export interface TaskRow {
  readonly name: string;
  readonly note: string;
  readonly seeds: readonly number[];
  readonly needs: readonly (readonly FeatureFamily[])[];
  readonly run: (runs: Runs, cases: TaskCases, seed: number) => Promise<TaskOutput>;
}

const CASE_SEED = 1;
const PREFIX = 'tasks: ';

/** @param extras seed of the π_cls whose expected-Jaccard lists the wrong drugs come from */
export async function taskCases(runs: Runs, extras = 1): Promise<TaskCases> {
  const { scores } = await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, extras);
  const { truth } = dataFor(runs, FLAME_CLASSIFIER.families).test;
  return {
    completion: hideOne(truth, CASE_SEED),
    errors: insertErrors(truth, expectedJaccardLists(scores.test), CASE_SEED),
  };
}

/** A drug's removal score is minus its score on the visit, whatever the other drugs are. */
function contextOnly(scores: ScoreTable, { errors }: TaskCases): TaskOutput {
  return { completion: scores, removal: removalBy(errors, (i) => rowOf(scores, errors.visits[i]!)) };
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

/** EASE has a zero diagonal, so scoring the whole list is scoring each drug by the others. */
function easeOutput(model: ItemModel, { completion, errors }: TaskCases): TaskOutput {
  const whole = itemScores(model, errors.lists);
  return {
    completion: itemScores(model, completion.shown),
    removal: removalBy(errors, (i) => rowOf(whole, i)),
  };
}

function coOccurrenceOutput(model: ItemModel, { completion, errors }: TaskCases): TaskOutput {
  const removal = new Float64Array(errors.starts.at(-1)!);
  errors.lists.forEach((list, i) => {
    const others = list.map((drug) => list.filter((other) => other !== drug));
    const scores = itemScores(model, others);
    list.forEach((drug, at) => (removal[errors.starts[i]! + at] = -rowOf(scores, at)[drug]!));
  });
  return { completion: itemScores(model, completion.shown), removal };
}

/** logit P(d | visit) + weight · EASE(d | the other drugs). */
function joined(context: TaskOutput, items: TaskOutput, weight: number): TaskOutput {
  const values = context.completion.values.map((p, at) => logit(p) + weight * items.completion.values[at]!);
  return {
    completion: { ...context.completion, values },
    removal: context.removal.map((minusP, at) => -logit(-minusP) + weight * items.removal[at]!),
  };
}

function logit(p: number): number {
  const inside = Math.min(Math.max(p, 1e-7), 1 - 1e-7);
  return Math.log(inside / (1 - inside));
}

const EASE_PENALTIES = [10, 30, 100, 300, 1000, 3000, 10000];
const EASE_WEIGHTS = [0, 0.5, 1, 2, 4, 6, 8, 12, 16, 24];

interface Chosen {
  readonly ease: ItemModel;
  readonly penalty: number;
  readonly weight: number;
}
const chosenFor = new WeakMap<Runs, Chosen>();

/** Penalty and weight by mean reciprocal rank of the completion of validation lists. */
async function chooseEase(runs: Runs): Promise<Chosen> {
  const known = chosenFor.get(runs);
  if (known) return known;
  const { train, validation, vocabulary } = dataFor(runs, PLAIN_FAMILIES);
  const completion = hideOne(validation.truth, CASE_SEED);
  const rankOf = (scores: ScoreTable): number => mean(completionPerVisit(scores, completion).reciprocalRank);
  const best = EASE_PENALTIES.map((penalty) => {
    const ease = trainEase(train.truth, vocabulary.formulary.length, penalty);
    return { ease, penalty, found: rankOf(itemScores(ease, completion.shown)) };
  }).reduce((a, b) => (b.found > a.found ? b : a));
  const { scores } = await recipeScores(runs, 'logistic regression', LOGISTIC, 1);
  const none = new Float64Array();
  const context = { completion: scores.validation, removal: none };
  const items = { completion: itemScores(best.ease, completion.shown), removal: none };
  const [weight] = EASE_WEIGHTS.map((w) => [w, rankOf(joined(context, items, w).completion)] as const).reduce(
    (a, b) => (b[1] > a[1] ? b : a),
  );
  runs.log(`EASE: λ = ${best.penalty}, weight ${weight} beside logistic regression`);
  const chosen = { ease: best.ease, penalty: best.penalty, weight };
  chosenFor.set(runs, chosen);
  return chosen;
}

/** π_cls with the other drugs of the list as current medications. */
async function shownOutput(runs: Runs, { completion, errors }: TaskCases, seed: number): Promise<TaskOutput> {
  const { predictor, data } = await openRecipe(runs, NAMES.classifier, FLAME_CLASSIFIER, seed);
  const rows = (visits: ArrayLike<number>, shown: DrugLists) =>
    predictor.score(rowsWithCurrent(data.test, data.vocabulary, visits, shown));
  const all = Uint32Array.from(completion.shown, (_, visit) => visit);
  const removal = new Float64Array(errors.starts.at(-1)!);
  for (let from = 0; from < errors.lists.length; from += CHUNK) {
    const part = errors.lists.slice(from, from + CHUNK);
    const visits = part.flatMap((list, i) => list.map(() => errors.visits[from + i]!));
    const others = part.flatMap((list) => list.map((drug) => list.filter((other) => other !== drug)));
    const scores = await rows(visits, others);
    part.flat().forEach((drug, at) => (removal[errors.starts[from]! + at] = -rowOf(scores, at)[drug]!));
  }
  const output = { completion: await rows(all, completion.shown), removal };
  await predictor.close();
  return output;
}
const CHUNK = 512;

const testOf = (runs: Runs): EncodedCorpus => dataFor(runs, PLAIN_FAMILIES).test;

export const TASK_ROWS: readonly TaskRow[] = [
  {
    name: `${PREFIX}frequency`,
    note: 'share of training visits',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: (runs, cases) => {
      const { vocabulary } = dataFor(runs, PLAIN_FAMILIES);
      return Promise.resolve(contextOnly(frequencyScores(vocabulary, testOf(runs)), cases));
    },
  },
  {
    name: `${PREFIX}item co-occurrence`,
    note: 'mean over the other drugs of the share of training lists with them that hold the drug; sees no patient',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: (runs, cases) => {
      const { train, vocabulary } = dataFor(runs, PLAIN_FAMILIES);
      const model = trainCoOccurrence(train.truth, vocabulary.formulary.length);
      return Promise.resolve(coOccurrenceOutput(model, cases));
    },
  },
  {
    name: `${PREFIX}EASE`,
    note: 'closed-form ridge regression of each drug on the others (Steck 2019), λ by validation; sees no patient',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: async (runs, cases) => easeOutput((await chooseEase(runs)).ease, cases),
  },
  {
    name: `${PREFIX}logistic regression`,
    note: 'the visit alone; does not see the other drugs',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: async (runs, cases) => {
      const { scores } = await recipeScores(runs, 'logistic regression', LOGISTIC, 1);
      return contextOnly(scores.test, cases);
    },
  },
  {
    name: `${PREFIX}EASE + logistic regression`,
    note: 'logit of logistic regression plus weighted EASE score, weight by validation',
    seeds: [1],
    needs: [PLAIN_FAMILIES],
    run: async (runs, cases) => {
      const { ease, weight } = await chooseEase(runs);
      const { scores } = await recipeScores(runs, 'logistic regression', LOGISTIC, 1);
      return joined(contextOnly(scores.test, cases), easeOutput(ease, cases), weight);
    },
  },
  {
    name: `${PREFIX}π_cls, visit alone`,
    note: 'does not see the other drugs',
    seeds: SEEDS,
    needs: [FLAME_CLASSIFIER.families],
    run: async (runs, cases, seed) => {
      const { scores } = await recipeScores(runs, NAMES.classifier, FLAME_CLASSIFIER, seed);
      return contextOnly(scores.test, cases);
    },
  },
  {
    name: `${PREFIX}π_cls, other drugs as current medications`,
    note: 'trained with simulated current medications',
    seeds: SEEDS,
    needs: [FLAME_CLASSIFIER.families],
    run: shownOutput,
  },
];
/** The row that the others are compared with. */
export const TASK_REFERENCE = `${PREFIX}π_cls, other drugs as current medications`;

export interface TaskResult {
  readonly name: string;
  readonly note: string;
  readonly seeds: number;
  readonly completion: Readonly<Record<CompletionMeasure, Summary>>;
  /** Area under the ROC curve over all pairs of visit and drug. */
  readonly pooledArea: Summary;
  /** Mean over visits of the area under each visit's own curve. */
  readonly visitArea: Summary;
  /** Means over seeds. Not written to the report. */
  readonly perVisit: { readonly reciprocalRank: Float64Array; readonly visitArea: Float64Array };
}

export async function measureTask(row: TaskRow, runs: Runs, cases: TaskCases): Promise<TaskResult> {
  const seeds: { completion: ReturnType<typeof completionPerVisit>; errors: ErrorFinding }[] = [];
  for (const seed of row.seeds) {
    const { completion, removal } = await row.run(runs, cases, seed);
    seeds.push({
      completion: completionPerVisit(completion, cases.completion),
      errors: errorFinding(removal, cases.errors),
    });
  }
  const pooled = seeds.map(({ errors }) => errors.pooled);
  const visitAreas = seeds.map(({ errors }) => errors.perVisit);
  const of = (measure: CompletionMeasure): Float64Array[] => seeds.map((seed) => seed.completion[measure]);
  return {
    name: row.name,
    note: row.note,
    seeds: seeds.length,
    completion: Object.fromEntries(
      COMPLETION_MEASURES.map((measure) => [measure, summaryOf(of(measure))]),
    ) as Record<CompletionMeasure, Summary>,
    pooledArea: {
      mean: mean(pooled),
      deviation: standardDeviation(pooled),
      interval: {
        low: mean(seeds.map(({ errors }) => errors.pooledInterval.low)),
        high: mean(seeds.map(({ errors }) => errors.pooledInterval.high)),
      },
    },
    visitArea: summaryOf(visitAreas),
    perVisit: { reciprocalRank: meanOver(of('reciprocalRank')), visitArea: meanOver(visitAreas) },
  };
}

/** a − b on the same questions. */
export function compareTasks(a: TaskResult, b: TaskResult): Difference[] {
  return [
    difference('reciprocalRank', a.perVisit.reciprocalRank, b.perVisit.reciprocalRank),
    difference('visitArea', a.perVisit.visitArea, b.perVisit.visitArea),
  ];
}
