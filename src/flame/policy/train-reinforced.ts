/**
 * Reinforcement of π_list from its own lists: step-wise GRPO, outcome-only GRPO (λ = 0), and expected step credit. Rewards
 * come from rollouts.ts; reads no corpus file.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import { InferenceModel } from '../../nn/inference.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import { reshape } from '../../nn/shape-ops.ts';
import { type Batch, Trainer } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { policySequences } from './network.ts';
import {
  chosenLogProbability,
  expectedCreditObjective,
  grpoObjective,
  type GrpoSettings,
} from './objectives.ts';
import { interactionRate } from '../../shared/interactions.ts';
import { PolicyCheckpoint } from './policy-checkpoint.ts';
import { errorStatistics } from './policy-corpus.ts';
import { jaccard } from './potential.ts';
import { drawGroups, interactionWeight, type Rollout, rollOut, type RolloutSettings } from './rollouts.ts';
import { prefixRow, SequenceBatch, writePrefix } from './sequence-batch.ts';
import { copyOf, type PolicyTrainingRun, progressMeter, sessionOf } from './train-supervised.ts';

export interface ReinforcedSettings extends RolloutSettings, GrpoSettings {
  readonly objective: 'grpo' | 'expected-credit';
  /** Rows of one update; a round is cut into visits·group / rows updates with the same sampling policy. */
  readonly rows: number;
  readonly rounds: number;
  readonly learningRate: number;
  /** Weight of the entropy, for expected credit. */
  readonly entropyWeight: number;
  readonly seed: number;
}

const WARMUP = 20;
const FLOOR = 0.1;
const REPORT_EVERY = 5;

/** @throws FlameError INVALID_INPUT when rounds do not fill whole updates, CANCELLED */
export async function trainReinforced(
  run: PolicyTrainingRun,
  settings: ReinforcedSettings,
  from: ReadonlyMap<string, HostTensor>,
): Promise<Map<string, HostTensor>> {
  const { config, shape, tables, corpus } = run;
  const { rows, seed, objective, klWeight, rounds } = settings;
  const sequences = settings.visits * settings.group;
  const updates = Math.floor(sequences / rows);
  if (updates * rows !== sequences)
    throw new FlameError('INVALID_INPUT', {
      problem: `${sequences} sequences do not fill updates of ${rows}`,
    });
  const kept = new PolicyCheckpoint(
    run.checkpoint,
    JSON.stringify(['reinforced', settings, corpus.visits.visits]),
  );
  const saved = kept.read();
  if (saved && saved.round >= rounds) return new Map(saved.state.parameters);
  const trainer = await Trainer.create(
    (scope) =>
      objective === 'grpo'
        ? grpoObjective(scope, config, shape, tables, rows, settings)
        : expectedCreditObjective(scope, config, shape, tables, rows, settings.entropyWeight),
    {
      seed,
      parameters: from,
      optimizer: { weightDecay: 0, clipNorm: 1, beta2: 0.99 },
      session: sessionOf(run),
      ...(saved ? { resume: saved.state } : {}),
    },
  );
  const reference = referenceModel(run, rows, copyOf(from));
  const batch = new UpdateBatch(run, settings);
  const statistics = errorStatistics(corpus);
  const random = saved ? new Random(saved.random) : Random.for(seed, 'rollouts');
  const first = saved?.round ?? 0;
  const total = rounds * updates;
  const report = progressMeter(rounds, run.onProgress, run.reportEvery ?? REPORT_EVERY, first);
  try {
    for (let round = first; round < rounds; round += 1) {
      if (run.signal?.aborted) throw new FlameError('CANCELLED');
      let [divergence, measured] = [0, 0];
      const groups = drawGroups(corpus, statistics, settings, random);
      const rollouts = await rollOut(run, settings, trainer.parameters(), groups, random);
      const order = random.shuffle(Uint32Array.from({ length: sequences }, (_, i) => i));
      for (let update = 0; update < updates; update += 1) {
        await run.pass?.();
        const drawn = order.subarray(update * rows, (update + 1) * rows);
        batch.fill(Array.from(drawn, (at) => rollouts[at]!));
        const before =
          objective === 'grpo' && klWeight > 0 ? await logProbabilities(reference, batch, rows) : null;
        if (before) {
          divergence += batch.divergenceFrom(before);
          measured += 1;
        }
        const inputs = objective === 'grpo' ? batch.forGrpo(before) : batch.forExpectedCredit();
        const learningRate = warmupCosine(
          {
            peak: settings.learningRate,
            warmupSteps: Math.min(WARMUP, total),
            totalSteps: total,
            floor: FLOOR,
          },
          trainer.steps,
        );
        await trainer.step(inputs, { learningRate });
      }
      const kl = measured === 0 ? {} : { kl: divergence / measured };
      report(round + 1, { ...summaryOf(rollouts), ...kl });
      kept.save(trainer.state(), random, round + 1);
    }
    return copyOf(trainer.parameters());
  } finally {
    await trainer.close();
    await reference.close();
  }
}

function summaryOf(
  rollouts: readonly Rollout[],
): Record<'reward' | 'potential' | 'edits' | 'jaccard' | 'ddi', number> {
  const mean = (pick: (one: Rollout) => number): number =>
    rollouts.reduce((sum, one) => sum + pick(one), 0) / rollouts.length;
  return {
    reward: mean(({ potentials }) => potentials.at(-1)! - potentials[0]!),
    potential: mean(({ potentials }) => potentials.at(-1)!),
    edits: mean(({ potentials }) => potentials.length - 1),
    jaccard: mean(({ counts, group }) => {
      const [hits, size] = counts.at(-1)!;
      return jaccard(hits, size, group.truth.length);
    }),
    ddi: mean(({ counts }) => {
      const [, size, pairs] = counts.at(-1)!;
      return interactionRate(pairs, size);
    }),
  };
}

/** The inputs of one update, filled from rollouts and reused from update to update. */
class UpdateBatch {
  private readonly run: PolicyTrainingRun;
  private readonly settings: ReinforcedSettings;
  private readonly sequences: SequenceBatch;
  private readonly chosen: Int32Array;
  private readonly advantages: Float32Array;
  private readonly old: Float32Array;
  private readonly weights: Float32Array;
  private readonly truth: Float32Array;
  private readonly counts: Float32Array;
  private readonly truthSizes: Float32Array;
  private readonly interactionWeights: Float32Array;

  constructor(run: PolicyTrainingRun, settings: ReinforcedSettings) {
    const { config, shape } = run;
    const cells = settings.rows * config.actionSlots;
    this.run = run;
    this.settings = settings;
    this.sequences = new SequenceBatch(config, shape, settings.rows);
    this.chosen = new Int32Array(cells);
    this.advantages = new Float32Array(cells);
    this.old = new Float32Array(cells);
    this.weights = new Float32Array(cells);
    this.truth = new Float32Array(settings.rows * shape.drugs);
    this.counts = new Float32Array(cells * 3);
    this.truthSizes = new Float32Array(cells);
    this.interactionWeights = new Float32Array(cells);
  }

  fill(rollouts: readonly Rollout[]): void {
    this.weights.fill(0);
    this.truth.fill(0);
    let positions = 0;
    rollouts.forEach((rollout, row) => (positions += this.write(rollout, row)));
    for (let i = 0; i < this.weights.length; i += 1) this.weights[i]! /= positions;
  }

  /** Estimate of KL(π ‖ π_ref) an action, e^(r−o) − (r−o) − 1 averaged over chosen actions (Schulman 2020, k3). */
  divergenceFrom(reference: Float32Array): number {
    let sum = 0;
    this.old.forEach((own, i) => {
      const ratio = reference[i]! - own;
      sum += this.weights[i]! * (Math.exp(ratio) - ratio - 1);
    });
    return sum;
  }

  /** @param reference log π_ref of the chosen actions; null without a penalty, when nobody asks */
  forGrpo(reference: Float32Array | null): Batch {
    const referenceLogProbabilities = reference ?? this.old;
    // Padding has no weight; equal log-probabilities keep its ratio finite.
    const oldLogProbabilities = this.old.map((value, i) =>
      this.weights[i] === 0 ? referenceLogProbabilities[i]! : value,
    );
    const { chosen, advantages, weights } = this;
    return {
      ...this.sequences.inputs(),
      chosen,
      advantages,
      oldLogProbabilities,
      referenceLogProbabilities,
      weights,
    };
  }

  forExpectedCredit(): Batch {
    const { truth, counts, truthSizes, interactionWeights, weights } = this;
    return { ...this.sequences.inputs(), truth, counts, truthSizes, interactionWeights, weights };
  }

  forReference(): Batch {
    return { ...this.sequences.inputs(), chosen: this.chosen };
  }

  /** @returns number of positions that hold an action */
  private write({ group, actions, logProbabilities, counts, advantages }: Rollout, row: number): number {
    const { config, shape, corpus, vectors } = this.run;
    const { visit, start, alpha, truth } = group;
    writePrefix(this.sequences.prefix, row, prefixRow(corpus, visit, start), vectors, config);
    const used = this.sequences.writeActions(row, start, actions, alpha, this.settings.mode);
    for (const drug of truth) this.truth[row * shape.drugs + drug] = 1;
    for (let n = 0; n < config.actionSlots; n += 1) {
      const cell = row * config.actionSlots + n;
      const inside = n < used;
      this.chosen[cell] = inside ? actions[n]! : this.sequences.space.stop;
      this.advantages[cell] = inside ? advantages[n]! : 0;
      this.old[cell] = inside ? logProbabilities[n]! : 0;
      this.weights[cell] = inside ? 1 : 0;
      this.truthSizes[cell] = truth.length;
      this.interactionWeights[cell] = interactionWeight(alpha);
      this.counts.set(counts[Math.min(n, counts.length - 1)]!, cell * 3);
    }
    return used;
  }
}

async function logProbabilities(
  reference: InferenceModel,
  batch: UpdateBatch,
  rows: number,
): Promise<Float32Array> {
  const { logProbability } = await reference.run(batch.forReference(), rows);
  return logProbability!.data as Float32Array;
}

/** log π_ref of the chosen actions of whole sequences. */
function referenceModel(
  { config, shape, tables, threads }: PolicyTrainingRun,
  rows: number,
  parameters: ReadonlyMap<string, HostTensor>,
): InferenceModel {
  const plain = { ...config, dropout: 0 };
  const cells = [rows, config.actionSlots];
  return new InferenceModel(
    (scope) => {
      const { logits } = policySequences(scope, plain, shape, tables, rows);
      const logProbability = chosenLogProbability(logits, scope.input('chosen', 'int32', cells));
      return { logProbability: reshape(logProbability, cells) };
    },
    { parameters, buckets: [rows], ...(threads === undefined ? {} : { session: { threads } }) },
  );
}
