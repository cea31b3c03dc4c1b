/**
 * Rollouts of the list policy: groups of sampled lists from one state each, judged by the potential and credited step by
 * step (METHOD section 1). Updates no weight.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Random } from '../../nn/random.ts';
import { rowOf } from '../evaluation/metrics.ts';
import type { PolicyMode } from './actions.ts';
import { corruptList, type ErrorStatistics, type PolicyCorpus } from './policy-corpus.ts';
import { type CreditSettings, groupAdvantages, ListState } from './potential.ts';
import { logProbabilityOf, PolicyRunner, type RunRow, sampleAction, type Sequence } from './runner.ts';
import { prefixRow } from './sequence-batch.ts';
import type { PolicyTrainingRun } from './train-supervised.ts';

export interface RolloutSettings extends CreditSettings {
  /** Visits of one round of rollouts, and samples of each (G). */
  readonly visits: number;
  readonly group: number;
  readonly temperature: number;
  /** Weight of refusals in φ; decoding is constrained, so nothing is refused. */
  readonly beta: number;
  /** Share of groups that start from a list with drawn errors; the others start from π_cls's own list. */
  readonly corruptedStart: number;
  readonly mode: PolicyMode;
  /** Slider positions to learn for, lowest and highest; all of them unless said. */
  readonly alphaRange?: readonly [number, number];
}

/** What all samples of a group share. */
export interface Group {
  readonly visit: number;
  readonly truth: readonly number[];
  readonly start: readonly number[];
  readonly alpha: number;
}

export interface Rollout {
  readonly group: Group;
  readonly actions: readonly number[];
  /** log π of each action by the policy that sampled it, at temperature 1. */
  readonly logProbabilities: readonly number[];
  /** φ(M_0) … φ(M_N): one more than actions; a stop changes nothing. */
  readonly potentials: readonly number[];
  /** Hits, size and interacting pairs before each action, and at the end. */
  readonly counts: readonly (readonly [number, number, number])[];
  /** Â of each action. */
  readonly advantages: Float64Array;
}

/** Sequences that are decoded at once. */
const BATCH = 256;

/** How much φ weighs the interaction rate at a slider position: 0 at accuracy, so much at safety that no pair pays. */
export function interactionWeight(alpha: number): number {
  const LARGEST = 10;
  return alpha >= 1 ? LARGEST : Math.min(LARGEST, (0.2 * alpha) / (1 - alpha));
}

/** 30 % of the groups at accuracy, 15 % at safety, the rest between. */
function sampleAlpha(random: Random, [low, high]: readonly [number, number]): number {
  const u = random.uniform();
  const place = u < 0.3 ? 0 : u < 0.45 ? 1 : random.uniform();
  return low + (high - low) * place;
}

export function drawGroups(
  corpus: PolicyCorpus,
  statistics: ErrorStatistics,
  {
    visits,
    corruptedStart,
    alphaRange = [0, 1],
  }: Pick<RolloutSettings, 'visits' | 'corruptedStart' | 'alphaRange'>,
  random: Random,
): Group[] {
  return Array.from({ length: visits }, () => {
    const visit = random.int(corpus.visits.visits);
    const truth = corpus.visits.truth[visit]!;
    const start =
      random.uniform() < corruptedStart
        ? corruptList(truth, rowOf(corpus.scores, visit), statistics, random)
        : corpus.lists[visit]!;
    return { visit, truth, start, alpha: sampleAlpha(random, alphaRange) };
  });
}

/** `settings.group` lists from each group's state by the policy of `parameters`, group after group. */
export async function rollOut(
  run: PolicyTrainingRun,
  settings: RolloutSettings,
  parameters: ReadonlyMap<string, HostTensor>,
  groups: readonly Group[],
  random: Random,
): Promise<Rollout[]> {
  const { group: samples, mode, temperature } = settings;
  const maxRows = groups.length * samples;
  const runner = new PolicyRunner({ ...run, parameters, maxRows, buckets: [Math.min(BATCH, maxRows)] });
  const rows: RunRow[] = groups.flatMap(({ alpha }, prefix) =>
    Array.from({ length: samples }, () => ({ prefix, alpha, mode })),
  );
  const logProbabilities = rows.map((): number[] => []);
  const sequences = await runner.run(
    groups.map(({ visit, start }) => prefixRow(run.corpus, visit, start)),
    rows,
    ({ row }, logits) => {
      const action = sampleAction(logits, temperature, random.uniform());
      logProbabilities[row]!.push(logProbabilityOf(logits, action));
      return action;
    },
  );
  await runner.close();
  return groups.flatMap((group, i) => {
    const own = sequences.slice(i * samples, (i + 1) * samples);
    const judged = own.map((sequence) => judge(sequence, group, settings, run));
    const advantages = groupAdvantages(
      judged.map(({ potentials }) => potentials),
      settings,
    );
    return judged.map((one, n) => ({
      group,
      actions: own[n]!.actions,
      logProbabilities: logProbabilities[i * samples + n]!,
      ...one,
      advantages: advantages[n]!,
    }));
  });
}

function judge(
  { start, actions }: Sequence,
  { truth, alpha }: Group,
  { beta }: Pick<RolloutSettings, 'beta'>,
  { tables, shape }: Pick<PolicyTrainingRun, 'tables' | 'shape'>,
): Pick<Rollout, 'potentials' | 'counts'> {
  const weights = { alpha: interactionWeight(alpha), beta };
  const state = new ListState(start, truth, tables.pairs);
  const potentials = [state.potential(weights)];
  const counts = [state.counts];
  for (const id of actions) {
    if (id < shape.drugs) state.add(id);
    else if (id < 2 * shape.drugs) state.remove(id - shape.drugs);
    potentials.push(state.potential(weights));
    counts.push(state.counts);
  }
  return { potentials, counts };
}
