/** Prepares the corpora and trains (or takes from the cache) what rows need. Writes weights under .cache only. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { frequencyScores, liftScores } from '../../src/flame/baselines/counting.ts';
import {
  hasProblem,
  readLabelledVisits,
  restrictToFormulary,
  splitCorpus,
  type SplitOptions,
} from '../../src/flame/corpus.ts';
import { type EncodedCorpus, encodeCorpus } from '../../src/flame/encoding/encoding.ts';
import type { FeatureFamily } from '../../src/flame/encoding/features.ts';
import type { DrugLists, ScoreTable } from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import { Predictor } from '../../src/flame/classifier/predict.ts';
import { fitTemperature, foldTemperature } from '../../src/flame/classifier/calibration.ts';
import {
  memberCount,
  memberOf,
  memberWeights,
  type NetworkConfig,
} from '../../src/flame/classifier/network.ts';
import { PLAIN_FAMILIES, prepare, type Prepared } from '../../src/flame/prepare.ts';
import type { ModelRecipe } from '../../src/flame/classifier/settings.ts';
import { type VisitGroups, visitGroups } from '../../src/flame/evaluation/subgroups.ts';
import { hardware } from '../../src/flame/train-pack.ts';
import type { TrainingProgress } from '../../src/flame/classifier/train-network.ts';
import { trainRecipe } from '../../src/flame/classifier/train-recipe.ts';
import { vocabularyHash } from '../../src/flame/encoding/vocabulary.ts';
import type { Knowledge } from '../../src/knowledge/knowledge.ts';
import type { HostTensor } from '../../src/nn/dtype.ts';
import { loadSafetensors, saveSafetensors } from '../../src/nn/safetensors.ts';

/** The parts of corpus N under one set of feature families, and the later survey where it is measured. */
export type Data = Prepared & { readonly later: EncodedCorpus | null };

export interface Scores {
  readonly validation: ScoreTable;
  readonly test: ScoreTable;
  /** The later survey, scored with the same weights; null where a model cannot. */
  readonly later: ScoreTable | null;
}

/** What one seed of a row yields. Scores get both set rules; lists stand as they are. */
export interface RowOutput {
  /** One probability a drug, from whichever model; null when the row proposes lists only. */
  readonly scores: Scores | null;
  /** The row's own list for each test visit, as formulary positions. */
  readonly lists: DrugLists | null;
  /** The row's lists at each position of ALPHA_GRID. */
  readonly front: readonly DrugLists[] | null;
  readonly cost: Cost;
}

export interface Cost {
  readonly seconds: number;
  /** Scalars in the network; 0 for counting baselines. */
  readonly parameters: number;
  readonly hardware: string;
}

export interface Runs {
  readonly split: SplitOptions;
  /** Which visits stand in the place of the test visits. */
  readonly part: 'test' | 'validation';
  readonly knowledge: Knowledge;
  /** By the feature families of a recipe, joined. */
  readonly data: ReadonlyMap<string, Data>;
  /** What rates count, and what no list may hold. */
  readonly pairs: PairMatrix;
  readonly barred: PairMatrix;
  readonly cache: string;
  readonly fresh: boolean;
  readonly threads: number;
  readonly log: (line: string) => void;
}

export interface Corpora {
  readonly data: Map<string, Data>;
  /** Of the test visits, in their order. */
  readonly groups: readonly VisitGroups[];
}

/**
 * Reads the corpora once and encodes them for each set of families; the visits are garbage when this returns.
 * @param part `validation` puts the validation visits in the place of the test visits, which are then never looked at
 */
export async function prepareAll(
  files: { readonly corpus: string; readonly later: string },
  split: SplitOptions,
  knowledge: Knowledge,
  families: readonly (readonly FeatureFamily[])[],
  part: 'test' | 'validation',
): Promise<Corpora> {
  const visits = await readLabelledVisits(files.corpus);
  const parts = splitCorpus(visits, split);
  const later =
    part === 'test'
      ? restrictToFormulary((await readLabelledVisits(files.later)).filter(hasProblem), parts.formulary)
      : null;
  const data = new Map<string, Data>();
  for (const one of families) {
    if (data.has(one.join())) continue;
    const prepared = prepare(visits, split, knowledge, one);
    data.set(one.join(), {
      ...prepared,
      ...(part === 'validation' ? { test: prepared.validation } : {}),
      later: later && encodeCorpus(prepared.encoder, later),
    });
  }
  const titles = knowledge.codes.codebook().specialty;
  return { data, groups: parts[part].map((visit) => visitGroups(visit, (code) => titles[code])) };
}

export function dataFor(runs: Pick<Runs, 'data'>, families: readonly FeatureFamily[]): Data {
  const data = runs.data.get(families.join());
  if (!data) throw new RangeError(`nothing was prepared for ${families.join()}`);
  return data;
}

export const COUNTED: Cost = { seconds: 0, parameters: 0, hardware: '' };

export function countingScores(runs: Runs, kind: 'frequency' | 'lift'): Scores {
  const { vocabulary, train, validation, test } = dataFor(runs, PLAIN_FAMILIES);
  const score = (corpus: EncodedCorpus): ScoreTable =>
    kind === 'frequency' ? frequencyScores(vocabulary, corpus) : liftScores(vocabulary, train, corpus);
  return { validation: score(validation), test: score(test), later: null };
}

export interface Trained {
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly cost: Cost;
}

/** Where the cache keeps what `identity` decides; the folder is made. */
export function keptPath(runs: Pick<Runs, 'cache'>, identity: unknown, extension?: string): string {
  mkdirSync(runs.cache, { recursive: true });
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
  return join(runs.cache, hash + (extension === undefined ? '' : `.${extension}`));
}

/**
 * Weights under the content they depend on: trained once, then read from the cache with the time and the hardware of
 * their training.
 * @param identity everything that decides the weights: recipe, seed, split, vocabulary
 * @param train is given the path of a checkpoint to go on from
 */
export async function trainedOnce(
  runs: Pick<Runs, 'cache' | 'fresh' | 'threads' | 'log'>,
  name: string,
  identity: unknown,
  train: (checkpoint: string) => Promise<ReadonlyMap<string, HostTensor>>,
): Promise<Trained> {
  const stem = keptPath(runs, identity);
  const hash = basename(stem);
  if (!existsSync(`${stem}.json`) || (runs.fresh && !trainedNow.has(hash))) {
    const started = performance.now();
    saveSafetensors(`${stem}.safetensors`, await train(`${stem}.checkpoint`));
    const seconds = (performance.now() - started) / 1000;
    writeFileSync(`${stem}.json`, JSON.stringify({ name, seconds, hardware: hardware(runs.threads) }));
    trainedNow.add(hash);
  }
  const kept = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as { seconds: number; hardware?: string };
  const parameters = loadSafetensors(`${stem}.safetensors`).tensors;
  runs.log(`${name}: trained in ${kept.seconds.toFixed(0)} s, ${hash}`);
  return {
    parameters,
    cost: {
      seconds: kept.seconds,
      parameters: [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0),
      hardware: kept.hardware ?? hardware(runs.threads),
    },
  };
}
const trainedNow = new Set<string>();

/** One training run of a recipe with a seed: its weights. */
export function recipeWeights(runs: Runs, name: string, recipe: ModelRecipe, seed: number): Promise<Trained> {
  const data = dataFor(runs, recipe.families);
  const label = `${name}, seed ${seed}`;
  const identity = [recipe, seed, runs.split, vocabularyHash(data.vocabulary)];
  return trainedOnce(runs, label, identity, (checkpoint) =>
    trainRecipe(data, runs.knowledge, recipe, seed, {
      threads: runs.threads,
      checkpoint,
      onProgress: sometimes(({ step, steps, loss, secondsLeft }) =>
        runs.log(`  ${label}: ${step}/${steps}, loss ${loss.toFixed(3)}, ${secondsLeft.toFixed(0)} s left`),
      ),
    }),
  );
}

/** The same, ready to score. To be closed by the caller. */
export async function openRecipe(
  runs: Runs,
  name: string,
  recipe: ModelRecipe,
  seed: number,
): Promise<{ readonly predictor: Predictor; readonly data: Data; readonly cost: Cost }> {
  const { parameters, cost } = await recipeWeights(runs, name, recipe, seed);
  const data = dataFor(runs, recipe.families);
  return { predictor: predictorOf(runs, data, recipe.network, parameters), data, cost };
}

function predictorOf(
  { threads }: Pick<Runs, 'threads'>,
  { vocabulary }: Data,
  network: NetworkConfig,
  parameters: ReadonlyMap<string, HostTensor>,
): Predictor {
  const shape = { features: vocabulary.features.length, drugs: vocabulary.formulary.length };
  return new Predictor({ network, shape, parameters, buckets: [256], threads });
}

/** Scores of a recipe's weights on every part; the last few are kept, because several rows start from them. */
export async function recipeScores(
  runs: Runs,
  name: string,
  recipe: ModelRecipe,
  seed: number,
): Promise<{ readonly scores: Scores; readonly cost: Cost }> {
  const key = JSON.stringify([recipe, seed]);
  const known = recent.get(key);
  if (known) return known;
  const { predictor, data, cost } = await openRecipe(runs, name, recipe, seed);
  const scores = await scoreParts(predictor, data);
  const [oldest] = recent.keys();
  if (recent.size >= KEPT_SCORES && oldest !== undefined) recent.delete(oldest);
  recent.set(key, { scores, cost });
  return { scores, cost };
}

/** One member of an ensemble, calibrated by itself: both rows stand on one training. */
export async function memberScores(
  runs: Runs,
  name: string,
  recipe: ModelRecipe,
  seed: number,
  member: number,
): Promise<{ readonly scores: Scores; readonly cost: Cost }> {
  const { parameters, cost } = await recipeWeights(runs, name, recipe, seed);
  const data = dataFor(runs, recipe.families);
  const network = memberOf(recipe.network);
  const raw = memberWeights(parameters, member);
  const predictor = predictorOf(runs, data, network, raw);
  const temperature = fitTemperature(await predictor.scoreCorpus(data.validation), data.validation.truth);
  await predictor.close();
  const calibrated = foldTemperature(raw, network, temperature);
  const scores = await scoreParts(predictorOf(runs, data, network, calibrated), data);
  const members = memberCount(recipe.network);
  return {
    scores,
    cost: { ...cost, seconds: cost.seconds / members, parameters: cost.parameters / members },
  };
}

/** Closes the predictor. */
async function scoreParts(predictor: Predictor, { validation, test, later }: Data): Promise<Scores> {
  const scores: Scores = {
    validation: await predictor.scoreCorpus(validation),
    test: await predictor.scoreCorpus(test),
    later: later && (await predictor.scoreCorpus(later)),
  };
  await predictor.close();
  return scores;
}
const KEPT_SCORES = 8;
const recent = new Map<string, { readonly scores: Scores; readonly cost: Cost }>();

const SHOW_EVERY_MS = 20_000;
function sometimes(show: (progress: TrainingProgress) => void): (progress: TrainingProgress) => void {
  let shown = performance.now();
  return (progress) => {
    if (performance.now() - shown < SHOW_EVERY_MS) return;
    shown = performance.now();
    show(progress);
  };
}
