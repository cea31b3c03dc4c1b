/**
 * π_list, supervised (METHOD section 2): from lists with π_cls's errors to what is missing and what is wrong. Reads no
 * corpus file; the reward of a list plays no part.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { Trainer } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { rowOf } from '../evaluation/metrics.ts';
import type { PolicyMode } from './actions.ts';
import type { PolicyConfig, PolicyShape, PolicyTables } from './network.ts';
import { supervisedObjective } from './objectives.ts';
import { type ContextSource, corruptList, errorStatistics, type PolicyCorpus } from './policy-corpus.ts';
import { PolicyCheckpoint } from './policy-checkpoint.ts';
import { prefixRow, SequenceBatch, writePrefix } from './sequence-batch.ts';

export interface SupervisedSettings {
  readonly rows: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Share of rows that start from an empty list; the rest from a list with errors. */
  readonly emptyStart: number;
  readonly mode: PolicyMode;
  readonly seed: number;
}

export interface PolicyTrainingRun {
  readonly config: PolicyConfig;
  readonly shape: PolicyShape;
  readonly tables: PolicyTables;
  readonly vectors: ContextSource;
  readonly corpus: PolicyCorpus;
  readonly threads?: number;
  /** Asked before each session of training steps; absent: on the CPU. */
  readonly device?: { session(): SessionOptions };
  readonly signal?: AbortSignal;
  /** Waited for between steps: how a run is paused and cancelled where a signal is not enough. */
  readonly pass?: () => Promise<void>;
  /** Weights to start from; fresh ones unless given. */
  readonly start?: ReadonlyMap<string, HostTensor>;
  /** State is kept here now and then, and at the end; an existing file of the same run is gone on with bit for bit. */
  readonly checkpoint?: string;
  /** Steps, or rounds of reinforcement, between two reports. */
  readonly reportEvery?: number;
  readonly onProgress?: (progress: PolicyProgress) => void;
}

export interface PolicyProgress {
  readonly step: number;
  readonly steps: number;
  /** Means since the last report. */
  readonly values: Readonly<Record<string, number>>;
  readonly secondsLeft: number;
}

const REPORT_EVERY = 25;
const SAVE_EVERY = 20;
const FLOOR = 0.05;
/** What clinicians prescribed is what accuracy alone asks for. */
const IMITATION_ALPHA = 0;
const WARMUP = 100;

/** @throws FlameError CANCELLED */
export async function trainSupervised(
  run: PolicyTrainingRun,
  settings: SupervisedSettings,
): Promise<Map<string, HostTensor>> {
  const { config, shape, tables, vectors, corpus } = run;
  const { rows, steps, seed, mode } = settings;
  const batch = new SequenceBatch(config, shape, rows);
  const statistics = errorStatistics(corpus);
  const truth = new Float32Array(rows * shape.drugs);
  const weights = new Float32Array(rows * config.actionSlots);
  const kept = new PolicyCheckpoint(
    run.checkpoint,
    JSON.stringify(['supervised', settings, corpus.visits.visits]),
  );
  const saved = kept.read();
  if (saved && saved.round >= steps) return new Map(saved.state.parameters);
  const random = saved ? new Random(saved.random) : Random.for(seed, 'supervised');
  const trainer = await Trainer.create((scope) => supervisedObjective(scope, config, shape, tables, rows), {
    seed,
    optimizer: { weightDecay: settings.weightDecay, clipNorm: 1, beta2: 0.99 },
    session: sessionOf(run),
    ...(run.start ? { parameters: run.start } : {}),
    ...(saved ? { resume: saved.state } : {}),
  });
  const report = progressMeter(steps, run.onProgress, run.reportEvery ?? REPORT_EVERY, trainer.steps);
  try {
    while (trainer.steps < steps) {
      if (run.signal?.aborted) throw new FlameError('CANCELLED');
      await run.pass?.();
      truth.fill(0);
      weights.fill(0);
      let positions = 0;
      for (let row = 0; row < rows; row += 1) {
        const visit = random.int(corpus.visits.visits);
        const wanted = corpus.visits.truth[visit]!;
        for (const drug of wanted) truth[row * shape.drugs + drug] = 1;
        const start =
          random.uniform() < settings.emptyStart
            ? []
            : corruptList(wanted, rowOf(corpus.scores, visit), statistics, random);
        writePrefix(batch.prefix, row, prefixRow(corpus, visit, start), vectors, config);
        const actions = correctActions(start, wanted, batch.space.drugs, mode, random);
        const used = batch.writeActions(row, start, actions, IMITATION_ALPHA, mode);
        weights.fill(1, row * config.actionSlots, row * config.actionSlots + used);
        positions += used;
      }
      for (let i = 0; i < weights.length; i += 1) weights[i]! /= positions;
      const learningRate = warmupCosine(
        { peak: settings.learningRate, warmupSteps: WARMUP, totalSteps: steps, floor: FLOOR },
        trainer.steps,
      );
      const { loss } = await trainer.step({ ...batch.inputs(random), truth, weights }, { learningRate });
      report(trainer.steps, { loss });
      if (trainer.steps % SAVE_EVERY === 0 || trainer.steps >= steps)
        kept.save(trainer.state(), random, trainer.steps);
    }
    return copyOf(trainer.parameters());
  } finally {
    await trainer.close();
  }
}

/** Everything that is still to do, in random order, then stop. */
export function correctActions(
  start: readonly number[],
  truth: readonly number[],
  drugs: number,
  mode: PolicyMode,
  random: Random,
): number[] {
  const missing = mode === 'remove' ? [] : truth.filter((drug) => !start.includes(drug));
  const wrong = mode === 'add' ? [] : start.filter((drug) => !truth.includes(drug));
  return [...random.shuffle([...missing, ...wrong.map((drug) => drugs + drug)]), 2 * drugs];
}

export function copyOf(parameters: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map([...parameters].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
}

/** Reports means every few steps. */
export function progressMeter(
  steps: number,
  onProgress: PolicyTrainingRun['onProgress'],
  every = REPORT_EVERY,
  first = 0,
): (step: number, values: Readonly<Record<string, number>>) => void {
  const started = performance.now();
  let sums: Record<string, number> = {};
  let count = 0;
  return (step, values) => {
    for (const [name, value] of Object.entries(values)) sums[name] = (sums[name] ?? 0) + value;
    count += 1;
    if (!onProgress || (step % every !== 0 && step !== steps)) return;
    const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / count]));
    const secondsLeft = ((performance.now() - started) / 1000 / (step - first)) * (steps - step);
    onProgress({ step, steps, values: means, secondsLeft });
    sums = {};
    count = 0;
  };
}

/** Where training steps run, and on how many threads. */
export function sessionOf({ threads, device }: PolicyTrainingRun): SessionOptions {
  return { ...(threads === undefined ? {} : { threads }), ...device?.session() };
}
