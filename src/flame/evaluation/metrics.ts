/** The metrics of METHOD section 5, per visit and averaged, with bootstrap intervals. Chooses no list and runs no model. */

import { EVALUATION_SEVERITY } from '../../shared/domain.ts';
import { interactionRate } from '../../shared/interactions.ts';
import { severityOf, type PairMatrix } from '../lists/pair-matrix.ts';

/** Probabilities of every drug for every visit, row by row. */
export interface ScoreTable {
  readonly visits: number;
  readonly drugs: number;
  /** [visits · drugs] */
  readonly values: Float32Array;
}

/** One list of formulary positions for each visit. */
export type DrugLists = readonly (readonly number[])[];

export interface SetQuality {
  readonly jaccard: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
}

export function rowOf(scores: ScoreTable, visit: number): Float32Array {
  return scores.values.subarray(visit * scores.drugs, (visit + 1) * scores.drugs);
}

/** Positions by falling value, ties by position. */
export function rankDrugs(values: ArrayLike<number>): Uint16Array {
  const order = Uint16Array.from({ length: values.length }, (_, i) => i);
  return order.sort((i, j) => values[j]! - values[i]! || i - j);
}

/** A chosen list against the truth; two empty lists agree fully, one empty list not at all. */
export function setQuality(chosen: readonly number[], truth: readonly number[]): SetQuality {
  if (chosen.length === 0 && truth.length === 0) return { jaccard: 1, f1: 1, precision: 1, recall: 1 };
  const wanted = new Set(truth);
  let hits = 0;
  for (const drug of chosen) if (wanted.has(drug)) hits += 1;
  return {
    jaccard: hits / (chosen.length + truth.length - hits),
    f1: (2 * hits) / (chosen.length + truth.length),
    precision: chosen.length === 0 ? 0 : hits / chosen.length,
    recall: truth.length === 0 ? 0 : hits / truth.length,
  };
}

/** PRAUC as average precision: the mean over the true drugs of the precision at their rank. 0 without a true drug. */
export function averagePrecision(ranking: ArrayLike<number>, truth: readonly number[]): number {
  const wanted = new Set(truth);
  let hits = 0;
  let sum = 0;
  for (let k = 0; k < ranking.length && hits < wanted.size; k += 1) {
    if (!wanted.has(ranking[k]!)) continue;
    hits += 1;
    sum += hits / (k + 1);
  }
  return wanted.size === 0 ? 0 : sum / wanted.size;
}

/** Share of true drugs among the first |truth| of the ranking. */
export function rPrecision(ranking: ArrayLike<number>, truth: readonly number[]): number {
  const wanted = new Set(truth);
  let hits = 0;
  for (let k = 0; k < wanted.size && k < ranking.length; k += 1) if (wanted.has(ranking[k]!)) hits += 1;
  return wanted.size === 0 ? 0 : hits / wanted.size;
}

/** Pairs of `list` at the evaluation's severity or above. */
export function countInteractions(list: readonly number[], pairs: PairMatrix): number {
  let found = 0;
  for (let i = 0; i < list.length; i += 1)
    for (let j = 0; j < i; j += 1)
      if (severityOf(pairs, list[i]!, list[j]!) >= EVALUATION_SEVERITY) found += 1;
  return found;
}

export interface SafetySummary {
  /** Mean over visits of interacting pairs / all pairs, as FLAME averages. */
  readonly ddiRate: number;
  /** Interacting pairs of all lists / pairs of all lists, as SafeDrug pools. */
  readonly ddiRatePooled: number;
  /** Share of visits that hold at least one interacting pair. */
  readonly visitsWithPair: number;
  readonly meanLength: number;
}

export function safetyOf(lists: DrugLists, pairs: PairMatrix): SafetySummary {
  let rates = 0;
  let interacting = 0;
  let possible = 0;
  let withPair = 0;
  let length = 0;
  for (const list of lists) {
    const found = countInteractions(list, pairs);
    rates += interactionRate(found, list.length);
    interacting += found;
    possible += (list.length * (list.length - 1)) / 2;
    if (found > 0) withPair += 1;
    length += list.length;
  }
  const visits = Math.max(1, lists.length);
  return {
    ddiRate: rates / visits,
    ddiRatePooled: possible === 0 ? 0 : interacting / possible,
    visitsWithPair: withPair / visits,
    meanLength: length / visits,
  };
}

/** One value a visit, so that intervals can be drawn over visits. */
export interface RankingPerVisit {
  readonly averagePrecision: Float64Array;
  readonly rPrecision: Float64Array;
}
export interface SetPerVisit {
  readonly jaccard: Float64Array;
  readonly f1: Float64Array;
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

export function rankingPerVisit(scores: ScoreTable, truth: DrugLists): RankingPerVisit {
  const result = {
    averagePrecision: new Float64Array(scores.visits),
    rPrecision: new Float64Array(scores.visits),
  };
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const ranking = rankDrugs(rowOf(scores, visit));
    result.averagePrecision[visit] = averagePrecision(ranking, truth[visit]!);
    result.rPrecision[visit] = rPrecision(ranking, truth[visit]!);
  }
  return result;
}

export function setPerVisit(chosen: DrugLists, truth: DrugLists): SetPerVisit {
  const fresh = (): Float64Array => new Float64Array(truth.length);
  const result = { jaccard: fresh(), f1: fresh(), precision: fresh(), recall: fresh() };
  truth.forEach((wanted, visit) => {
    const quality = setQuality(chosen[visit]!, wanted);
    result.jaccard[visit] = quality.jaccard;
    result.f1[visit] = quality.f1;
    result.precision[visit] = quality.precision;
    result.recall[visit] = quality.recall;
  });
  return result;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i]!;
  return values.length === 0 ? 0 : sum / values.length;
}

/** Sample standard deviation; 0 for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += (values[i]! - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** 95 % percentile bootstrap of the mean (Efron 1979), resampling visits. Seeded, so that a report is reproducible. */
export function bootstrapMean(values: ArrayLike<number>, resamples = 1000, seed = 1): Interval {
  const n = values.length;
  if (n === 0) return { low: 0, high: 0 };
  const drawn = resampledVisits(n, resamples, seed);
  return percentileInterval(
    Float64Array.from({ length: resamples }, (_, r) => {
      let sum = 0;
      for (let i = r * n; i < (r + 1) * n; i += 1) sum += values[drawn[i]!]!;
      return sum / n;
    }),
  );
}

/** The middle 95 % of a statistic's resamples; sorts them in place. */
export function percentileInterval(resampled: Float64Array): Interval {
  const count = resampled.length;
  resampled.sort();
  return { low: resampled[Math.floor(0.025 * count)]!, high: resampled[Math.ceil(0.975 * count) - 1]! };
}

/** [resamples · n] visits drawn with replacement. Every measure of a report resamples alike, so the last draw is kept. */
export function resampledVisits(n: number, resamples: number, seed: number): Uint32Array {
  const key = `${n} ${resamples} ${seed}`;
  if (lastDraw?.key !== key) {
    const next = splitMix(seed);
    const visits = new Uint32Array(n * resamples);
    for (let i = 0; i < visits.length; i += 1) visits[i] = Math.floor(next() * n);
    lastDraw = { key, visits };
  }
  return lastDraw.visits;
}
let lastDraw: { readonly key: string; readonly visits: Uint32Array } | undefined;

/** The same over the difference a − b of one measure on the same visits. */
export function pairedBootstrap(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  resamples = 1000,
  seed = 1,
): Interval & { readonly difference: number } {
  const differences = Float64Array.from({ length: a.length }, (_, i) => a[i]! - b[i]!);
  return { difference: mean(differences), ...bootstrapMean(differences, resamples, seed) };
}

/** SplitMix32: small, seeded, good enough to resample. */
function splitMix(seed: number): () => number {
  let x = seed >>> 0;
  return () => {
    x = (x + 0x9e3779b9) >>> 0;
    let z = x;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 4294967296;
  };
}

/** Expected calibration error over all visit-drug cells, in `bins` equal-width bins (Naeini et al. 2015). */
export function calibrationError(scores: ScoreTable, truth: DrugLists, bins = 20): CalibrationReport {
  const count = new Float64Array(bins);
  const predicted = new Float64Array(bins);
  const observed = new Float64Array(bins);
  for (let visit = 0; visit < scores.visits; visit += 1) {
    const row = rowOf(scores, visit);
    const wanted = new Set(truth[visit]);
    for (let drug = 0; drug < scores.drugs; drug += 1) {
      const bin = Math.min(bins - 1, Math.floor(row[drug]! * bins));
      count[bin]! += 1;
      predicted[bin]! += row[drug]!;
      if (wanted.has(drug)) observed[bin]! += 1;
    }
  }
  const total = scores.visits * scores.drugs;
  let error = 0;
  const points: CalibrationPoint[] = [];
  for (let bin = 0; bin < bins; bin += 1) {
    if (count[bin] === 0) continue;
    error += Math.abs(predicted[bin]! - observed[bin]!) / total;
    points.push({
      predicted: predicted[bin]! / count[bin]!,
      observed: observed[bin]! / count[bin]!,
      count: count[bin]!,
    });
  }
  return { error, points };
}

export interface CalibrationPoint {
  readonly predicted: number;
  readonly observed: number;
  readonly count: number;
}
export interface CalibrationReport {
  readonly error: number;
  readonly points: readonly CalibrationPoint[];
}
