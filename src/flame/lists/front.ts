/** Lists of many visits at every slider position, and the trade-off of accuracy against interactions they make. */

import type { DrugId } from '../../shared/ids.ts';
import type { FrontPoint, GridPoint } from '../../shared/recommendation.ts';
import { ALPHA_GRID, decode, type DecodingProblem } from './decoding.ts';
import {
  type DrugLists,
  mean,
  rowOf,
  safetyOf,
  type ScoreTable,
  setPerVisit,
} from '../evaluation/metrics.ts';
import type { PairMatrix } from './pair-matrix.ts';

/** One list for each slider position, of one visit. */
export type VisitLists = (
  problem: DecodingProblem,
  visit: number,
) => readonly GridPoint[] | Promise<readonly GridPoint[]>;

/**
 * Lists of every visit at every position: [alpha][visit], as formulary positions.
 * @param pairs what lists are built under, duplicate therapy barred
 * @param alphas as many as `listsOf` has lists for
 */
export async function decodeAll(
  scores: ScoreTable,
  formulary: readonly DrugId[],
  pairs: PairMatrix,
  listsOf: VisitLists = (problem) => decode(problem),
  alphas: readonly number[] = ALPHA_GRID,
): Promise<DrugLists[]> {
  const labels = new Map(formulary.map((drug, label) => [drug, label]));
  const lists = alphas.map((): number[][] => []);
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const problem = { drugs: formulary, probabilities: rowOf(scores, visit), pairs };
    const points = await listsOf(problem, visit);
    points.forEach(({ list }, at) => lists[at]!.push(list.map((drug) => labels.get(drug)!)));
  }
  return lists;
}

/** @param lists [alpha][visit] @param pairs what rates count */
export function measureFront(lists: readonly DrugLists[], truth: DrugLists, pairs: PairMatrix): FrontPoint[] {
  return lists.map((ofVisits, at) => {
    const { ddiRate, meanLength } = safetyOf(ofVisits, pairs);
    return {
      alpha: ALPHA_GRID[at]!,
      jaccard: mean(setPerVisit(ofVisits, truth).jaccard),
      interactionRate: ddiRate,
      meanLength,
    };
  });
}
