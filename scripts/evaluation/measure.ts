/** Turns scores into the numbers of a report row. Knows no model and no file. */

import {
  bootstrapMean,
  calibrationError,
  type CalibrationReport,
  type DrugLists,
  type Interval,
  mean,
  pairedBootstrap,
  rankingPerVisit,
  type SafetySummary,
  safetyOf,
  type ScoreTable,
  setPerVisit,
  standardDeviation,
} from '../../src/flame/metrics.ts';
import type { PairMatrix } from '../../src/flame/pair-matrix.ts';
import { chooseThreshold, expectedJaccardLists, thresholdLists } from '../../src/flame/set-rules.ts';

/** The measures that every row carries, in the order of the table. */
export const MEASURES = [
  'jaccardThreshold',
  'jaccardSet',
  'f1Threshold',
  'f1Set',
  'precisionSet',
  'recallSet',
  'prauc',
  'rPrecision',
] as const;
export type Measure = (typeof MEASURES)[number];

export interface SeedResult {
  readonly threshold: number;
  readonly values: Readonly<Record<Measure, number>>;
  /** One value a visit, for intervals. */
  readonly perVisit: Readonly<Record<Measure, Float64Array>>;
  /** Of the expected-Jaccard lists. */
  readonly safety: SafetySummary;
  readonly calibration: CalibrationReport;
}

export interface RowResult {
  readonly name: string;
  readonly note: string;
  readonly seeds: number;
  readonly mean: Readonly<Record<Measure, number>>;
  readonly deviation: Readonly<Record<Measure, number>>;
  /** 95 % over visits, of the mean over seeds. */
  readonly interval: Readonly<Record<Measure, Interval>>;
  readonly thresholds: readonly number[];
  readonly safety: SafetySummary;
  readonly calibrationError: number;
  readonly calibration: CalibrationReport;
  readonly secondsPerSeed: number;
  readonly parameters: number;
  /** Mean over seeds, one value a visit. Not written to the report. */
  readonly perVisit: Readonly<Record<Measure, Float64Array>>;
}

/** The threshold is chosen on validation, everything else is measured on `test`. */
export function measureSeed(
  validation: ScoreTable,
  validationTruth: DrugLists,
  test: ScoreTable,
  truth: DrugLists,
  pairs: PairMatrix,
): SeedResult {
  const threshold = chooseThreshold(validation, validationTruth);
  const lists = expectedJaccardLists(test);
  const byThreshold = setPerVisit(thresholdLists(test, threshold), truth);
  const bySet = setPerVisit(lists, truth);
  const ranking = rankingPerVisit(test, truth);
  const perVisit: Record<Measure, Float64Array> = {
    jaccardThreshold: byThreshold.jaccard,
    jaccardSet: bySet.jaccard,
    f1Threshold: byThreshold.f1,
    f1Set: bySet.f1,
    precisionSet: bySet.precision,
    recallSet: bySet.recall,
    prauc: ranking.averagePrecision,
    rPrecision: ranking.rPrecision,
  };
  return {
    threshold,
    values: eachMeasure((measure) => mean(perVisit[measure])),
    perVisit,
    safety: safetyOf(lists, pairs),
    calibration: calibrationError(test, truth),
  };
}

export function summarise(
  name: string,
  note: string,
  seeds: readonly SeedResult[],
  cost: { readonly seconds: number; readonly parameters: number },
): RowResult {
  const first = seeds[0];
  if (!first) throw new RangeError('a row has at least one seed');
  const perVisit = eachMeasure((measure) =>
    first.perVisit[measure].map(
      (_, visit) => seeds.reduce((sum, seed) => sum + seed.perVisit[measure][visit]!, 0) / seeds.length,
    ),
  );
  return {
    name,
    note,
    seeds: seeds.length,
    mean: eachMeasure((measure) => mean(seeds.map((seed) => seed.values[measure]))),
    deviation: eachMeasure((measure) => standardDeviation(seeds.map((seed) => seed.values[measure]))),
    interval: eachMeasure((measure) => bootstrapMean(perVisit[measure])),
    thresholds: seeds.map((seed) => seed.threshold),
    safety: {
      ddiRate: mean(seeds.map(({ safety }) => safety.ddiRate)),
      ddiRatePooled: mean(seeds.map(({ safety }) => safety.ddiRatePooled)),
      visitsWithPair: mean(seeds.map(({ safety }) => safety.visitsWithPair)),
      meanLength: mean(seeds.map(({ safety }) => safety.meanLength)),
    },
    calibrationError: mean(seeds.map(({ calibration }) => calibration.error)),
    calibration: first.calibration,
    secondsPerSeed: cost.seconds,
    parameters: cost.parameters,
    perVisit,
  };
}

export interface Comparison {
  readonly measure: Measure;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly ratio: number;
}

/** a − b on the same visits with a paired bootstrap interval, and a / b. */
export function compareRows(a: RowResult, b: RowResult): Comparison[] {
  return MEASURES.map((measure) => ({
    measure,
    ...pairedBootstrap(a.perVisit[measure], b.perVisit[measure]),
    ratio: a.mean[measure] / b.mean[measure],
  }));
}

function eachMeasure<Value>(value: (measure: Measure) => Value): Record<Measure, Value> {
  return Object.fromEntries(MEASURES.map((measure) => [measure, value(measure)])) as Record<Measure, Value>;
}
