/** Turns scores and lists into the numbers of a report row. Knows no model and no file. */

import {
  bootstrapMean,
  calibrationError,
  type CalibrationReport,
  countInteractions,
  type DrugLists,
  type Interval,
  mean,
  pairedBootstrap,
  rankingPerVisit,
  type SafetySummary,
  safetyOf,
  setPerVisit,
  standardDeviation,
} from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import { chooseThreshold, expectedJaccardLists, thresholdLists } from '../../src/flame/lists/set-rules.ts';
import { interactionRate } from '../../src/shared/interactions.ts';
import type { Cost, Scores } from './runs.ts';

/** What a row is measured by, in the order of the table. A row with scores has all but the last two. */
export const MEASURES = [
  'jaccardThreshold',
  'jaccardSet',
  'f1Threshold',
  'f1Set',
  'precisionSet',
  'recallSet',
  'prauc',
  'rPrecision',
  'jaccardOwn',
  'f1Own',
] as const;
export type Measure = (typeof MEASURES)[number];

/** Mean over seeds of the mean over visits, with the deviation over seeds and the 95 % interval over visits. */
export interface Summary {
  readonly mean: number;
  readonly deviation: number;
  readonly interval: Interval;
}

export interface SeedResult {
  readonly threshold: number | null;
  /** One value a visit, for intervals. */
  readonly perVisit: Readonly<Partial<Record<Measure, Float64Array>>>;
  /** Of the expected-Jaccard lists and of the row's own. */
  readonly safety: { readonly set: SafetySummary | null; readonly own: SafetySummary | null };
  /** Interacting pairs / all pairs of the lists a row stands for: its own, else the expected-Jaccard set. */
  readonly interactionRates: Float64Array;
  readonly calibration: CalibrationReport | null;
}

export interface RowResult {
  readonly name: string;
  readonly note: string;
  readonly seeds: number;
  readonly measures: Readonly<Partial<Record<Measure, Summary>>>;
  readonly thresholds: readonly number[];
  readonly safety: SeedResult['safety'];
  readonly calibrationError: number | null;
  /** Of the first seed. */
  readonly calibration: CalibrationReport | null;
  /** Mean over seeds. */
  readonly cost: Cost;
  /** Means over seeds, one value a visit. Not written to the report. */
  readonly perVisit: SeedResult['perVisit'];
  readonly ratesPerVisit: Float64Array;
}

export interface Truth {
  readonly validation: DrugLists;
  readonly test: DrugLists;
}

/** The threshold is chosen on validation, everything else is measured on test. Scores or lists may be missing, not both. */
export function measureSeed(
  {
    scores,
    lists,
  }: { readonly scores: Pick<Scores, 'validation' | 'test'> | null; readonly lists: DrugLists | null },
  truth: Truth,
  pairs: PairMatrix,
): SeedResult {
  const perVisit: Partial<Record<Measure, Float64Array>> = {};
  let threshold: number | null = null;
  let set: DrugLists | null = null;
  if (scores) {
    threshold = chooseThreshold(scores.validation, truth.validation);
    set = expectedJaccardLists(scores.test);
    const byThreshold = setPerVisit(thresholdLists(scores.test, threshold), truth.test);
    const bySet = setPerVisit(set, truth.test);
    const ranking = rankingPerVisit(scores.test, truth.test);
    perVisit.jaccardThreshold = byThreshold.jaccard;
    perVisit.jaccardSet = bySet.jaccard;
    perVisit.f1Threshold = byThreshold.f1;
    perVisit.f1Set = bySet.f1;
    perVisit.precisionSet = bySet.precision;
    perVisit.recallSet = bySet.recall;
    perVisit.prauc = ranking.averagePrecision;
    perVisit.rPrecision = ranking.rPrecision;
  }
  if (lists) {
    const own = setPerVisit(lists, truth.test);
    perVisit.jaccardOwn = own.jaccard;
    perVisit.f1Own = own.f1;
  }
  const standing = lists ?? set;
  if (!standing) throw new RangeError('a row yields scores or lists');
  return {
    threshold,
    perVisit,
    safety: { set: set && safetyOf(set, pairs), own: lists && safetyOf(lists, pairs) },
    interactionRates: ratesOf(standing, pairs),
    calibration: scores && calibrationError(scores.test, truth.test),
  };
}

/** Interacting pairs / all pairs of each list. */
export function ratesOf(lists: DrugLists, pairs: PairMatrix): Float64Array {
  return Float64Array.from(lists, (list) => interactionRate(countInteractions(list, pairs), list.length));
}

export function summarise(
  name: string,
  note: string,
  seeds: readonly SeedResult[],
  costs: readonly Cost[],
): RowResult {
  const [first] = seeds;
  const [cost] = costs;
  if (!first || !cost) throw new RangeError('a row has at least one seed');
  const measures: Partial<Record<Measure, Summary>> = {};
  const perVisit: Partial<Record<Measure, Float64Array>> = {};
  for (const measure of MEASURES) {
    const values = seeds.map((seed) => seed.perVisit[measure]).filter((one) => one !== undefined);
    if (values.length < seeds.length) continue;
    perVisit[measure] = meanOver(values);
    measures[measure] = summaryOf(values);
  }
  return {
    name,
    note,
    seeds: seeds.length,
    measures,
    thresholds: seeds.flatMap(({ threshold }) => threshold ?? []),
    safety: {
      set: meanSafety(seeds.flatMap(({ safety }) => safety.set ?? [])),
      own: meanSafety(seeds.flatMap(({ safety }) => safety.own ?? [])),
    },
    calibrationError: first.calibration && mean(seeds.map(({ calibration }) => calibration?.error ?? 0)),
    calibration: first.calibration,
    cost: { ...cost, seconds: mean(costs.map(({ seconds }) => seconds)) },
    perVisit,
    ratesPerVisit: meanOver(seeds.map((seed) => seed.interactionRates)),
  };
}

/** @param seeds one value a visit for each seed */
export function summaryOf(seeds: readonly Float64Array[]): Summary {
  const means = seeds.map(mean);
  return {
    mean: mean(means),
    deviation: standardDeviation(means),
    interval: bootstrapMean(meanOver(seeds)),
  };
}

export function meanOver(seeds: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(seeds[0]?.length ?? 0);
  for (const values of seeds) for (let i = 0; i < sum.length; i += 1) sum[i]! += values[i]! / seeds.length;
  return sum;
}

function meanSafety(seeds: readonly SafetySummary[]): SafetySummary | null {
  if (seeds.length === 0) return null;
  const average = (measure: keyof SafetySummary): number => mean(seeds.map((seed) => seed[measure]));
  return {
    ddiRate: average('ddiRate'),
    ddiRatePooled: average('ddiRatePooled'),
    visitsWithPair: average('visitsWithPair'),
    meanLength: average('meanLength'),
  };
}

export interface Difference {
  readonly measure: string;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly ratio: number;
}

/**
 * a − b on the same visits with a paired bootstrap interval, and a / b, for every measure both have; then a's own list
 * against b's expected-Jaccard set.
 */
export function compareRows(a: RowResult, b: RowResult): Difference[] {
  const differences = MEASURES.flatMap((measure) => {
    const [left, right] = [a.perVisit[measure], b.perVisit[measure]];
    return left && right ? [difference(measure, left, right)] : [];
  });
  const [own, set] = [a.perVisit.jaccardOwn, b.perVisit.jaccardSet];
  if (own && set) differences.push(difference(OWN_AGAINST_SET, own, set));
  return differences;
}
export const OWN_AGAINST_SET = 'jaccardOwnAgainstSet';

export function difference(measure: string, a: Float64Array, b: Float64Array): Difference {
  return { measure, ...pairedBootstrap(a, b), ratio: mean(a) / mean(b) };
}
