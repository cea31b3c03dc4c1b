/** Trains any network of network.ts on encoded visits: schedule, progress, cancellation, resume. Reads no corpus file. */

import { existsSync, rmSync } from 'node:fs';
import { binaryCrossEntropy } from '../../nn/losses.ts';
import { loadCheckpoint, saveCheckpoint } from '../../nn/checkpoint.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import type { BuildObjective } from '../../nn/train-step.ts';
import { Trainer, type TrainerState } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { BatchFiller, type BatchSettings, type Supplement, trainingShape } from '../encoding/batches.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import {
  buildNetwork,
  cutToShape,
  foldProjections,
  memberCount,
  memberOf,
  memberPrefix,
  type NetworkConfig,
  type NetworkPriors,
  type NetworkShape,
} from './network.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';

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
  readonly codeFeatures?: NetworkPriors['codeFeatures'];
  /** More rows and more drugs to learn from; the weights returned know nothing of them. */
  readonly supplement?: Supplement | undefined;
  /** Weights to start from where the names match, e.g. of a pre-trained encoder, in the shape of `trainingShape`. */
  readonly start?: ReadonlyMap<string, HostTensor> | undefined;
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

/** Distance between the seeds of an ensemble's members, so that runs with neighbouring seeds share no member. */
const MEMBER_SEEDS = 1000;

/**
 * Trains to the end of the schedule and returns the weights to ship; the members of an ensemble one after the other.
 * @throws FlameError CANCELLED when `signal` fires; with a checkpoint the run can be gone on with.
 */
export async function trainNetwork(run: TrainingRun): Promise<Map<string, HostTensor>> {
  const members = memberCount(run.network);
  if (members === 1) return trainOne(run);
  const checkpoints = Array.from({ length: members }, (_, member) =>
    run.checkpoint === undefined ? undefined : `${run.checkpoint}.${member}`,
  );
  const weights = new Map<string, HostTensor>();
  for (const [member, checkpoint] of checkpoints.entries()) {
    const { onProgress } = run;
    const trained = await trainOne(
      {
        ...run,
        network: memberOf(run.network),
        settings: { ...run.settings, seed: run.settings.seed + member * MEMBER_SEEDS },
        ...(checkpoint === undefined ? {} : { checkpoint }),
        ...(onProgress ? { onProgress: (own) => onProgress(ofAll(own, member, members)) } : {}),
      },
      true,
    );
    for (const [name, tensor] of trained) weights.set(memberPrefix(member) + name, copyOf(tensor));
  }
  for (const checkpoint of checkpoints) if (checkpoint !== undefined) rmSync(checkpoint, { force: true });
  return weights;
}

function copyOf({ dtype, shape, data }: HostTensor): HostTensor {
  return { dtype, shape, data: data.slice() };
}

/** A member's progress as progress of the ensemble. */
function ofAll(own: TrainingProgress, member: number, members: number): TrainingProgress {
  const secondsAMember =
    own.step === 0 ? 0 : (own.secondsLeft * own.steps) / Math.max(1, own.steps - own.step);
  return {
    ...own,
    step: member * own.steps + own.step,
    steps: members * own.steps,
    epoch: own.epoch + (member * own.epoch * own.steps) / Math.max(1, own.step),
    secondsLeft: own.secondsLeft + (members - member - 1) * secondsAMember,
  };
}

/** @param keep leave a checkpoint of the finished run, from which its weights can be had again at once */
async function trainOne(run: TrainingRun, keep = false): Promise<Map<string, HostTensor>> {
  const { network, settings, vocabulary, train, supplement } = run;
  if (supplement && network.kind === 'logistic')
    throw new FlameError('INVALID_INPUT', { problem: 'a logistic regression takes no supplement' });
  const filler = new BatchFiller(train, vocabulary, network, settings, supplement);
  const stepsPerEpoch = Math.floor(filler.visits / settings.rows);
  if (stepsPerEpoch === 0)
    throw new FlameError('INVALID_INPUT', {
      problem: `${filler.visits} training visits do not fill one batch of ${settings.rows}`,
    });
  const steps = Math.round(settings.epochs * stepsPerEpoch);
  const fingerprint = JSON.stringify({
    network,
    settings,
    visits: filler.visits,
    auxiliary: supplement?.auxiliary ?? null,
    sides: [run.drugFeatures?.width ?? 0, run.codeFeatures?.width ?? 0, run.start?.size ?? 0],
    size: vocabulary.features.length,
  });
  const saved = run.checkpoint ? readCheckpoint(run.checkpoint, fingerprint) : undefined;
  const trainer = await Trainer.create(objective(run), {
    seed: settings.seed,
    optimizer: { weightDecay: settings.weightDecay, clipNorm: CLIP_NORM, beta2: BETA2 },
    ...(run.threads === undefined ? {} : { session: { threads: run.threads } }),
    ...(run.start ? { parameters: run.start } : {}),
    ...(saved ? { resume: saved.state } : {}),
  });
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
      const order = epochOrder(settings.seed, Math.floor(trainer.steps / stepsPerEpoch), filler.visits);
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
    const weights = cutToShape(foldProjections(trainer.parameters(), run), shippedShape(vocabulary));
    if (keep) save();
    else if (run.checkpoint) rmSync(run.checkpoint, { force: true });
    return weights;
  } finally {
    await trainer.close();
  }
}

function objective(run: TrainingRun): BuildObjective {
  const { network, settings, vocabulary, drugFeatures, codeFeatures } = run;
  const shape = trainingShape(vocabulary, run.supplement);
  const priors = { drugShares: drugShares(run), drugFeatures, codeFeatures };
  return (scope) => {
    const x = scope.input('features', 'float', [settings.rows, shape.features]);
    const targets = scope.input('targets', 'float', [settings.rows, shape.drugs]);
    const weights = scope.input('weights', 'float', [settings.rows, shape.drugs]);
    const logits = buildNetwork(scope, network, shape, x, priors);
    return binaryCrossEntropy(logits, targets, weights);
  };
}

function shippedShape({ features, formulary }: Vocabulary): NetworkShape {
  return { features: features.length, drugs: formulary.length };
}

/** Share of rows with each drug, add-one smoothed: of the formulary among training visits, of the others among all rows. */
function drugShares({ vocabulary, train, supplement }: TrainingRun): number[] {
  const shares = vocabulary.drugUses.map((uses) => (uses + 1) / (vocabulary.visits + 2));
  if (!supplement) return shares;
  const uses = new Float64Array(supplement.auxiliary);
  for (const corpus of [train, supplement.corpus])
    for (const labels of corpus.auxiliary) for (const label of labels) uses[label - shares.length]! += 1;
  const rows = train.visits + supplement.corpus.visits;
  return [...shares, ...Array.from(uses, (count) => (count + 1) / (rows + 2))];
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
