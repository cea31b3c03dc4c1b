/**
 * What the site's own visits say of each drug for a context, in several ways: frequency, logistic regressions,
 * persistence of the previous list, length of the list. Fitted on some visits, asked about others; combines nothing.
 */

import type { DrugLists } from '../evaluation/metrics.ts';
import { logit, sigmoid } from '../probability.ts';
import { ridgeRegression } from './numerics.ts';
import { type SiteInput, SIZE_WIDTH } from './site-encoder.ts';
import {
  fitLogistic,
  type LinearModel,
  linearLogits,
  type SparseRows,
  sparseRows,
} from './sparse-logistic.ts';

/** Ridge of the logistic regressions; others that were tried stand in docs/decisions/0011. */
export const RIDGE = 20;
/** Pseudo-visits behind a drug's share, its persistence and its uptake. */
const PRIOR_VISITS = 4;
const LENGTH_RIDGE = 2;

export interface Experts {
  /** Logit of each drug's shrunk share of visits. */
  readonly base: Float32Array;
  /** Logit of each drug after a list that held it, and after a list that did not. */
  readonly persistence: Float32Array;
  readonly uptake: Float32Array;
  /** Logistic regressions over codes, and over codes and the previous list. */
  readonly fromCodes: LinearModel;
  readonly fromAll: LinearModel;
  /** Weights of the log list length over the size features. */
  readonly length: Float64Array;
  readonly meanLength: number;
}

export function fitExperts(
  inputs: readonly SiteInput[],
  truth: DrugLists,
  drugs: number,
  features: number,
): Experts {
  const uses = new Float64Array(drugs);
  const held = new Float64Array(drugs);
  const kept = new Float64Array(drugs);
  const taken = new Float64Array(drugs);
  let histories = 0;
  truth.forEach((list, visit) => {
    const { previous, previousLength } = inputs[visit]!;
    for (const drug of list) uses[drug]! += 1;
    if (previousLength === 0) return;
    histories += 1;
    const before = new Set(previous);
    for (const drug of previous) held[drug]! += 1;
    for (const drug of list) (before.has(drug) ? kept : taken)[drug]! += 1;
  });
  const n = inputs.length;
  const meanShare = sum(uses) / Math.max(1, n * drugs);
  const share = uses.map((count) => (count + PRIOR_VISITS * meanShare) / (n + PRIOR_VISITS));
  const keptShare = (sum(kept) + 0.5) / (sum(held) + 1);
  const base = Float32Array.from(share, logit);
  const lengths = truth.map((list) => Math.log(Math.max(1, list.length)));
  const size = Float64Array.from(inputs.flatMap((input) => input.size));
  const { codes, full } = rowsOf(inputs, features);
  return {
    base,
    persistence: Float32Array.from(share, (p, drug) =>
      // A drug that was rarely held before leans on what all held drugs do, and on its own share.
      logit((kept[drug]! + PRIOR_VISITS * Math.max(keptShare, p)) / (held[drug]! + PRIOR_VISITS)),
    ),
    uptake: Float32Array.from(share, (p, drug) =>
      logit((taken[drug]! + PRIOR_VISITS * p) / (histories - held[drug]! + PRIOR_VISITS)),
    ),
    fromCodes: fitLogistic(codes, truth, base, { ridge: RIDGE }),
    fromAll: fitLogistic(full, truth, base, { ridge: RIDGE }),
    length: ridgeRegression(size, lengths, SIZE_WIDTH, LENGTH_RIDGE),
    meanLength: sum(lengths) / Math.max(1, n),
  };
}

/** The visits as the two regressions read them. */
function rowsOf(
  inputs: readonly SiteInput[],
  features: number,
): { readonly codes: SparseRows; readonly full: SparseRows } {
  return {
    codes: sparseRows(
      inputs.map(({ codes }) => codes),
      features,
    ),
    full: sparseRows(
      inputs.map(({ full }) => full),
      features,
    ),
  };
}

/** What the experts say of one visit: logits [drugs] each, and two guesses at the length of the list. */
export interface Opinions {
  readonly fromCodes: Float32Array;
  readonly fromAll: Float32Array;
  /** Log list length above the mean: as regressed on sizes, and as the second regression's probabilities sum up. */
  readonly length: number;
  readonly mass: number;
}

export function askExperts(experts: Experts, inputs: readonly SiteInput[], features: number): Opinions[] {
  const drugs = experts.base.length;
  const { codes, full } = rowsOf(inputs, features);
  const byCodes = linearLogits(experts.fromCodes, codes);
  const byAll = linearLogits(experts.fromAll, full);
  return inputs.map((input, visit) => {
    const row = (logits: Float32Array): Float32Array => logits.subarray(visit * drugs, (visit + 1) * drugs);
    const expected = row(byAll).reduce((total, value) => total + sigmoid(value), 0);
    return {
      fromCodes: row(byCodes),
      fromAll: row(byAll),
      length:
        input.size.reduce((total, value, i) => total + value * experts.length[i]!, 0) - experts.meanLength,
      mass: Math.log(Math.max(1, expected)) - experts.meanLength,
    };
  });
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i]!;
  return total;
}
