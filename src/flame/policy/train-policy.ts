/**
 * The stages of π_list in order: cross-fitted scores, supervision, reinforcement, and weights that run without the
 * drugs' features. Reads no corpus file and writes none; π_cls is trained before (train-network.ts).
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { recordedPairs } from '../formulary-pairs.ts';
import type { ScoreTable } from '../metrics.ts';
import type { DrugFeatures } from '../network.ts';
import { drugFeaturesOf, type Prepared } from '../prepare.ts';
import type { ModelRecipe } from '../settings.ts';
import { crossFit } from './cross-fit.ts';
import type { PolicyShape, PolicyTables } from './network.ts';
import { type ContextVectors, policyCorpus } from './policy-corpus.ts';
import type { PolicyRecipe } from './settings.ts';
import { trainReinforced } from './train-reinforced.ts';
import { type PolicyProgress, trainSupervised } from './train-supervised.ts';

export type PolicyStage = 'cross-fitting' | 'supervised' | 'reinforced';

export interface TrainPolicyOptions {
  readonly prepared: Prepared;
  readonly knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>;
  /** How π_cls is trained, for the cross-fitted scores. */
  readonly classifier: ModelRecipe;
  readonly vectors: ContextVectors;
  readonly recipe: PolicyRecipe;
  readonly seed: number;
  /** Scores of the training visits made before, instead of cross-fitting again. */
  readonly scores?: ScoreTable;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: PolicyStage, progress: PolicyProgress) => void;
}

export interface TrainedPolicy {
  readonly supervised: ReadonlyMap<string, HostTensor>;
  readonly reinforced: ReadonlyMap<string, HostTensor>;
  readonly scores: ScoreTable;
}

/** @throws FlameError CANCELLED */
export async function trainPolicy(options: TrainPolicyOptions): Promise<TrainedPolicy> {
  const { prepared, knowledge, classifier, vectors, recipe, seed, threads, signal, onProgress } = options;
  const { vocabulary } = prepared;
  const common = { ...(threads === undefined ? {} : { threads }), ...(signal ? { signal } : {}) };
  const drugFeatures = drugFeaturesOf(prepared, knowledge);
  const scores =
    options.scores ??
    (await crossFit(prepared.train, {
      ...common,
      folds: recipe.crossFitFolds,
      network: classifier.network,
      settings: { ...classifier.settings, seed },
      vocabulary,
      ...(classifier.drugFeatures ? { drugFeatures } : {}),
      onProgress: (fold, { step, steps, loss, secondsLeft }) =>
        onProgress?.('cross-fitting', {
          step: fold * steps + step,
          steps: recipe.crossFitFolds * steps,
          values: { loss },
          secondsLeft,
        }),
    }));
  const shape: PolicyShape = { drugs: vocabulary.formulary.length, context: vectors.width };
  const tables: PolicyTables = { pairs: recordedPairs(vocabulary.formulary, knowledge), drugFeatures };
  const run = {
    ...common,
    config: recipe.network,
    shape,
    tables,
    vectors,
    corpus: policyCorpus(prepared.train, scores),
  };
  const stage = (name: PolicyStage) => (progress: PolicyProgress) => onProgress?.(name, progress);
  const supervised = await trainSupervised(
    { ...run, onProgress: stage('supervised') },
    { ...recipe.supervised, seed },
  );
  // Rollouts and updates must follow one policy: nothing is dropped from here on.
  const reinforced = await trainReinforced(
    { ...run, config: { ...recipe.network, dropout: 0 }, onProgress: stage('reinforced') },
    { ...recipe.reinforced, seed },
    supervised,
  );
  return {
    supervised: foldPolicyFeatures(supervised, drugFeatures),
    reinforced: foldPolicyFeatures(reinforced, drugFeatures),
    scores,
  };
}

/** Adds the projected part of the drug table into the free one: drugs.weight + features · drugs.projection. */
export function foldPolicyFeatures(
  parameters: ReadonlyMap<string, HostTensor>,
  features: DrugFeatures,
): Map<string, HostTensor> {
  const folded = new Map([...parameters].filter(([name]) => name !== 'drugs.projection'));
  const free = parameters.get('drugs.weight')!;
  const projection = parameters.get('drugs.projection')!.data as Float32Array;
  const [drugs, width] = free.shape as [number, number];
  const weight = Float32Array.from(free.data as Float32Array);
  for (let drug = 0; drug < drugs; drug += 1)
    for (let k = 0; k < features.width; k += 1) {
      const value = features.values[drug * features.width + k]!;
      if (value === 0) continue;
      for (let j = 0; j < width; j += 1)
        weight[drug * width + j] = weight[drug * width + j]! + value * projection[k * width + j]!;
    }
  folded.set('drugs.weight', { ...free, data: weight });
  return folded;
}
