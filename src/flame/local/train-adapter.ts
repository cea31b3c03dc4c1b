/**
 * Trains π_cls on a site's visits: a LoRA adapter with the drugs' biases, or every weight, one member of the ensemble after
 * the other, with early stopping. Goes on from its checkpoint bit for bit. Reads no visit file and chooses no visit.
 */

import { existsSync } from 'node:fs';
import { loadCheckpoint, saveCheckpoint } from '../../nn/checkpoint.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { loraAdapt, mergeLora } from '../../nn/lora.ts';
import { binaryCrossEntropy } from '../../nn/losses.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import type { BuildObjective } from '../../nn/train-step.ts';
import { Trainer } from '../../nn/trainer.ts';
import { BatchFiller } from '../encoding/batches.ts';
import { crossEntropyAt } from '../classifier/calibration.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import { mean, setPerVisit } from '../evaluation/metrics.ts';
import type { ModelPack } from '../model-pack.ts';
import {
  buildNetwork,
  memberCount,
  memberOf,
  memberWeights,
  type NetworkShape,
} from '../classifier/network.ts';
import { scoreOnce } from '../classifier/predict.ts';
import { expectedJaccardLists } from '../lists/set-rules.ts';
import type { TrainingControl } from './control.ts';
import { type AdapterSettings, kindOfTarget, memberNames, trainsWithFactors } from './profiles.ts';
import type { TrainingDevice } from './training-device.ts';

export interface AdapterRun {
  /** The pack over the site's formulary. */
  readonly pack: ModelPack;
  readonly settings: AdapterSettings;
  readonly train: EncodedCorpus;
  /** Decides when to stop; null trains each member for `epochs` of it. */
  readonly validation: EncodedCorpus | null;
  /** Epochs of each member, where there is no validation. */
  readonly epochs?: readonly number[];
  readonly seed: number;
  readonly threads: number;
  /** Where steps run; absent: on the CPU. */
  readonly device?: TrainingDevice;
  readonly control: TrainingControl;
  /** State is kept here, one file a member. */
  readonly checkpoint?: string;
  readonly onProgress?: (progress: AdapterProgress) => void;
}

export interface AdapterProgress {
  readonly step: number;
  readonly steps: number;
  /** `loss` while training; `validationLoss` and `jaccard` where the validation visits were looked at. */
  readonly values: Readonly<Record<string, number>>;
}

export interface TrainedAdapter {
  /** What was trained, all members, under the names of src/nn/lora.ts. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Weights of π_cls with that folded in. */
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** Epochs after which each member was best. */
  readonly epochs: readonly number[];
}

/** Looks at the validation visits. */
const LOOKS = 10;
const SAVE_EVERY = 25;
const REPORT_EVERY = 5;
const CLIP_NORM = 5;
const BETA2 = 0.99;
const RATE_FLOOR = 0.02;
const BEST = 'best/';

/** @throws FlameError CANCELLED; with a checkpoint the run can be gone on with */
export async function trainAdapter(run: AdapterRun): Promise<TrainedAdapter> {
  const { pack, settings } = run;
  const tensors = new Map<string, HostTensor>();
  const epochs: number[] = [];
  for (let member = 0; member < memberCount(pack.manifest.network); member += 1) {
    const trained = await trainMember(run, member);
    for (const [name, tensor] of memberNames(trained.tensors, member)) tensors.set(name, tensor);
    epochs.push(trained.epochs);
  }
  const parameters = mergeLora(pack.parameters, tensors, Math.max(settings.alpha, 1));
  return { tensors, parameters, epochs };
}

/** What a run has to remember beside weights. */
interface Memory {
  bestLoss: number;
  bestStep: number;
  worse: number;
  done: boolean;
  readonly fingerprint: string;
}

async function trainMember(
  run: AdapterRun,
  member: number,
): Promise<{ readonly tensors: ReadonlyMap<string, HostTensor>; readonly epochs: number }> {
  const { pack, settings, train, validation, seed, threads, control } = run;
  const network = memberOf(pack.manifest.network);
  const base = memberWeights(pack.parameters, member);
  const rows = Math.min(settings.rows, train.visits);
  const filler = new BatchFiller(train, pack.vocabulary, network, {
    rows,
    tokenDropout: settings.tokenDropout,
    revealCurrent: 0,
    revealPrevious: 0,
    recencyHalfLife: 0,
  });
  const perEpoch = train.visits / rows;
  const schedule = Math.max(1, Math.min(settings.maxSteps, Math.round(settings.epochs * perEpoch)));
  const steps = validation ? schedule : Math.round((run.epochs?.[member] ?? settings.epochs) * perEpoch);
  const looks = new Set(
    Array.from({ length: LOOKS }, (_, i) => Math.max(1, Math.round(((i + 1) * schedule) / LOOKS))),
  );
  const fingerprint = JSON.stringify([settings, seed, member, train.visits, validation?.visits ?? 0, steps]);
  const file = run.checkpoint === undefined ? undefined : `${run.checkpoint}.${member}`;
  const saved = file !== undefined && existsSync(file) ? restored(file, fingerprint, base) : null;
  const memory: Memory = saved?.memory ?? {
    bestLoss: Number.POSITIVE_INFINITY,
    bestStep: 0,
    worse: 0,
    done: false,
    fingerprint,
  };
  let best = saved?.best ?? new Map<string, HostTensor>();
  if (memory.done) return { tensors: best, epochs: memory.bestStep / perEpoch };

  const shape = { features: pack.vocabulary.features.length, drugs: pack.vocabulary.formulary.length };
  const trainer = await Trainer.create(objective(run, rows, shape), {
    seed: seed + member,
    parameters: base,
    optimizer: { weightDecay: settings.weightDecay, clipNorm: CLIP_NORM, beta2: BETA2 },
    session: { threads, ...run.device?.session() },
    ...(saved ? { resume: saved.state } : {}),
  });
  const random = saved ? new Random(saved.random) : Random.for(seed, `adapter ${member}`);
  const trained = trainer.declarations.filter(({ frozen }) => !frozen).map(({ name }) => name);
  const now = (): Map<string, HostTensor> =>
    new Map(trained.map((name) => [name, copied(trainer.parameters().get(name)!)]));
  const save = (): void => {
    if (file === undefined) return;
    const own = new Map<string, HostTensor>(trained.map((name) => [name, trainer.parameters().get(name)!]));
    for (const [name, tensor] of best) own.set(BEST + name, tensor);
    saveCheckpoint(file, {
      state: { ...trainer.state(), parameters: own },
      random: { batches: random.state() },
      extra: { ...memory, bestLoss: Number.isFinite(memory.bestLoss) ? memory.bestLoss : null },
    });
  };
  const report = (values: AdapterProgress['values']): void => {
    const members = memberCount(pack.manifest.network);
    run.onProgress?.({ step: member * steps + trainer.steps, steps: members * steps, values });
  };
  const look = async (): Promise<void> => {
    if (!validation) return;
    const merged = mergeLora(base, now(), Math.max(settings.alpha, 1));
    const scores = await scoreOnce(network, pack.vocabulary, merged, validation, threads);
    const loss = crossEntropyAt(scores, validation.truth, 1);
    const { jaccard } = setPerVisit(expectedJaccardLists(scores), validation.truth);
    report({ validationLoss: loss, jaccard: mean(jaccard) });
    if (loss < memory.bestLoss) {
      Object.assign(memory, { bestLoss: loss, bestStep: trainer.steps, worse: 0 });
      best = now();
    } else memory.worse += 1;
  };
  try {
    if (trainer.steps === 0) await look();
    let [sum, count] = [0, 0];
    while (trainer.steps < steps && memory.worse < settings.patience) {
      await control.pass();
      const order = drawn(seed + member, trainer.steps * rows, rows, train.visits);
      const learningRate = warmupCosine(
        {
          peak: settings.learningRate,
          warmupSteps: Math.ceil(schedule / 10),
          totalSteps: schedule,
          floor: RATE_FLOOR,
        },
        trainer.steps,
      );
      const { loss, step } = await trainer.step(filler.fill(order, 0, random), { learningRate });
      sum += loss;
      count += 1;
      if (count === REPORT_EVERY) {
        report({ loss: sum / count });
        [sum, count] = [0, 0];
      }
      if (looks.has(step)) await look();
      if (settings.rank === 0 ? looks.has(step) : step % SAVE_EVERY === 0) save();
    }
    if (!validation) {
      best = now();
      memory.bestStep = trainer.steps;
    }
    memory.done = true;
    save();
    return { tensors: best, epochs: memory.bestStep / perEpoch };
  } finally {
    await trainer.close();
  }
}

function objective({ pack, settings, train }: AdapterRun, rows: number, shape: NetworkShape): BuildObjective {
  const network = memberOf(pack.manifest.network);
  const plan = {
    rank: settings.rank,
    alpha: settings.alpha,
    kindOf: kindOfTarget(settings.targets),
    trains: trainsWithFactors,
  };
  // Only the shares' presence matters here: biases come from the pack.
  const priors = { drugShares: new Float64Array(shape.drugs).fill(1 / (train.visits + 2)) };
  return (scope) => {
    const x = scope.input('features', 'float', [rows, shape.features]);
    const targets = scope.input('targets', 'float', [rows, shape.drugs]);
    const weights = scope.input('weights', 'float', [rows, shape.drugs]);
    const place = settings.rank === 0 ? scope : scope.adapted(loraAdapt(plan));
    return binaryCrossEntropy(buildNetwork(place, network, shape, x, priors), targets, weights);
  };
}

/** Visits `from` … `from + rows − 1` of all epochs' shuffled visits one after the other: a function of the seed alone. */
function drawn(seed: number, from: number, rows: number, visits: number): Uint32Array {
  const orders = new Map<number, Uint32Array>();
  return Uint32Array.from({ length: rows }, (_, row) => {
    const epoch = Math.floor((from + row) / visits);
    let order = orders.get(epoch);
    if (!order) {
      order = Random.for(seed, `epoch ${epoch}`).shuffle(Uint32Array.from({ length: visits }, (__, i) => i));
      orders.set(epoch, order);
    }
    return order[(from + row) % visits]!;
  });
}

function restored(file: string, fingerprint: string, base: ReadonlyMap<string, HostTensor>) {
  const { state, random, extra } = loadCheckpoint(file);
  const { bestLoss, ...rest } = extra as Omit<Memory, 'bestLoss'> & { bestLoss: number | null };
  const batches = random['batches'];
  if (rest.fingerprint !== fingerprint || !batches) return null;
  const best = new Map<string, HostTensor>();
  const parameters = new Map(base);
  for (const [name, tensor] of state.parameters)
    if (name.startsWith(BEST)) best.set(name.slice(BEST.length), tensor);
    else parameters.set(name, tensor);
  const memory: Memory = { ...rest, bestLoss: bestLoss ?? Number.POSITIVE_INFINITY };
  return { state: { ...state, parameters }, random: batches, memory, best };
}

function copied({ dtype, shape, data }: HostTensor): HostTensor {
  return { dtype, shape, data: data.slice() };
}
