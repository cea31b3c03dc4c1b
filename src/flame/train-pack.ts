/**
 * One call from the visit corpus to a model pack on disk: π_cls, and π_list on top of it. The recipes are settings.ts and
 * policy/settings.ts.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { type HostTensor, hostTensor } from '../nn/dtype.ts';
import { loadSafetensors, saveSafetensors } from '../nn/safetensors.ts';
import { EVALUATION_SEVERITY } from '../shared/domain.ts';
import { FlameError } from '../shared/errors.ts';
import type { FrontPoint, Protocol } from '../shared/recommendation.ts';
import { CORPUS_TERMS, readLabelledVisits } from './corpus.ts';
import { featuresOf } from './encoding/encoding.ts';
import { decodingPairs, recordedPairs } from './lists/formulary-pairs.ts';
import { decodeAll, measureFront } from './lists/front.ts';
import { type ScoreTable } from './evaluation/metrics.ts';
import { type PackManifest, writeModelPack } from './model-pack.ts';
import { FREE_FEATURE_WEIGHT } from './classifier/network.ts';
import { ListPolicy } from './policy/list-policy.ts';
import { ContextVectors, policyCorpus } from './policy/policy-corpus.ts';
import { type PolicyRecipe, SHIPPED_POLICY_RECIPE } from './policy/settings.ts';
import {
  crossFittedScores,
  type PolicyStage,
  reinforcedStage,
  scoreTable,
  supervisedStage,
  type TrainPolicyOptions,
} from './policy/train-policy.ts';
import type { PolicyProgress } from './policy/train-supervised.ts';
import { scoreOnce } from './classifier/predict.ts';
import { prepare, type Prepared } from './prepare.ts';
import { chooseThreshold } from './lists/set-rules.ts';
import { FLAME_CLASSIFIER, FLAME_SINGLE, type ModelRecipe } from './classifier/settings.ts';
import type { TrainingProgress } from './classifier/train-network.ts';
import { trainRecipe } from './classifier/train-recipe.ts';

export interface TrainPackOptions {
  /** The corpus in the visit format, e.g. data/visits/namcs-1995-2009.jsonl.gz. */
  readonly corpus: string;
  readonly knowledge: Knowledge;
  /** Folder of the pack to write; its last part is the pack's name. */
  readonly directory: string;
  /** First and last year to train on; default 1995–2009. */
  readonly trainYears?: readonly [number, number];
  readonly seed?: number;
  /** Where an interrupted run is kept, to be gone on with. */
  readonly checkpoint?: string;
  readonly threads?: number;
  readonly recipe?: ModelRecipe;
  /** How π_list is trained, and the one network that cross-fitting scores its visits with; null: no list policy. */
  readonly policy?: PolicyTraining | null;
  /** Smaller in tests. */
  readonly formularyMinimum?: number;
}

export interface PolicyTraining {
  readonly recipe: PolicyRecipe;
  readonly single: ModelRecipe;
}

/** What the shipped pack is trained with. */
const SHIPPED_POLICY: PolicyTraining = { recipe: SHIPPED_POLICY_RECIPE, single: FLAME_SINGLE };

export type TrainPackProgress =
  | { readonly stage: 'reading' | 'encoding' | 'measuring' | 'writing' }
  | ({ readonly stage: 'training' } & TrainingProgress)
  | ({ readonly stage: PolicyStage } & PolicyProgress);

/**
 * Trains on every year of the corpus, keeping the validation clinicians out to choose the threshold and measure the
 * front. Two minutes of reading and measuring besides the training itself.
 * @throws FlameError CANCELLED (what is at `checkpoint` stays), FILE_NOT_READABLE, INVALID_INPUT
 */
export async function trainPack(
  options: TrainPackOptions,
  onProgress: (progress: TrainPackProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<PackManifest> {
  const { knowledge, recipe = FLAME_CLASSIFIER, trainYears = [1995, 2009], seed = 1 } = options;
  const started = performance.now();
  const prepared = await readAndPrepare(options, recipe, trainYears, onProgress, signal);
  const parameters = await trainRecipe(prepared, knowledge, recipe, seed, {
    onProgress: (progress) => onProgress({ stage: 'training', ...progress }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(signal === undefined ? {} : { signal }),
  });
  const classifierSeconds = secondsSince(started);
  const policy = await trainListPolicy(options, prepared, parameters, onProgress, signal);

  onProgress({ stage: 'measuring' });
  const scores = await scoreOnce(recipe.network, prepared.vocabulary, parameters, prepared.validation);
  const split = `trained on ${trainYears[0]}–${trainYears[1]}, validation clinicians (first byte of sha1 below 13) held out`;
  const protocol: Protocol = {
    corpus: `NAMCS, ${basename(options.corpus)}`,
    split: `${split}; measured on them (${prepared.validation.visits} visits)`,
    formularySize: prepared.vocabulary.formulary.length,
    interactionTable: knowledge.interactionVersion,
    severityCut: EVALUATION_SEVERITY,
  };
  const points = await frontOf(options, prepared, scores, parameters, policy);

  onProgress({ stage: 'writing' });
  const manifest = writeModelPack(
    options.directory,
    {
      name: basename(options.directory),
      network: recipe.network,
      policy: policy && policy.description,
      knowledgeVersion: knowledge.version,
      interactionVersion: knowledge.interactionVersion,
      dataTerms: CORPUS_TERMS,
      training: {
        corpus: `${basename(options.corpus)}, sha256 ${fileHash(options.corpus)}`,
        split,
        visits: prepared.train.visits,
        formularySize: prepared.vocabulary.formulary.length,
        settings: { ...recipe.settings, ...extrasOf(prepared, recipe), seed },
        hardware: hardware(options.threads),
        seconds: Math.round(classifierSeconds),
      },
      threshold: chooseThreshold(scores, prepared.validation.truth),
      metrics: null,
      front: { protocol, points },
    },
    prepared.vocabulary,
    parameters,
    policy && policy.parameters,
  );
  for (const path of stagePaths(options.checkpoint)) rmSync(path, { force: true });
  return manifest;
}

interface TrainedPolicy {
  readonly recipe: PolicyRecipe;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly description: NonNullable<PackManifest['policy']>;
}

/** The stages of π_list; what a stage made is kept beside the checkpoint until the pack is written. */
async function trainListPolicy(
  { knowledge, policy = SHIPPED_POLICY, seed = 1, checkpoint, threads }: TrainPackOptions,
  prepared: Prepared,
  classifier: ReadonlyMap<string, HostTensor>,
  onProgress: (progress: TrainPackProgress) => void,
  signal: AbortSignal | undefined,
): Promise<TrainedPolicy | null> {
  if (policy === null) return null;
  const { recipe, single } = policy;
  const started = performance.now();
  const options: TrainPolicyOptions = {
    prepared,
    knowledge,
    vectors: new ContextVectors(prepared.vocabulary, classifier.get(FREE_FEATURE_WEIGHT)!),
    recipe,
    seed,
    onProgress: (stage, progress) => onProgress({ stage, ...progress }),
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
  };
  const [scoresAt, supervisedAt] = stagePaths(checkpoint);
  const scores = await keptAt(scoresAt, async () => {
    const { visits, drugs, values } = await crossFittedScores(options, single);
    return new Map([['scores', hostTensor('float32', [visits, drugs], values)]]);
  });
  const corpus = policyCorpus(prepared.train, scoreTable(scores.get('scores')!));
  const supervised = await keptAt(supervisedAt, () => supervisedStage(options, corpus));
  const parameters = await reinforcedStage(options, corpus, supervised);
  return {
    recipe,
    parameters,
    description: {
      network: recipe.network,
      training: {
        objective: recipe.reinforced.objective,
        settings: {
          crossFitFolds: recipe.crossFitFolds,
          ...numbersOf('supervised', recipe.supervised),
          ...numbersOf('reinforced', recipe.reinforced),
          seed,
        },
        seconds: Math.round(secondsSince(started)),
      },
    },
  };
}

/** Files of finished stages: cross-fitted scores, supervised weights. */
function stagePaths(checkpoint: string | undefined): string[] {
  return checkpoint === undefined ? [] : ['cross-fit', 'supervised'].map((stage) => `${checkpoint}.${stage}`);
}

/** What a stage made, from where it is kept or made anew. */
export async function keptAt(
  path: string | undefined,
  make: () => Promise<ReadonlyMap<string, HostTensor>>,
): Promise<ReadonlyMap<string, HostTensor>> {
  if (path !== undefined && existsSync(path)) return loadSafetensors(path).tensors;
  const made = await make();
  if (path !== undefined) saveSafetensors(path, made);
  return made;
}

/** The settings that are numbers, e.g. `supervised.steps`. */
function numbersOf(stage: string, settings: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'number' || typeof value === 'boolean' ? [[`${stage}.${name}`, Number(value)]] : [],
    ),
  );
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

/** What stands beside the rows and settings of a recipe, as numbers for the manifest. */
function extrasOf({ supplement, auxiliary }: Prepared, recipe: ModelRecipe): Record<string, number> {
  return {
    ...(recipe.supplement ? { supplementVisits: supplement.visits, auxiliaryDrugs: auxiliary.length } : {}),
    codeEmbeddings: Number(recipe.codeEmbeddings),
    pretrainingEpochs: recipe.pretraining?.epochs ?? 0,
  };
}

/** The visits themselves are garbage when this returns (see prepare.ts). */
async function readAndPrepare(
  options: TrainPackOptions,
  recipe: ModelRecipe,
  trainYears: readonly [number, number],
  onProgress: (progress: TrainPackProgress) => void,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  onProgress({ stage: 'reading' });
  const visits = await readLabelledVisits(options.corpus);
  checkCancelled(signal);
  onProgress({ stage: 'encoding' });
  const { formularyMinimum, knowledge } = options;
  const split = { trainYears, ...(formularyMinimum === undefined ? {} : { formularyMinimum }) };
  return prepare(visits, split, knowledge, recipe.families);
}

/** Of the validation visits, by π_list where there is one. */
async function frontOf(
  { knowledge, threads }: TrainPackOptions,
  { vocabulary, validation }: Prepared,
  scores: ScoreTable,
  classifier: ReadonlyMap<string, HostTensor>,
  trained: TrainedPolicy | null,
): Promise<FrontPoint[]> {
  const { formulary } = vocabulary;
  const barred = decodingPairs(formulary, knowledge);
  const policy =
    trained &&
    (await ListPolicy.open({
      config: trained.recipe.network,
      vocabulary,
      classifier,
      parameters: trained.parameters,
      knowledge,
      threads,
    }));
  const lists = await decodeAll(
    scores,
    formulary,
    barred,
    policy ? (problem, visit) => policy.lists(problem, featuresOf(validation, visit)) : undefined,
  );
  await policy?.close();
  return measureFront(lists, validation.truth, recordedPairs(formulary, knowledge));
}

/** Processor, cores and threads: stands beside every time. */
export function hardware(threads = cpus().length): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${threads} threads, no GPU`;
}

export function fileHash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function checkCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new FlameError('CANCELLED');
}
