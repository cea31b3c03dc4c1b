/**
 * Two baselines that see a list and no patient: co-occurrence and EASE (Steck 2019, "Embarrassingly shallow
 * autoencoders for sparse data", arXiv 1905.03375). They read training lists only.
 */

import type { DrugLists, ScoreTable } from '../evaluation/metrics.ts';
import { invertPositiveDefinite } from '../encoding/cholesky.ts';

/** A drug's score is the sum over the drugs shown of what each says about it, if asked for as their mean. */
export interface ItemModel {
  readonly drugs: number;
  /** [shown · drug] */
  readonly weights: Float64Array;
  /** Score of each drug when no drug is shown. */
  readonly alone: Float64Array;
  readonly average: boolean;
}

/** A conditional share leans on the drug's overall share as if this many more visits had been seen. */
const PRIOR_VISITS = 20;

/** Mean over the drugs shown of the share of training visits with it that hold the drug, shrunk to the drug's share. */
export function trainCoOccurrence(lists: DrugLists, drugs: number): ItemModel {
  const together = countTogether(lists, drugs);
  const alone = Float64Array.from({ length: drugs }, (_, d) => together[d * drugs + d]! / lists.length);
  const weights = new Float64Array(drugs * drugs);
  for (let shown = 0; shown < drugs; shown += 1)
    for (let drug = 0; drug < drugs; drug += 1)
      weights[shown * drugs + drug] =
        (together[shown * drugs + drug]! + PRIOR_VISITS * alone[drug]!) /
        (together[shown * drugs + shown]! + PRIOR_VISITS);
  return { drugs, weights, alone, average: true };
}

/**
 * EASE: ridge regression of every drug on all others in closed form. With P = (XᵀX + λI)⁻¹ the weights are
 * B_ij = −P_ij / P_jj and 0 on the diagonal (equation 8), so no drug predicts itself.
 * @param penalty λ > 0
 */
export function trainEase(lists: DrugLists, drugs: number, penalty: number): ItemModel {
  const gram = countTogether(lists, drugs);
  for (let drug = 0; drug < drugs; drug += 1) gram[drug * drugs + drug]! += penalty;
  const precision = invertPositiveDefinite(gram, drugs);
  const weights = new Float64Array(drugs * drugs);
  for (let i = 0; i < drugs; i += 1)
    for (let j = 0; j < drugs; j += 1)
      if (i !== j) weights[i * drugs + j] = -precision[i * drugs + j]! / precision[j * drugs + j]!;
  return { drugs, weights, alone: new Float64Array(drugs), average: false };
}

/** Scores of every drug given the drugs shown, one row for each list. */
export function itemScores({ drugs, weights, alone, average }: ItemModel, shown: DrugLists): ScoreTable {
  const values = new Float32Array(shown.length * drugs);
  shown.forEach((list, visit) => {
    const row = values.subarray(visit * drugs, (visit + 1) * drugs);
    if (list.length === 0) row.set(alone);
    for (const item of list)
      for (let drug = 0; drug < drugs; drug += 1)
        row[drug]! += weights[item * drugs + drug]! / (average ? list.length : 1);
  });
  return { visits: shown.length, drugs, values };
}

/** XᵀX: how many lists hold both drugs; on the diagonal how many hold the drug. */
function countTogether(lists: DrugLists, drugs: number): Float64Array {
  const together = new Float64Array(drugs * drugs);
  for (const list of lists) for (const i of list) for (const j of list) together[i * drugs + j]! += 1;
  return together;
}
