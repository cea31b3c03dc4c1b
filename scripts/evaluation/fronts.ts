/** The trade-off of accuracy against interactions: fronts of several rows on the same axes, and which lies above. */

import { ALPHA_GRID } from '../../src/flame/lists/decoding.ts';
import {
  type DrugLists,
  mean,
  pairedBootstrap,
  safetyOf,
  setPerVisit,
} from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import type { FrontPoint } from '../../src/shared/recommendation.ts';
import { meanOver } from './measure.ts';

export interface Front {
  readonly name: string;
  readonly seeds: number;
  /** Means over seeds, by ALPHA_GRID. */
  readonly points: readonly FrontPoint[];
  /** Jaccard of each visit at each point, mean over seeds. Not written to the report. */
  readonly perVisit: readonly Float64Array[];
}

/** @param seeds the lists of each seed at each position of ALPHA_GRID */
export function measureFronts(
  name: string,
  seeds: readonly (readonly DrugLists[])[],
  truth: DrugLists,
  pairs: PairMatrix,
): Front {
  const perVisit: Float64Array[] = [];
  const points = ALPHA_GRID.map((alpha, at) => {
    const quality = meanOver(seeds.map((lists) => setPerVisit(lists[at]!, truth).jaccard));
    const safety = seeds.map((lists) => safetyOf(lists[at]!, pairs));
    perVisit.push(quality);
    return {
      alpha,
      jaccard: mean(quality),
      interactionRate: mean(safety.map(({ ddiRate }) => ddiRate)),
      meanLength: mean(safety.map(({ meanLength }) => meanLength)),
    };
  });
  return { name, seeds: seeds.length, points, perVisit };
}

export interface FrontDifference {
  /** Mean over visits of interacting pairs / all pairs. */
  readonly interactionRate: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

export interface FrontComparison {
  readonly above: string;
  readonly below: string;
  /** At every rate of either front's points that both fronts span. */
  readonly levels: readonly FrontDifference[];
  /** Whether `above` has the higher Jaccard at all of them; null when the fronts share no rate. */
  readonly strictlyAbove: boolean | null;
}

/**
 * a − b in Jaccard at equal interaction rate. Between two points a front is their straight line: the rate and the Jaccard
 * of proposing the one list to some visits and the other to the rest. Intervals are a paired bootstrap over visits with
 * the mixture held fixed.
 */
export function compareFronts(a: Front, b: Front): FrontComparison {
  const rates = [...new Set([...a.points, ...b.points].map((point) => point.interactionRate))].sort(
    (x, y) => x - y,
  );
  const levels = rates.flatMap((interactionRate) => {
    const [left, right] = [jaccardAt(a, interactionRate), jaccardAt(b, interactionRate)];
    return left && right ? [{ interactionRate, ...pairedBootstrap(left, right) }] : [];
  });
  return {
    above: a.name,
    below: b.name,
    levels,
    strictlyAbove: levels.length === 0 ? null : levels.every(({ difference }) => difference > 0),
  };
}

/** Jaccard of each visit at an interaction rate, the best mixture of neighbouring points; null outside the front. */
function jaccardAt({ points, perVisit }: Front, rate: number): Float64Array | null {
  let best: { readonly value: number; readonly visits: Float64Array } | null = null;
  for (let at = 0; at < points.length; at += 1) {
    const next = Math.min(at + 1, points.length - 1);
    const [from, to] = [points[at]!.interactionRate, points[next]!.interactionRate];
    if (rate < Math.min(from, to) || rate > Math.max(from, to)) continue;
    const share = from === to ? 0 : (rate - from) / (to - from);
    const visits = perVisit[at]!.map((value, i) => (1 - share) * value + share * perVisit[next]![i]!);
    const value = mean(visits);
    if (!best || value > best.value) best = { value, visits };
  }
  return best && best.visits;
}
