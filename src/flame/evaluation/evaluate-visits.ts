/** METHOD section 5's metrics of a model on any file in the visit format. Trains nothing and writes no report. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { type ClinicalContext, EVALUATION_SEVERITY } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { FlameError } from '../../shared/errors.ts';
import { interactionRate } from '../../shared/interactions.ts';
import { type GridPoint, type Protocol, selectGridPoint } from '../../shared/recommendation.ts';
import { hasProblem, type LabelledVisit, restrictToFormulary } from '../corpus.ts';
import type { DecodingProblem } from '../lists/decoding.ts';
import { decodingPairs, recordedPairs } from '../lists/formulary-pairs.ts';
import {
  bootstrapMean,
  countInteractions,
  type DrugLists,
  type Interval,
  mean,
  rankingPerVisit,
  rowOf,
  type SafetySummary,
  safetyOf,
  type ScoreTable,
  setPerVisit,
  type SetQuality,
} from './metrics.ts';
import type { PairMatrix } from '../lists/pair-matrix.ts';
import { expectedJaccardLists, thresholdLists } from '../lists/set-rules.ts';

/** A model of any kind, as it is measured. */
export interface EvaluatedModel {
  readonly formulary: readonly DrugId[];
  /** Null for a model without one. */
  readonly threshold: number | null;
  /** Visits scored between two reports of progress. */
  readonly atOnce: number;
  score(
    contexts: readonly ClinicalContext[],
  ): Promise<
    readonly { readonly probabilities: ArrayLike<number>; readonly unknownCodes: readonly string[] }[]
  >;
  lists(context: ClinicalContext, problem: DecodingProblem): Promise<readonly GridPoint[]>;
}

export interface EvaluateVisitsOptions {
  /** Checked visits, their drugs in the tables' spelling. */
  readonly visits: readonly LabelledVisit[];
  /** What the visits are, for the protocol sentence, e.g. the file's name. */
  readonly corpus: string;
  readonly model: EvaluatedModel;
  readonly knowledge: Pick<Knowledge, 'drugs' | 'interactions' | 'interactionVersion' | 'rules'>;
  /** Also measure the decoded list at this position of the slider (0 accuracy … 1 safety). */
  readonly alpha?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export type ListMetrics = SetQuality &
  SafetySummary & {
    /** 95 % bootstrap over visits. */
    readonly intervals: Readonly<Record<keyof SetQuality | 'ddiRate', Interval>>;
  };

export interface VisitEvaluation {
  readonly protocol: Protocol;
  /** Visits in the file, and those with something to reason from and two formulary drugs. */
  readonly visits: number;
  readonly evaluated: number;
  readonly prauc: number;
  readonly rPrecision: number;
  /** 95 % bootstrap over visits. */
  readonly intervals: Readonly<Record<'prauc' | 'rPrecision', Interval>>;
  /** Null where the model has no threshold. */
  readonly threshold: (ListMetrics & { readonly value: number }) | null;
  readonly expectedJaccard: ListMetrics;
  readonly decoded: (ListMetrics & { readonly alpha: number }) | null;
  /** What the clinicians themselves prescribed, within the formulary. */
  readonly truth: SafetySummary;
  /** Visits with at least one code that the model could not read at all. */
  readonly visitsWithUnknownCode: number;
}

/**
 * Current and previous medications of a visit are given to the model, as in use; its own drugs never are. Hard rules
 * about one patient (allergies, drugs taken already) are not applied.
 * @throws FlameError INVALID_INPUT when no visit can be evaluated, CANCELLED
 */
export async function evaluateVisits(options: EvaluateVisitsOptions): Promise<VisitEvaluation> {
  const { model, knowledge, alpha, visits, corpus } = options;
  const kept = restrictToFormulary(visits.filter(hasProblem), model.formulary);
  if (kept.length === 0)
    throw new FlameError('INVALID_INPUT', {
      problem: `${corpus} holds no visit with a diagnosis or chronic flag and two drugs of the formulary`,
    });
  const labels = new Map(model.formulary.map((drug, label) => [drug, label]));
  const truth = kept.map((visit) => visit.drugs.map((drug) => labels.get(drug)!));
  const { scores, unknown } = await scoreAll(kept, options);
  const pairs = recordedPairs(model.formulary, knowledge);
  const ranking = rankingPerVisit(scores, truth);
  const value = model.threshold;
  return {
    protocol: {
      corpus,
      split: `${kept.length} of ${visits.length} visits: a diagnosis or chronic flag and two formulary drugs`,
      formularySize: model.formulary.length,
      interactionTable: knowledge.interactionVersion,
      severityCut: EVALUATION_SEVERITY,
    },
    visits: visits.length,
    evaluated: kept.length,
    prauc: mean(ranking.averagePrecision),
    rPrecision: mean(ranking.rPrecision),
    intervals: {
      prauc: bootstrapMean(ranking.averagePrecision),
      rPrecision: bootstrapMean(ranking.rPrecision),
    },
    threshold: value === null ? null : { value, ...listMetrics(thresholdLists(scores, value), truth, pairs) },
    expectedJaccard: listMetrics(expectedJaccardLists(scores), truth, pairs),
    decoded:
      alpha === undefined
        ? null
        : {
            alpha,
            ...listMetrics(await decodedLists(scores, kept, options, alpha), truth, pairs),
          },
    truth: safetyOf(truth, pairs),
    visitsWithUnknownCode: unknown,
  };
}

export function listMetrics(chosen: DrugLists, truth: DrugLists, pairs: PairMatrix): ListMetrics {
  const quality = setPerVisit(chosen, truth);
  const rates = chosen.map((list) => interactionRate(countInteractions(list, pairs), list.length));
  return {
    jaccard: mean(quality.jaccard),
    f1: mean(quality.f1),
    precision: mean(quality.precision),
    recall: mean(quality.recall),
    ...safetyOf(chosen, pairs),
    intervals: {
      jaccard: bootstrapMean(quality.jaccard),
      f1: bootstrapMean(quality.f1),
      precision: bootstrapMean(quality.precision),
      recall: bootstrapMean(quality.recall),
      ddiRate: bootstrapMean(rates),
    },
  };
}

async function scoreAll(
  visits: readonly LabelledVisit[],
  { model, onProgress, signal }: EvaluateVisitsOptions,
): Promise<{ scores: ScoreTable; unknown: number }> {
  const { atOnce } = model;
  const drugs = model.formulary.length;
  const values = new Float32Array(visits.length * drugs);
  let unknown = 0;
  for (let from = 0; from < visits.length; from += atOnce) {
    if (signal?.aborted) throw new FlameError('CANCELLED');
    const scored = await model.score(visits.slice(from, from + atOnce).map((visit) => visit.context));
    scored.forEach(({ probabilities, unknownCodes }, i) => {
      values.set(probabilities, (from + i) * drugs);
      if (unknownCodes.length > 0) unknown += 1;
    });
    onProgress?.(Math.min(from + atOnce, visits.length), visits.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { scores: { visits: visits.length, drugs, values }, unknown };
}

/** What the app would show at a position of the slider, without rules about one patient. */
async function decodedLists(
  scores: ScoreTable,
  visits: readonly LabelledVisit[],
  { model, knowledge }: EvaluateVisitsOptions,
  alpha: number,
): Promise<number[][]> {
  const { formulary } = model;
  const pairs = decodingPairs(formulary, knowledge);
  const labels = new Map(formulary.map((drug, label) => [drug, label]));
  const lists: number[][] = [];
  for (const [at, { context }] of visits.entries()) {
    const problem = { drugs: formulary, probabilities: rowOf(scores, at), pairs };
    const points = await model.lists(context, problem);
    lists.push(selectGridPoint(points, alpha).list.map((drug) => labels.get(drug)!));
  }
  return lists;
}
