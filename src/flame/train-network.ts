/** Trains any network of network.ts on encoded visits: schedule, progress, cancellation, resume. Reads no corpus file. */

import { existsSync, rmSync } from 'node:fs';
import { binaryCrossEntropy } from '../nn/losses.ts';
import { loadCheckpoint, saveCheckpoint } from '../nn/checkpoint.ts';
import type { HostTensor } from '../nn/dtype.ts';
import { Random } from '../nn/random.ts';
import { warmupCosine } from '../nn/schedule.ts';
import type { BuildObjective } from '../nn/train-step.ts';
import { Trainer, type TrainerState } from '../nn/trainer.ts';
import { FlameError } from '../shared/errors.ts';
import { BatchFiller, type BatchSettings } from './batches.ts';
import type { EncodedCorpus } from './encoding.ts';
import { buildNetwork, foldDrugFeatures, type NetworkConfig, type NetworkPriors } from './network.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface TrainingSettings extends BatchSettings {
  readonly epochs: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly seed: number;
}

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  /** Mean over the steps since the last report, summed over drugs, averaged over visits. */
  readonly loss: number;
  readonly secondsLeft: number;
}

export interface TrainingRun {
  readonly network: NetworkConfig;
  readonly settings: TrainingSettings;
  readonly vocabulary: Vocabulary;
  readonly train: EncodedCorpus;
  readonly drugFeatures?: NetworkPriors['drugFeatures'];
  /** Threads of the training session. */
  readonly threads?: number;
  /** State is saved here each epoch and on cancellation; an existing file of the same run is gone on with. */
  readonly checkpoint?: string;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

const WARMUP_STEPS = 200;
/** The rate at the end as a share of the peak. */
const RATE_FLOOR = 0.02;
const CLIP_NORM = 5;
const BETA2 = 0.99;
const REPORT_EVERY = 25;

/**
 * Trains to the end of the schedule and returns the weights to ship.
 * @throws FlameError CANCELLED when `signal` fires; with a checkpoint the run can be gone on with.
 */
export async function trainNetwork(run: TrainingRun): Promise<Map<string, HostTensor>> {
  const { network, settings, vocabulary, train } = run;
  const stepsPerEpoch = Math.floor(train.visits / settings.rows);
  if (stepsPerEpoch === 0)
    throw new FlameError('INVALID_INPUT', {
      problem: `${train.visits} training visits do not fill one batch of ${settings.rows}`,
    });
  const steps = Math.round(settings.epochs * stepsPerEpoch);
  const fingerprint = JSON.stringify({
    network,
    settings,
    visits: train.visits,
    size: vocabulary.features.length,
  });
  const saved = run.checkpoint ? readCheckpoint(run.checkpoint, fingerprint) : undefined;
  const trainer = await Trainer.create(objective(run), {
    seed: settings.seed,
    optimizer: { weightDecay: settings.weightDecay, clipNorm: CLIP_NORM, beta2: BETA2 },
    ...(run.threads === undefined ? {} : { session: { threads: run.threads } }),
    ...(saved ? { resume: saved.state } : {}),
  });
  const filler = new BatchFiller(train, vocabulary, network, settings);
  const random = saved ? new Random(saved.random) : Random.for(settings.seed, 'batches');
  const save = (): void => {
    if (run.checkpoint)
      saveCheckpoint(run.checkpoint, {
        state: trainer.state(),
        random: { batches: random.state() },
        extra: { fingerprint },
      });
  };
  try {
    const clock = progressClock(steps, stepsPerEpoch, trainer.steps, run.onProgress);
    while (trainer.steps < steps) {
      if (run.signal?.aborted) {
        save();
        throw new FlameError('CANCELLED');
      }
      const position = trainer.steps % stepsPerEpoch;
      const order = epochOrder(settings.seed, Math.floor(trainer.steps / stepsPerEpoch), train.visits);
      const learningRate = warmupCosine(
        {
          peak: settings.learningRate,
          warmupSteps: Math.min(WARMUP_STEPS, Math.ceil(steps / 5)),
          totalSteps: steps,
          floor: RATE_FLOOR,
        },
        trainer.steps,
      );
      const batch = filler.fill(order, position * settings.rows, random);
      const { loss } = await trainer.step(batch, { learningRate });
      clock(trainer.steps, loss);
      if (trainer.steps % stepsPerEpoch === 0 && trainer.steps < steps) save();
    }
    const weights = foldDrugFeatures(trainer.parameters(), run.drugFeatures);
    if (run.checkpoint) rmSync(run.checkpoint, { force: true });
    return weights;
  } finally {
    await trainer.close();
  }
}

function objective(run: TrainingRun): BuildObjective {
  const { network, settings, vocabulary } = run;
  const shape = { features: vocabulary.features.length, drugs: vocabulary.formulary.length };
  const drugShares = vocabulary.drugUses.map((uses) => (uses + 1) / (vocabulary.visits + 2));
  return (scope) => {
    const x = scope.input('features', 'float', [settings.rows, shape.features]);
    const targets = scope.input('targets', 'float', [settings.rows, shape.drugs]);
    const weights = scope.input('weights', 'float', [settings.rows, shape.drugs]);
    const logits = buildNetwork(scope, network, shape, x, { drugShares, drugFeatures: run.drugFeatures });
    return binaryCrossEntropy(logits, targets, weights);
  };
}

/** The shuffled visits of one epoch: a function of seed and epoch alone, so that a resumed run sees the same order. */
let lastOrder: { readonly key: string; readonly order: Uint32Array } | undefined;
function epochOrder(seed: number, epoch: number, visits: number): Uint32Array {
  const key = `${seed} ${epoch} ${visits}`;
  if (lastOrder?.key !== key) {
    const order = Uint32Array.from({ length: visits }, (_, i) => i);
    lastOrder = { key, order: Random.for(seed, `epoch ${epoch}`).shuffle(order) };
  }
  return lastOrder.order;
}

function readCheckpoint(
  path: string,
  fingerprint: string,
): { readonly state: TrainerState; readonly random: readonly [number, number, number, number] } | undefined {
  if (!existsSync(path)) return undefined;
  const { state, random, extra } = loadCheckpoint(path);
  const same = (extra as { fingerprint?: string } | null)?.fingerprint === fingerprint;
  const batches = random['batches'];
  return same && batches ? { state, random: batches } : undefined;
}

function progressClock(
  steps: number,
  stepsPerEpoch: number,
  first: number,
  onProgress: TrainingRun['onProgress'],
): (step: number, loss: number) => void {
  const started = performance.now();
  let sum = 0;
  let count = 0;
  return (step, loss) => {
    sum += loss;
    count += 1;
    if (!onProgress || (step % REPORT_EVERY !== 0 && step !== steps)) return;
    const perStep = (performance.now() - started) / (step - first) / 1000;
    onProgress({
      step,
      steps,
      epoch: step / stepsPerEpoch,
      loss: sum / count,
      secondsLeft: (steps - step) * perStep,
    });
    sum = 0;
    count = 0;
  };
}
