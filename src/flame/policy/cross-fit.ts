/**
 * Scores training visits by classifiers that never saw their clinicians, so that the list policy learns from scores as
 * unsure as those it will meet. Keeps no classifier.
 */

import { FlameError } from '../../shared/errors.ts';
import { type EncodedCorpus, selectVisits } from '../encoding/encoding.ts';
import { rowOf, type ScoreTable } from '../evaluation/metrics.ts';
import { scoreOnce } from '../classifier/predict.ts';
import { trainNetwork, type TrainingProgress, type TrainingRun } from '../classifier/train-network.ts';

export interface CrossFitOptions extends Omit<TrainingRun, 'train' | 'checkpoint' | 'onProgress'> {
  readonly folds: number;
  readonly onProgress?: (fold: number, progress: TrainingProgress) => void;
}

/** The part a clinician falls into, 0 … folds − 1: all visits of one clinician stay together. */
export function foldOf(clinician: number, folds: number): number {
  return clinician % folds;
}

/**
 * Probabilities of every training visit by the classifier trained on the other folds' clinicians.
 * @throws FlameError INVALID_INPUT for fewer than two folds, CANCELLED
 */
export async function crossFit(train: EncodedCorpus, options: CrossFitOptions): Promise<ScoreTable> {
  const { folds, vocabulary, network, supplement, onProgress, ...run } = options;
  if (!(folds >= 2)) throw new FlameError('INVALID_INPUT', { problem: 'cross-fitting needs two folds' });
  const drugs = vocabulary.formulary.length;
  const values = new Float32Array(train.visits * drugs);
  for (let fold = 0; fold < folds; fold += 1) {
    const [inside, outside] = splitByFold(train, fold, folds);
    const parameters = await trainNetwork({
      ...run,
      network,
      vocabulary,
      train: selectVisits(train, outside),
      ...(supplement
        ? {
            supplement: {
              ...supplement,
              corpus: selectVisits(supplement.corpus, splitByFold(supplement.corpus, fold, folds)[1]),
            },
          }
        : {}),
      onProgress: (progress) => onProgress?.(fold, progress),
    });
    const scores = await scoreOnce(network, vocabulary, parameters, selectVisits(train, inside), run.threads);
    inside.forEach((visit, i) => values.set(rowOf(scores, i), visit * drugs));
  }
  return { visits: train.visits, drugs, values };
}

/** Positions of the visits inside and outside a fold; a supplement numbers its clinicians as the training visits do. */
function splitByFold(
  { visits, clinicians }: EncodedCorpus,
  fold: number,
  folds: number,
): [number[], number[]] {
  const [inside, outside]: [number[], number[]] = [[], []];
  for (let visit = 0; visit < visits; visit += 1)
    (foldOf(clinicians[visit]!, folds) === fold ? inside : outside).push(visit);
  return [inside, outside];
}
