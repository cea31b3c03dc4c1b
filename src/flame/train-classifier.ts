/** One call from the visit corpus to a model pack on disk: π_cls as shipped. Its recipe is settings.ts. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { EVALUATION_SEVERITY } from '../shared/domain.ts';
import { FlameError } from '../shared/errors.ts';
import type { FrontPoint, Protocol } from '../shared/recommendation.ts';
import { CORPUS_TERMS, readLabelledVisits } from './corpus.ts';
import { decodingPairs, recordedPairs } from './formulary-pairs.ts';
import { measureFront } from './front.ts';
import { type PackManifest, writeModelPack } from './model-pack.ts';
import { scoreOnce } from './predict.ts';
import { prepare, type Prepared } from './prepare.ts';
import { chooseThreshold } from './set-rules.ts';
import { FLAME_CLASSIFIER, type ModelRecipe } from './settings.ts';
import type { TrainingProgress } from './train-network.ts';
import { trainRecipe } from './train-recipe.ts';

export interface TrainClassifierOptions {
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
  /** Smaller in tests. */
  readonly formularyMinimum?: number;
}

export type TrainClassifierProgress =
  | { readonly stage: 'reading' | 'encoding' | 'measuring' | 'writing' }
  | ({ readonly stage: 'training' } & TrainingProgress);

/**
 * Trains on every year of the corpus, keeping the validation clinicians out to choose the threshold and measure the
 * front. Two minutes of reading and measuring besides the training itself.
 * @throws FlameError CANCELLED (the checkpoint stays), FILE_NOT_READABLE, INVALID_INPUT
 */
export async function trainClassifier(
  options: TrainClassifierOptions,
  onProgress: (progress: TrainClassifierProgress) => void = () => undefined,
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
  const seconds = (performance.now() - started) / 1000;

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

  onProgress({ stage: 'writing' });
  return writeModelPack(
    options.directory,
    {
      name: basename(options.directory),
      network: recipe.network,
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
        seconds: Math.round(seconds),
      },
      threshold: chooseThreshold(scores, prepared.validation.truth),
      metrics: null,
      front: { protocol, points: frontOf(prepared, scores, knowledge) },
    },
    prepared.vocabulary,
    parameters,
  );
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
  options: TrainClassifierOptions,
  recipe: ModelRecipe,
  trainYears: readonly [number, number],
  onProgress: (progress: TrainClassifierProgress) => void,
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

function frontOf(
  prepared: Prepared,
  scores: Parameters<typeof measureFront>[0],
  knowledge: Knowledge,
): FrontPoint[] {
  const { formulary } = prepared.vocabulary;
  return measureFront(
    scores,
    prepared.validation.truth,
    formulary,
    recordedPairs(formulary, knowledge),
    decodingPairs(formulary, knowledge),
  );
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
