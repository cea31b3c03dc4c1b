/**
 * The stages of π_list in order: cross-fitted scores, supervision, reinforcement, and weights that run without the
 * drugs' features. Reads no corpus file and writes none; π_cls is trained before (train-network.ts).
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { recordedPairs } from '../lists/formulary-pairs.ts';
import type { ScoreTable } from '../evaluation/metrics.ts';
import { foldProjections, memberOf } from '../classifier/network.ts';
import { drugFeaturesOf, type Prepared } from '../prepare.ts';
import type { ModelRecipe } from '../classifier/settings.ts';
import { recipeInputs } from '../classifier/train-recipe.ts';
import { crossFit } from './cross-fit.ts';
import { type ContextSource, type PolicyCorpus, policyCorpus } from './policy-corpus.ts';
import type { PolicyRecipe } from './settings.ts';
import { trainReinforced } from './train-reinforced.ts';
import { type PolicyProgress, type PolicyTrainingRun, trainSupervised } from './train-supervised.ts';

export type PolicyStage = 'cross-fitting' | 'supervised' | 'reinforced';

export interface TrainPolicyOptions {
  readonly prepared: Prepared;
  readonly knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>;
  readonly vectors: ContextSource;
  readonly recipe: PolicyRecipe;
  readonly seed: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: PolicyStage, progress: PolicyProgress) => void;
}

export interface TrainedPolicy {
  readonly supervised: ReadonlyMap<string, HostTensor>;
  readonly reinforced: ReadonlyMap<string, HostTensor>;
}

/**
 * All stages.
 * @param classifier how π_cls is trained: one network of it scores the training visits by cross-fitting
 * @throws FlameError CANCELLED
 */
export async function trainPolicy(
  options: TrainPolicyOptions,
  classifier: ModelRecipe,
): Promise<TrainedPolicy> {
  const scores = await crossFittedScores(options, classifier);
  const corpus = policyCorpus(options.prepared.train, scores);
  const supervised = await supervisedStage(options, corpus);
  return { supervised, reinforced: await reinforcedStage(options, corpus, supervised) };
}

/** π_cls's probabilities of the training visits, none from a classifier that saw the visit's clinician. */
export async function crossFittedScores(
  { prepared, knowledge, recipe, seed, onProgress, ...common }: Omit<TrainPolicyOptions, 'vectors'>,
  classifier: ModelRecipe,
): Promise<ScoreTable> {
  return crossFit(prepared.train, {
    ...threadsAndSignal(common),
    ...recipeInputs(prepared, knowledge, classifier),
    folds: recipe.crossFitFolds,
    network: memberOf(classifier.network),
    settings: { ...classifier.settings, seed },
    vocabulary: prepared.vocabulary,
    onProgress: (fold, { step, steps, loss, secondsLeft }) =>
      onProgress?.('cross-fitting', {
        step: fold * steps + step,
        steps: recipe.crossFitFolds * steps,
        values: { loss },
        secondsLeft,
      }),
  });
}

/**
 * π_list after supervision, its drug table folded.
 * @param corpus the training visits with cross-fitted scores
 */
export async function supervisedStage(
  options: TrainPolicyOptions,
  corpus: PolicyCorpus,
): Promise<Map<string, HostTensor>> {
  const { prepared, knowledge, recipe, seed } = options;
  const drugFeatures = drugFeaturesOf(prepared, knowledge);
  const run = runOf(options, corpus, 'supervised');
  const weights = await trainSupervised(
    { ...run, tables: { ...run.tables, drugFeatures } },
    { ...recipe.supervised, seed },
  );
  return foldProjections(weights, { drugFeatures });
}

/** π_list after reinforcement. Rollouts and updates must follow one policy, so nothing is dropped. */
export async function reinforcedStage(
  options: TrainPolicyOptions,
  corpus: PolicyCorpus,
  from: ReadonlyMap<string, HostTensor>,
): Promise<Map<string, HostTensor>> {
  const { recipe, seed } = options;
  const run = runOf(options, corpus, 'reinforced');
  return trainReinforced(
    { ...run, config: { ...recipe.network, dropout: 0 } },
    { ...recipe.reinforced, seed },
    from,
  );
}

/** Scores [visits, drugs] that were kept as a tensor. */
export function scoreTable({ shape, data }: HostTensor): ScoreTable {
  const [visits, drugs] = shape as [number, number];
  return { visits, drugs, values: data as Float32Array };
}

function runOf(
  { prepared, knowledge, vectors, recipe, onProgress, ...common }: TrainPolicyOptions,
  corpus: PolicyCorpus,
  stage: PolicyStage,
): PolicyTrainingRun {
  const { formulary } = prepared.vocabulary;
  return {
    ...threadsAndSignal(common),
    config: recipe.network,
    shape: { drugs: formulary.length, context: vectors.width },
    tables: { pairs: recordedPairs(formulary, knowledge) },
    vectors,
    corpus,
    onProgress: (progress) => onProgress?.(stage, progress),
  };
}

function threadsAndSignal({
  threads,
  signal,
}: Pick<TrainPolicyOptions, 'threads' | 'signal'>): Pick<PolicyTrainingRun, 'threads' | 'signal'> {
  return { ...(threads === undefined ? {} : { threads }), ...(signal ? { signal } : {}) };
}
