/**
 * Reinforcement of π_list from its own lists: step-wise GRPO, outcome-only GRPO (λ = 0), and expected step credit. Rewards
 * come from potential.ts; reads no corpus file.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import { InferenceModel } from '../../nn/inference.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import { type BuildObjective } from '../../nn/train-step.ts';
import { Trainer } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { rowOf } from '../metrics.ts';
import type { PolicyMode } from './actions.ts';
import { policySequences } from './network.ts';
import { expectedCreditObjective, grpoObjective, type GrpoSettings, logSumExp } from './objectives.ts';
import { corruptList, errorStatistics } from './policy-corpus.ts';
import { type CreditSettings, groupAdvantages, ListState } from './potential.ts';
import { logProbabilityOf, PolicyRunner, type RunRow, sampleAction, type Sequence } from './runner.ts';
import { prefixRow, SequenceBatch, writePrefix } from './sequence-batch.ts';
import { copyOf, type PolicyTrainingRun, progressMeter } from './train-supervised.ts';
import { gatherColumns } from '../../nn/gather-ops.ts';
import { sub } from '../../nn/ops.ts';
import { reshape } from '../../nn/shape-ops.ts';

export interface ReinforcedSettings extends CreditSettings, GrpoSettings {
  readonly objective: 'grpo' | 'expected-credit';
  /** Visits of one round of rollouts, and samples of each (G). */
  readonly visits: number;
  readonly group: number;
  /** Rows of one update; a round is cut into visits·group / rows updates with the same sampling policy. */
  readonly rows: number;
  readonly rounds: number;
  readonly learningRate: number;
  readonly temperature: number;
  /** Weight of the entropy, for expected credit. */
  readonly entropyWeight: number;
  /** Weight of refusals in φ; decoding is constrained, so nothing is refused. */
  readonly beta: number;
  /** Share of groups that start from a list with drawn errors; the others start from π_cls's own list. */
  readonly corruptedStart: number;
  readonly mode: PolicyMode;
  readonly seed: number;
}

/** How much φ weighs the interaction rate at a slider position: 0 at accuracy, so much at safety that no pair pays. */
export function interactionWeight(alpha: number): number {
  const LARGEST = 10;
  return alpha >= 1 ? LARGEST : Math.min(LARGEST, (0.2 * alpha) / (1 - alpha));
}

/** @throws FlameError CANCELLED */
export async function trainReinforced(
  run: PolicyTrainingRun,
  settings: ReinforcedSettings,
  from: ReadonlyMap<string, HostTensor>,
): Promise<Map<string, HostTensor>> {
  const { config, shape, tables, vectors, corpus } = run;
  const { rows, group, seed, mode, objective } = settings;
  const sequences = settings.visits * group;
  const updates = Math.floor(sequences / rows);
  if (updates * rows !== sequences)
    throw new FlameError('INVALID_INPUT', {
      problem: `${sequences} sequences do not fill updates of ${rows}`,
    });
  const session = run.threads === undefined ? {} : { session: { threads: run.threads } };
  const build: BuildObjective = (scope) =>
    objective === 'grpo'
      ? grpoObjective(scope, config, shape, tables, rows, settings)
      : expectedCreditObjective(scope, config, shape, tables, rows, settings.entropyWeight);
  const trainer = await Trainer.create(build, {
    seed,
    parameters: from,
    optimizer: { weightDecay: 0, clipNorm: 1, beta2: 0.99 },
    ...session,
  });
  const reference = referenceModel(run, rows, copyOf(from));
  const batch = new SequenceBatch(config, shape, rows);
  const cells = rows * config.actionSlots;
  const extra = {
    chosen: new Int32Array(cells),
    advantages: new Float32Array(cells),
    oldLogProbabilities: new Float32Array(cells),
    referenceLogProbabilities: new Float32Array(cells),
    weights: new Float32Array(cells),
    truth: new Float32Array(rows * shape.drugs),
    counts: new Float32Array(cells * 3),
    truthSizes: new Float32Array(cells),
    interactionWeights: new Float32Array(cells),
  };
  const statistics = errorStatistics(corpus);
  const random = Random.for(seed, 'rollouts');
  const total = settings.rounds * updates;
  const report = progressMeter(settings.rounds, run.onProgress, 5);
  try {
    for (let round = 0; round < settings.rounds; round += 1) {
      if (run.signal?.aborted) throw new FlameError('CANCELLED');
      const drawn = Array.from({ length: settings.visits }, () => {
        const visit = random.int(corpus.visits.visits);
        const truth = corpus.visits.truth[visit]!;
        const start =
          random.uniform() < settings.corruptedStart
            ? corruptList(truth, rowOf(corpus.scores, visit), statistics, random)
            : corpus.lists[visit]!;
        return { visit, truth, start, alpha: sampleAlpha(random) };
      });
      const runner = new PolicyRunner({
        ...run,
        parameters: trainer.parameters(),
        maxRows: sequences,
        buckets: [Math.min(256, sequences)],
      });
      const runRows: RunRow[] = drawn.flatMap(({ alpha }, prefix) =>
        Array.from({ length: group }, () => ({ prefix, alpha, mode })),
      );
      const logProbabilities = runRows.map((): number[] => []);
      const sampled = await runner.run(
        drawn.map(({ visit, start }) => prefixRow(corpus, visit, start)),
        runRows,
        ({ row }, logits) => {
          const action = sampleAction(logits, settings.temperature, random.uniform());
          logProbabilities[row]!.push(logProbabilityOf(logits, action));
          return action;
        },
      );
      await runner.close();
      const judged = sampled.map((sequence, i) => judge(sequence, drawn[Math.floor(i / group)]!, run));
      const advantages = drawn.flatMap((_, i) =>
        groupAdvantages(
          judged.slice(i * group, (i + 1) * group).map(({ potentials }) => potentials),
          settings,
        ),
      );
      const order = random.shuffle(Uint32Array.from({ length: sequences }, (_, i) => i));
      for (let update = 0; update < updates; update += 1) {
        let positions = 0;
        for (const name of ['weights', 'truth'] as const) extra[name].fill(0);
        for (let row = 0; row < rows; row += 1) {
          const at = order[update * rows + row]!;
          const { visit, start, alpha, truth } = drawn[Math.floor(at / group)]!;
          const { actions } = sampled[at]!;
          const { counts } = judged[at]!;
          writePrefix(batch.prefix, row, prefixRow(corpus, visit, start), vectors, config);
          const used = batch.writeActions(row, start, actions, alpha, mode);
          for (const drug of truth) extra.truth[row * shape.drugs + drug] = 1;
          for (let n = 0; n < config.actionSlots; n += 1) {
            const cell = row * config.actionSlots + n;
            const inside = n < used;
            extra.chosen[cell] = inside ? actions[n]! : batch.space.stop;
            extra.advantages[cell] = inside ? advantages[at]![n]! : 0;
            extra.oldLogProbabilities[cell] = inside ? logProbabilities[at]![n]! : 0;
            extra.weights[cell] = inside ? 1 : 0;
            extra.truthSizes[cell] = truth.length;
            extra.interactionWeights[cell] = interactionWeight(alpha);
            extra.counts.set(counts[Math.min(n, counts.length - 1)]!, cell * 3);
          }
          positions += used;
        }
        for (let i = 0; i < cells; i += 1) extra.weights[i]! /= positions;
        const inputs = batch.inputs();
        const learningRate = warmupCosine(
          { peak: settings.learningRate, warmupSteps: Math.min(20, total), totalSteps: total, floor: 0.1 },
          trainer.steps,
        );
        if (objective === 'grpo') {
          const { chosen, weights } = extra;
          if (settings.klWeight > 0) {
            const { logProbability } = await reference.run({ ...inputs, chosen: chosen }, rows);
            const values = logProbability!.data as Float32Array;
            extra.referenceLogProbabilities.set(values);
          } else extra.referenceLogProbabilities.set(extra.oldLogProbabilities);
          // Padding has no weight; equal log-probabilities keep its ratio finite.
          for (let i = 0; i < cells; i += 1)
            if (weights[i] === 0) extra.oldLogProbabilities[i] = extra.referenceLogProbabilities[i]!;
        }
        const given =
          objective === 'grpo'
            ? {
                chosen: extra.chosen,
                advantages: extra.advantages,
                oldLogProbabilities: extra.oldLogProbabilities,
                referenceLogProbabilities: extra.referenceLogProbabilities,
                weights: extra.weights,
              }
            : {
                truth: extra.truth,
                counts: extra.counts,
                truthSizes: extra.truthSizes,
                interactionWeights: extra.interactionWeights,
                weights: extra.weights,
              };
        await trainer.step({ ...inputs, ...given }, { learningRate });
      }
      const mean = (pick: (one: Judged) => number): number =>
        judged.reduce((sum, one) => sum + pick(one), 0) / judged.length;
      report(round + 1, {
        reward: mean(({ potentials }) => potentials.at(-1)! - potentials[0]!),
        potential: mean(({ potentials }) => potentials.at(-1)!),
        edits: mean(({ potentials }) => potentials.length - 1),
      });
    }
    return copyOf(trainer.parameters());
  } finally {
    await trainer.close();
    await reference.close();
  }
}

/** A third of the groups at each end of the slider, the rest between. */
function sampleAlpha(random: Random): number {
  const u = random.uniform();
  return u < 0.3 ? 0 : u < 0.45 ? 1 : random.uniform();
}

interface Judged {
  /** φ(M_0) … φ(M_N): one more than actions; a stop changes nothing. */
  readonly potentials: readonly number[];
  /** Hits, size and pairs before each action. */
  readonly counts: readonly (readonly [number, number, number])[];
}

function judge(
  { start, actions }: Sequence,
  { truth, alpha }: { readonly truth: readonly number[]; readonly alpha: number },
  { tables, shape }: Pick<PolicyTrainingRun, 'tables' | 'shape'>,
): Judged {
  const weights = { alpha: interactionWeight(alpha), beta: 0 };
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

/** log π_ref of the chosen actions of whole sequences. */
function referenceModel(
  { config, shape, tables, threads }: PolicyTrainingRun,
  rows: number,
  parameters: ReadonlyMap<string, HostTensor>,
): InferenceModel {
  const plain = { ...config, dropout: 0 };
  return new InferenceModel(
    (scope) => {
      const positions = rows * config.actionSlots;
      const { logits } = policySequences(scope, plain, shape, tables, rows);
      const chosen = reshape(scope.input('chosen', 'int32', [rows, config.actionSlots]), [positions, 1]);
      const logProbability = sub(gatherColumns(logits, chosen), logSumExp(logits));
      return { logProbability: reshape(logProbability, [rows, config.actionSlots]) };
    },
    { parameters, buckets: [rows], ...(threads === undefined ? {} : { session: { threads } }) },
  );
}
