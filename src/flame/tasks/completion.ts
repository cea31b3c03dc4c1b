/** The completion task of METHOD section 5: hide one drug of a list and rank the formulary. Runs no model. */

import { Random } from '../../nn/random.ts';
import { type DrugLists, rowOf, type ScoreTable } from '../evaluation/metrics.ts';

/** One question a visit: the drug that is missing, and what is left of the list. */
export interface CompletionCases {
  readonly hidden: Uint16Array;
  readonly shown: DrugLists;
}

/** Hides one drug of each list, drawn evenly from a stream of its own; every list holds at least two drugs. */
export function hideOne(lists: DrugLists, seed: number): CompletionCases {
  const random = Random.for(seed, 'completion');
  const hidden = Uint16Array.from(lists, (list) => list[random.int(list.length)]!);
  return { hidden, shown: lists.map((list, visit) => list.filter((drug) => drug !== hidden[visit])) };
}

/** The measures of one ranked question each, by visit. */
export const COMPLETION_MEASURES = ['recallAt1', 'recallAt5', 'recallAt10', 'reciprocalRank'] as const;
export type CompletionMeasure = (typeof COMPLETION_MEASURES)[number];

/** Rank of the hidden drug among the drugs that are not shown, from 1; ties go by position, as everywhere. */
export function hiddenRank(scores: ArrayLike<number>, hidden: number, shown: readonly number[]): number {
  const known = new Set(shown);
  const score = scores[hidden]!;
  let rank = 1;
  for (let drug = 0; drug < scores.length; drug += 1) {
    if (drug === hidden || known.has(drug)) continue;
    if (scores[drug]! > score || (scores[drug] === score && drug < hidden)) rank += 1;
  }
  return rank;
}

/** @param scores one row for each question, higher = more likely the missing drug */
export function completionPerVisit(
  scores: ScoreTable,
  { hidden, shown }: CompletionCases,
): Record<CompletionMeasure, Float64Array> {
  const ranks = Float64Array.from(hidden, (drug, visit) =>
    hiddenRank(rowOf(scores, visit), drug, shown[visit]!),
  );
  const within = (k: number): Float64Array => ranks.map((rank) => (rank <= k ? 1 : 0));
  return {
    recallAt1: within(1),
    recallAt5: within(5),
    recallAt10: within(10),
    reciprocalRank: ranks.map((rank) => 1 / rank),
  };
}
