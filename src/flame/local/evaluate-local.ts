/**
 * Measures a local model against the model in use before it, on visits that took no part in making it, with intervals, by
 * group, and with the gates that decide whether it may be used. Trains nothing and promotes nothing.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { EVALUATION_SEVERITY } from '../../shared/domain.ts';
import type {
  Estimate,
  Evaluation,
  Gate,
  GroupComparison,
  GroupPartition,
  MeasuredModel,
  MeasuredRow,
  SideBySide,
} from '../../shared/finetune.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { interactionRate } from '../../shared/interactions.ts';
import type { FrontPoint } from '../../shared/recommendation.ts';
import { decodingPairs, recordedPairs } from '../lists/formulary-pairs.ts';
import {
  averagePrecision,
  bootstrapMean,
  calibrationError,
  countInteractions,
  type DrugLists,
  mean,
  pairedBootstrap,
  rankDrugs,
  safetyOf,
  type ScoreTable,
  setPerVisit,
} from '../evaluation/metrics.ts';
import type { PairMatrix } from '../lists/pair-matrix.ts';
import { positionsOf } from '../site/site-visits.ts';
import { visitGroups } from '../evaluation/subgroups.ts';
import type { SiteBaselines } from './baselines.ts';
import type { TrainingControl } from './control.ts';
import type { Scorer } from './local-scorer.ts';
import { ruleViolations, textbookViolations } from './probes.ts';
import type { DatedVisit } from './split-visits.ts';

export interface LocalEvaluationOptions {
  readonly before: Scorer;
  readonly after: Scorer;
  readonly baselines: SiteBaselines;
  readonly heldOut: readonly DatedVisit[];
  readonly knowledge: Knowledge;
  readonly control: TrainingControl;
  readonly onProgress?: (done: number, all: number) => void;
}

/** How much worse, in mean Jaccard, a group of at least GROUP_MINIMUM visits may become. */
export const GROUP_MARGIN = 0.02;
export const GROUP_MINIMUM = 10;
/** How much the DDI rate over visits may rise above that of the model before. */
export const INTERACTION_MARGIN = 0.01;
/** How much the calibration error may rise. */
export const CALIBRATION_MARGIN = 0.02;
const EXAMPLES = 10;

export interface LocalEvaluation {
  readonly evaluation: Evaluation;
  readonly examples: readonly SideBySide[];
}

/** What one model says of the held-out visits, in positions of the union formulary. */
interface Answers {
  /** Accuracy's list of each visit. */
  readonly lists: DrugLists;
  /** For each slider position the lists of all visits. */
  readonly grid: readonly { readonly alpha: number; readonly lists: DrugLists }[];
  readonly scores: ScoreTable;
}

export async function evaluateLocal(options: LocalEvaluationOptions): Promise<LocalEvaluation> {
  const { before, after, baselines, heldOut, knowledge, control, onProgress } = options;
  const union = [...new Set([...after.formulary, ...before.formulary])];
  const place = new Map(union.map((drug, i) => [drug, i]));
  const truth = heldOut.map(({ drugs }) => positionsOf(drugs, place));
  const pairs = recordedPairs(union, knowledge);
  const all = 2 * heldOut.length + 1;
  let done = 0;
  const tick = async (): Promise<void> => {
    await control.pass();
    onProgress?.((done += 1), all);
  };
  const old = await answersOf(before, heldOut, union, knowledge, tick);
  const fresh = await answersOf(after, heldOut, union, knowledge, tick);
  const decoding = decodingPairs(after.formulary, knowledge);
  let broken = 0;
  const scored = await after.score(heldOut.map(({ context }) => context));
  for (const [at, { context }] of heldOut.slice(0, EXAMPLES).entries())
    broken += await ruleViolations(after, context, scored[at]!.probabilities, decoding);
  const textbook = heldOut[0]
    ? await textbookViolations(after, heldOut[0].context, knowledge)
    : { tried: 0, violations: 0 };
  await tick();

  const copied = baselines.lists(heldOut, union);
  const rows: MeasuredRow[] = [
    rowOf('before', old.lists, truth, pairs, old.scores),
    rowOf('after', fresh.lists, truth, pairs, fresh.scores),
    ...copied.map(({ model, lists, scores }) => rowOf(model, lists, truth, pairs, scores)),
  ];
  const jaccards = new Map<MeasuredModel, Float64Array>([
    ['before', setPerVisit(old.lists, truth).jaccard],
    ['after', setPerVisit(fresh.lists, truth).jaccard],
    ...copied.map(({ model, lists }) => [model, setPerVisit(lists, truth).jaccard] as const),
  ]);
  const ours = jaccards.get('after')!;
  const differences = [...jaccards]
    .filter(([model]) => model !== 'after')
    .map(([against, theirs]) => ({ against, jaccard: difference(ours, theirs) }));
  const groups = compareGroups(heldOut, jaccards.get('before')!, ours);
  const evaluation: Evaluation = {
    protocol: {
      corpus: 'visits of this site',
      split: `the ${heldOut.length} visits of the patients seen last, held out of training`,
      formularySize: union.length,
      interactionTable: knowledge.interactionVersion,
      severityCut: EVALUATION_SEVERITY,
    },
    visits: heldOut.length,
    patients: new Set(heldOut.map(({ patient }) => patient)).size,
    rows,
    truth: safetyOf(truth, pairs),
    differences,
    fronts: { before: frontOf(old, truth, pairs), after: frontOf(fresh, truth, pairs) },
    groups,
    gates: gatesOf(rows, differences, groups, broken, textbook.violations),
  };
  return { evaluation, examples: examplesOf(heldOut, old.lists, fresh.lists, truth, union) };
}

async function answersOf(
  scorer: Scorer,
  visits: readonly DatedVisit[],
  union: readonly DrugId[],
  knowledge: Knowledge,
  tick: () => Promise<void>,
): Promise<Answers> {
  const place = new Map(union.map((drug, i) => [drug, i]));
  const places = scorer.formulary.map((drug) => place.get(drug)!);
  const pairs = decodingPairs(scorer.formulary, knowledge);
  const scored = await scorer.score(visits.map(({ context }) => context));
  const values = new Float32Array(visits.length * union.length);
  const grid: { alpha: number; lists: number[][] }[] = [];
  for (const [at, { context }] of visits.entries()) {
    const { probabilities } = scored[at]!;
    probabilities.forEach((p, drug) => (values[at * union.length + places[drug]!] = p));
    const points = await scorer.lists(context, { drugs: scorer.formulary, probabilities, pairs });
    points.forEach(({ alpha, list }, i) => {
      grid[i] ??= { alpha, lists: [] };
      grid[i].lists.push(list.map((drug) => place.get(drug)!));
    });
    await tick();
  }
  return {
    lists: grid[0]?.lists ?? [],
    grid,
    scores: { visits: visits.length, drugs: union.length, values },
  };
}

export function rowOf(
  model: MeasuredModel,
  lists: DrugLists,
  truth: DrugLists,
  pairs: PairMatrix,
  scores: ScoreTable | null,
): MeasuredRow {
  const { jaccard, f1 } = setPerVisit(lists, truth);
  const rates = lists.map((list) => interactionRate(countInteractions(list, pairs), list.length));
  const precision =
    scores &&
    truth.map((wanted, visit) =>
      averagePrecision(
        rankDrugs(scores.values.subarray(visit * scores.drugs, (visit + 1) * scores.drugs)),
        wanted,
      ),
    );
  return {
    model,
    jaccard: estimate(jaccard),
    f1: estimate(f1),
    prauc: precision && estimate(precision),
    ddiRate: estimate(rates),
    meanLength: mean(lists.map((list) => list.length)),
    calibrationError: scores && calibrationError(scores, truth).error,
  };
}

function gatesOf(
  rows: readonly MeasuredRow[],
  differences: Evaluation['differences'],
  groups: readonly GroupComparison[],
  broken: number,
  textbook: number,
): Gate[] {
  const row = (model: MeasuredModel): MeasuredRow => rows.find((one) => one.model === model)!;
  const gain = (model: MeasuredModel): Estimate =>
    differences.find(({ against }) => against === model)!.jaccard;
  const atLeast = (gate: Gate['gate'], value: number, limit: number): Gate => ({
    gate,
    passed: value >= limit,
    value,
    limit,
  });
  const atMost = (gate: Gate['gate'], value: number, limit: number): Gate => ({
    gate,
    passed: value <= limit,
    value,
    limit,
  });
  const large = groups.filter(({ visits }) => visits >= GROUP_MINIMUM);
  const worst = Math.min(0, ...large.map((group) => group.after - group.before));
  return [
    { ...atLeast('better-than-before', gain('before').low, 0), passed: gain('before').low > 0 },
    { ...atLeast('uses-the-visit', gain('frequency').low, 0), passed: gain('frequency').low > 0 },
    atLeast('subgroups', worst, -GROUP_MARGIN),
    atMost('interaction-rate', row('after').ddiRate.mean, row('before').ddiRate.mean + INTERACTION_MARGIN),
    atMost(
      'calibration',
      row('after').calibrationError ?? 0,
      (row('before').calibrationError ?? 0) + CALIBRATION_MARGIN,
    ),
    atMost('textbook-interactions', textbook, 0),
    atMost('hard-rules', broken, 0),
  ];
}

function compareGroups(
  visits: readonly DatedVisit[],
  before: Float64Array,
  after: Float64Array,
): GroupComparison[] {
  const names: Record<GroupPartition, (visit: DatedVisit) => string> = {
    age: (visit) => visitGroups(visit, () => undefined).age,
    sex: ({ context }) => context.sex,
    setting: ({ context }) => context.setting,
    history: ({ context }) => (context.previousMedications.length > 0 ? 'with' : 'without'),
  };
  return (Object.keys(names) as GroupPartition[]).flatMap((partition) => {
    const members = new Map<string, number[]>();
    visits.forEach((visit, i) => {
      const name = names[partition](visit);
      members.set(name, [...(members.get(name) ?? []), i]);
    });
    return [...members]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, at]) => {
        const [old, fresh] = [before, after].map((all) => Float64Array.from(at, (i) => all[i]!)) as [
          Float64Array,
          Float64Array,
        ];
        return {
          partition,
          name,
          visits: at.length,
          before: mean(old),
          after: mean(fresh),
          difference: difference(fresh, old),
        };
      });
  });
}

function frontOf({ grid }: Answers, truth: DrugLists, pairs: PairMatrix): FrontPoint[] {
  return grid.map(({ alpha, lists }) => {
    const { ddiRate, meanLength } = safetyOf(lists, pairs);
    return { alpha, jaccard: mean(setPerVisit(lists, truth).jaccard), interactionRate: ddiRate, meanLength };
  });
}

/** Spread over the held-out visits from the best change to the worst, so that nothing is picked to please. */
function examplesOf(
  visits: readonly DatedVisit[],
  before: DrugLists,
  after: DrugLists,
  truth: DrugLists,
  union: readonly DrugId[],
): SideBySide[] {
  const gains = setPerVisit(after, truth).jaccard.map(
    (value, i) => value - setPerVisit([before[i]!], [truth[i]!]).jaccard[0]!,
  );
  const ranked = visits.map((_, i) => i).sort((a, b) => gains[b]! - gains[a]! || a - b);
  const count = Math.min(EXAMPLES, ranked.length);
  const names = (list: readonly number[]): DrugId[] => list.map((drug) => union[drug]!);
  return Array.from({ length: count }, (_, i) => {
    const at = ranked[count === 1 ? 0 : Math.round((i * (ranked.length - 1)) / (count - 1))]!;
    return {
      visitId: asId<VisitId>(visits[at]!.id),
      truth: names(truth[at]!),
      before: names(before[at]!),
      after: names(after[at]!),
    };
  });
}

function estimate(values: ArrayLike<number>): Estimate {
  return { mean: mean(values), ...bootstrapMean(values) };
}

function difference(a: Float64Array, b: Float64Array): Estimate {
  const { difference: value, low, high } = pairedBootstrap(a, b);
  return { mean: value, low, high };
}
