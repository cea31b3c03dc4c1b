/** Measures the trade-off of accuracy against interactions over a grid of slider positions. Decodes by decoding.ts. */

import type { DrugId } from '../shared/ids.ts';
import type { FrontPoint } from '../shared/recommendation.ts';
import { ALPHA_GRID, decode } from './decoding.ts';
import { type DrugLists, mean, rowOf, safetyOf, type ScoreTable, setPerVisit } from './metrics.ts';
import type { PairMatrix } from './pair-matrix.ts';

/** Lists of every visit at every position: [alpha][visit]. */
export function decodeAll(
  scores: ScoreTable,
  formulary: readonly DrugId[],
  pairs: PairMatrix,
  alphas: readonly number[] = ALPHA_GRID,
): number[][][] {
  const labels = new Map(formulary.map((drug, label) => [drug, label]));
  const lists = alphas.map((): number[][] => []);
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const points = decode({ drugs: formulary, probabilities: rowOf(scores, visit), pairs }, alphas);
    points.forEach(({ list }, at) => lists[at]!.push(list.map((drug) => labels.get(drug)!)));
  }
  return lists;
}

/** @param pairs what rates count @param decoding what lists are built under, duplicate therapy barred besides */
export function measureFront(
  scores: ScoreTable,
  truth: DrugLists,
  formulary: readonly DrugId[],
  pairs: PairMatrix,
  decoding: PairMatrix = pairs,
  alphas: readonly number[] = ALPHA_GRID,
): FrontPoint[] {
  return decodeAll(scores, formulary, decoding, alphas).map((lists, at) => {
    const { ddiRate, meanLength } = safetyOf(lists, pairs);
    return {
      alpha: alphas[at]!,
      jaccard: mean(setPerVisit(lists, truth).jaccard),
      interactionRate: ddiRate,
      meanLength,
    };
  });
}
