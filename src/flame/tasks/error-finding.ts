/**
 * The error-finding task of METHOD section 5: insert one wrong drug into a list and find it by a removal score. Runs no
 * model; the wrong drugs come from whoever calls.
 */

import { Random } from '../../nn/random.ts';
import { type DrugLists, type Interval, percentileInterval, resampledVisits } from '../evaluation/metrics.ts';

/** Lists with one inserted drug each, flat where scores go: list i has scores starts[i] … starts[i + 1] − 1. */
export interface ErrorCases {
  /** Positions in the corpus of the visits that have a wrong drug to insert. */
  readonly visits: Uint32Array;
  /** By formulary position, so that the order tells nothing. */
  readonly lists: DrugLists;
  readonly inserted: Uint16Array;
  readonly starts: Uint32Array;
}

/**
 * Inserts one drug of `proposed` that the visit's own list does not hold, drawn evenly. A visit without such a drug is
 * left out.
 */
export function insertErrors(truth: DrugLists, proposed: DrugLists, seed: number): ErrorCases {
  const random = Random.for(seed, 'error finding');
  const visits: number[] = [];
  const inserted: number[] = [];
  const lists: number[][] = [];
  truth.forEach((list, visit) => {
    const extras = proposed[visit]!.filter((drug) => !list.includes(drug));
    if (extras.length === 0) return;
    const drug = extras[random.int(extras.length)]!;
    visits.push(visit);
    inserted.push(drug);
    lists.push([...list, drug].sort((a, b) => a - b));
  });
  const starts = new Uint32Array(lists.length + 1);
  lists.forEach((list, i) => (starts[i + 1] = starts[i]! + list.length));
  return { visits: Uint32Array.from(visits), lists, inserted: Uint16Array.from(inserted), starts };
}

/** One drug for each list that it does not hold, drawn as often as training visits use each drug. */
export function foreignDrugs(truth: DrugLists, uses: readonly number[], seed: number): number[][] {
  const random = Random.for(seed, 'foreign drugs');
  const total = uses.reduce((sum, count) => sum + count, 0);
  return truth.map((list) => {
    for (;;) {
      let left = random.uniform() * total;
      const drug = uses.findIndex((count) => (left -= count) < 0);
      if (drug >= 0 && !list.includes(drug)) return [drug];
    }
  });
}

export interface ErrorFinding {
  /** Area under the ROC curve over all pairs of visit and drug. */
  readonly pooled: number;
  /** 95 % bootstrap over visits. */
  readonly pooledInterval: Interval;
  /** Share of a visit's own drugs that score below the inserted one, half for a tie: the area under its own curve. */
  readonly perVisit: Float64Array;
}

/** @param removal one score for each drug of each list, higher = less in place */
export function errorFinding(removal: Float64Array, cases: ErrorCases, resamples = 1000): ErrorFinding {
  const { lists, inserted, starts } = cases;
  const wrong = new Uint8Array(removal.length);
  const owner = new Uint32Array(removal.length);
  const perVisit = new Float64Array(lists.length);
  lists.forEach((list, i) => {
    const first = starts[i]!;
    const at = first + list.indexOf(inserted[i]!);
    wrong[at] = 1;
    let below = 0;
    for (let j = first; j < starts[i + 1]!; j += 1) {
      owner[j] = i;
      if (j !== at) below += removal[j]! < removal[at]! ? 1 : removal[j] === removal[at] ? 0.5 : 0;
    }
    perVisit[i] = below / (list.length - 1);
  });
  const curve = sortedCurve(removal, wrong, owner);
  const weights = new Float64Array(lists.length).fill(1);
  const drawn = resampledVisits(lists.length, resamples, 1);
  const resampled = Float64Array.from({ length: resamples }, (_, r) => {
    const counts = new Float64Array(lists.length);
    for (let i = r * lists.length; i < (r + 1) * lists.length; i += 1) counts[drawn[i]!]! += 1;
    return areaOf(curve, counts);
  });
  return { pooled: areaOf(curve, weights), pooledInterval: percentileInterval(resampled), perVisit };
}

/** Area under the ROC curve as the share of positive–negative pairs in the right order, half for ties (Hanley & McNeil 1982). */
export function rocArea(scores: Float64Array, positive: Uint8Array): number {
  const owner = Uint32Array.from(scores, (_, i) => i);
  return areaOf(sortedCurve(scores, positive, owner), new Float64Array(scores.length).fill(1));
}

/** Items by rising score; an item whose score differs from the one before opens a group of ties. */
interface Curve {
  readonly positive: Uint8Array;
  readonly owner: Uint32Array;
  readonly opens: Uint8Array;
}

function sortedCurve(scores: Float64Array, positive: Uint8Array, owner: Uint32Array): Curve {
  const order = Uint32Array.from(scores, (_, i) => i).sort((i, j) => scores[i]! - scores[j]!);
  return {
    positive: Uint8Array.from(order, (i) => positive[i]!),
    owner: Uint32Array.from(order, (i) => owner[i]!),
    opens: Uint8Array.from(order, (item, at) =>
      at === 0 || scores[order[at - 1]!] !== scores[item] ? 1 : 0,
    ),
  };
}

/** @param weights how often each owner was drawn; NaN without both a positive and a negative item */
function areaOf({ positive, owner, opens }: Curve, weights: Float64Array): number {
  let below = 0;
  let [tiedNegative, tiedPositive] = [0, 0];
  let [ordered, positives] = [0, 0];
  for (let at = 0; at < positive.length; at += 1) {
    if (opens[at] === 1) {
      ordered += tiedPositive * (below + tiedNegative / 2);
      below += tiedNegative;
      positives += tiedPositive;
      [tiedNegative, tiedPositive] = [0, 0];
    }
    if (positive[at] === 1) tiedPositive += weights[owner[at]!]!;
    else tiedNegative += weights[owner[at]!]!;
  }
  ordered += tiedPositive * (below + tiedNegative / 2);
  return ordered / ((positives + tiedPositive) * (below + tiedNegative));
}
