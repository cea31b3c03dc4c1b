/** Turns a site's predictions into rows with intervals and paired differences. Runs no model and writes no file. */

import {
  averagePrecision,
  bootstrapMean,
  type Interval,
  mean,
  pairedBootstrap,
  rankDrugs,
  rPrecision,
  safetyOf,
  setPerVisit,
} from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import { labelsOf, type SiteVisit } from '../../src/flame/site/site-visits.ts';
import type { DrugId } from '../../src/shared/ids.ts';
import { MODELS, type ModelName, type Predictions } from './cross-validate.ts';

export type Group = 'all visits' | 'with a previous visit' | 'without';

export interface Estimate extends Interval {
  readonly mean: number;
}
export interface GroupResult {
  readonly group: Group;
  readonly jaccard: Estimate;
  readonly f1: number;
  /** Null where lists were copied and nothing was ranked. */
  readonly prauc: number | null;
  readonly rPrecision: number | null;
  readonly ddiRate: number;
  readonly meanLength: number;
}
export interface SiteRow {
  readonly name: ModelName;
  readonly note: string;
  readonly groups: readonly GroupResult[];
}
export interface Difference extends Interval {
  readonly of: Subject;
  readonly against: ModelName;
  readonly group: Group;
  readonly difference: number;
}
export interface SiteResult {
  readonly corpus: string;
  readonly sha256: string;
  readonly patients: number;
  readonly visits: Readonly<Record<Group, number>>;
  readonly formulary: number;
  readonly coverage: { readonly drugs: number; readonly prescriptions: number };
  readonly truth: readonly { readonly group: Group; readonly ddiRate: number; readonly meanLength: number }[];
  readonly rows: readonly SiteRow[];
  /** Jaccard of one of SUBJECTS minus that of another model on the same visits. */
  readonly differences: readonly Difference[];
  readonly seconds: number;
}

/** What the report is about. */
export const SUBJECTS = ['adapted', 'fine-tuned'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface SiteMeasurement {
  readonly corpus: string;
  readonly sha256: string;
  readonly visits: readonly SiteVisit[];
  readonly formulary: readonly DrugId[];
  readonly classifierDrugs: readonly DrugId[];
  readonly pairs: PairMatrix;
  readonly predictions: Predictions;
  readonly seconds: number;
}

export function measureSite(given: SiteMeasurement): SiteResult {
  const { visits, formulary, pairs, predictions } = given;
  const truth = labelsOf(visits, formulary);
  const history = visits.map(({ context }) => context.previousMedications.length > 0);
  const members = (flag: boolean | null): number[] =>
    visits.map((_, i) => i).filter((i) => flag === null || history[i] === flag);
  const groups: readonly (readonly [Group, readonly number[]])[] = [
    ['all visits', members(null)],
    ['with a previous visit', members(true)],
    ['without', members(false)],
  ];
  const jaccardOf = (name: ModelName, of: readonly number[]): Float64Array =>
    setPerVisit(
      of.map((i) => predictions[name][i]!.list),
      of.map((i) => truth[i]!),
    ).jaccard;

  const asked = MODELS.filter(([name]) => predictions[name].length > 0);
  const rows = asked.map(([name, note]) => ({
    name,
    note,
    groups: groups.map(([group, of]): GroupResult => {
      const lists = of.map((i) => predictions[name][i]!.list);
      const wanted = of.map((i) => truth[i]!);
      const { jaccard, f1 } = setPerVisit(lists, wanted);
      const rankings = of.map((i) => predictions[name][i]!.probabilities).map((p) => p && rankDrugs(p));
      const ranked = (measure: typeof rPrecision): number | null =>
        rankings.includes(null) ? null : mean(rankings.map((ranking, at) => measure(ranking!, wanted[at]!)));
      const { ddiRate, meanLength } = safetyOf(lists, pairs);
      return {
        group,
        jaccard: { mean: mean(jaccard), ...bootstrapMean(jaccard) },
        f1: mean(f1),
        prauc: ranked(averagePrecision),
        rPrecision: ranked(rPrecision),
        ddiRate,
        meanLength,
      };
    }),
  }));
  const differences = SUBJECTS.filter((subject) => predictions[subject].length > 0).flatMap((subject) =>
    asked
      .filter(([name]) => name !== subject)
      .flatMap(([against]) =>
        groups.map(([group, of]): Difference => ({
          of: subject,
          against,
          group,
          ...pairedBootstrap(jaccardOf(subject, of), jaccardOf(against, of)),
        })),
      ),
  );
  const known = new Set(given.classifierDrugs);
  const prescriptions = truth.flat();
  return {
    corpus: given.corpus,
    sha256: given.sha256,
    patients: new Set(visits.map(({ patient }) => patient)).size,
    visits: Object.fromEntries(groups.map(([group, of]) => [group, of.length])) as SiteResult['visits'],
    formulary: formulary.length,
    coverage: {
      drugs: formulary.filter((drug) => known.has(drug)).length,
      prescriptions: prescriptions.filter((i) => known.has(formulary[i]!)).length / prescriptions.length,
    },
    truth: groups.map(([group, of]) => {
      const { ddiRate, meanLength } = safetyOf(
        of.map((i) => truth[i]!),
        pairs,
      );
      return { group, ddiRate, meanLength };
    }),
    rows,
    differences,
    seconds: given.seconds,
  };
}
