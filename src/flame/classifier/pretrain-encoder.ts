/**
 * Pre-trains the patient encoder on visits without looking at their drugs: codes hidden from a visit are predicted from
 * the rest, and two masked views of a visit are matched against the other visits of the batch (after RAREMed, Zhao et
 * al. 2024, arXiv 2403.17745; the matching is InfoNCE, van den Oord et al. 2018). Fine-tunes nothing.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import type { Tensor } from '../../nn/graph.ts';
import { linear, rmsNorm } from '../../nn/layers.ts';
import { binaryCrossEntropy, crossEntropy } from '../../nn/losses.ts';
import { gemm } from '../../nn/matrix-ops.ts';
import { add, mul } from '../../nn/ops.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import { normal, type Scope } from '../../nn/scope.ts';
import { slice } from '../../nn/shape-ops.ts';
import type { BuildObjective, Objective } from '../../nn/train-step.ts';
import { Trainer } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { fillMask } from '../encoding/batches.ts';
import type { EncodedCorpus, Encoder } from '../encoding/encoding.ts';
import { type CodeIndex, codeIndex, writeMaskedView } from '../encoding/masked-codes.ts';
import { encodeVisits, type FlameNetworkConfig, maskNames, type SideFeatures } from './network.ts';

export interface PretrainingSettings {
  /** Visits of a batch; the graph sees each twice. */
  readonly visits: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Share of a visit's codes that is hidden from a view. */
  readonly hide: number;
  /** Weight of matching beside prediction. */
  readonly matching: number;
}

export interface PretrainingRun {
  readonly network: FlameNetworkConfig;
  readonly settings: PretrainingSettings;
  readonly seed: number;
  readonly encoder: Encoder;
  /** The protocol's training visits. */
  readonly train: EncodedCorpus;
  /** More visits; present, the encoder has the marking feature of `trainingShape`, and it is set on them. */
  readonly supplement?: EncodedCorpus | undefined;
  readonly codeFeatures?: SideFeatures | undefined;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: number, steps: number, loss: number) => void;
}

const MATCHING_WIDTH = 64;
const MATCHING_TEMPERATURE = 0.1;
const WARMUP_STEPS = 200;
const PROGRESS_EVERY = 25;

/**
 * Weights of the encoder by the names of buildNetwork, to start training from.
 * @throws FlameError INVALID_INPUT when the visits do not fill a batch, CANCELLED
 */
export async function pretrainEncoder(run: PretrainingRun): Promise<ReadonlyMap<string, HostTensor>> {
  const { settings, seed, signal, train, supplement } = run;
  const index = codeIndex(run.encoder);
  const rows = train.visits + (supplement?.visits ?? 0);
  const stepsPerEpoch = Math.floor(rows / settings.visits);
  if (stepsPerEpoch === 0)
    throw new FlameError('INVALID_INPUT', { problem: `${rows} visits do not fill one batch` });
  const totalSteps = Math.round(settings.epochs * stepsPerEpoch);
  const trainer = await Trainer.create(pretrainingObjective(run, index), {
    seed,
    optimizer: { weightDecay: 0.01, clipNorm: 5, beta2: 0.99 },
    ...(run.threads === undefined ? {} : { session: { threads: run.threads } }),
  });
  const random = Random.for(seed, 'pre-training');
  const batch = emptyBatch(run, index);
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  try {
    let sum = 0;
    while (trainer.steps < totalSteps) {
      if (signal?.aborted) throw new FlameError('CANCELLED');
      const position = trainer.steps % stepsPerEpoch;
      if (position === 0) random.shuffle(order);
      fillViews(
        run,
        index,
        batch,
        order.subarray(position * settings.visits, (position + 1) * settings.visits),
        random,
      );
      const learningRate = warmupCosine(
        {
          peak: settings.learningRate,
          warmupSteps: Math.min(WARMUP_STEPS, Math.ceil(totalSteps / 5)),
          totalSteps,
          floor: 0.02,
        },
        trainer.steps,
      );
      sum += (await trainer.step(batch, { learningRate })).loss;
      if (trainer.steps % PROGRESS_EVERY !== 0) continue;
      run.onProgress?.(trainer.steps, totalSteps, sum / PROGRESS_EVERY);
      sum = 0;
    }
    return new Map([...trainer.parameters()].filter(([name]) => !name.startsWith(HEADS)));
  } finally {
    await trainer.close();
  }
}

const HEADS = 'pretraining.';

/**
 * Loss over 2 · visits rows, first views then second views: binary cross-entropy of hidden codes among all codes that are
 * not visible, summed over codes and averaged over rows, plus `matching` times the cross-entropy of finding a first
 * view's second view among those of the batch.
 */
export function pretrainingObjective(
  run: Pick<PretrainingRun, 'network' | 'settings' | 'codeFeatures' | 'encoder' | 'supplement'>,
  index: CodeIndex,
): BuildObjective {
  const { network, settings, codeFeatures } = run;
  const { visits } = settings;
  const codes = index.features.length;
  const features = featureCount(run);
  return (scope: Scope): Objective => {
    const x = scope.input('features', 'float', [2 * visits, features]);
    const hidden = scope.input('hidden', 'float', [2 * visits, codes]);
    const asked = scope.input('asked', 'float', [2 * visits, codes]);
    const h = encodeVisits(scope, network, { features }, x, { codeFeatures });
    const heads = scope.child(HEADS.slice(0, -1));
    const predict = linear(heads.child('codes'), {
      inputs: network.width,
      outputs: codes,
      initialize: normal(0.5 / Math.sqrt(network.width)),
    });
    const prediction = binaryCrossEntropy(predict(h), hidden, mul(asked, 1 / (2 * visits)));
    const matching = crossEntropy(matchScores(heads, network.width, visits, h), diagonal(h, visits));
    return { loss: add(prediction, mul(matching, settings.matching)), metrics: { prediction, matching } };
  };
}

/** Cosines of every first view with every second view over the temperature: [visits, visits]. */
function matchScores(heads: Scope, width: number, visits: number, h: Tensor): Tensor {
  const project = linear(heads.child('match'), {
    inputs: width,
    outputs: MATCHING_WIDTH,
    initialize: normal(1 / Math.sqrt(width)),
  });
  const z = rmsNorm(heads.child('match-norm'), MATCHING_WIDTH)(project(h));
  const [first, second] = [slice(z, 0, 0, visits), slice(z, 0, visits, 2 * visits)];
  return mul(gemm(first, second, { transB: true }), 1 / (MATCHING_WIDTH * MATCHING_TEMPERATURE));
}

function diagonal(h: Tensor, visits: number): Tensor {
  const positions = Array.from({ length: visits }, (_, i) => i);
  return h.graph.constant(positions, 'int64', [visits]);
}

function featureCount({ encoder, supplement }: Pick<PretrainingRun, 'encoder' | 'supplement'>): number {
  return encoder.vocabulary.features.length + (supplement ? 1 : 0);
}

function emptyBatch(run: PretrainingRun, index: CodeIndex): Record<string, Float32Array> {
  const rows = 2 * run.settings.visits;
  const batch: Record<string, Float32Array> = {
    features: new Float32Array(rows * featureCount(run)),
    hidden: new Float32Array(rows * index.features.length),
    asked: new Float32Array(rows * index.features.length),
  };
  for (const name of maskNames(run.network)) batch[name] = new Float32Array(rows * run.network.width);
  return batch;
}

function fillViews(
  run: PretrainingRun,
  index: CodeIndex,
  batch: Record<string, Float32Array>,
  drawn: Uint32Array,
  random: Random,
): void {
  const features = featureCount(run);
  const codes = index.features.length;
  const rowOf = (values: Float32Array, row: number, width: number): Float32Array =>
    values.subarray(row * width, (row + 1) * width);
  batch['features']!.fill(0);
  batch['hidden']!.fill(0);
  for (let row = 0; row < 2 * drawn.length; row += 1) {
    const visit = drawn[row % drawn.length]!;
    const own = visit < run.train.visits;
    const view = {
      x: rowOf(batch['features']!, row, features),
      hidden: rowOf(batch['hidden']!, row, codes),
      asked: rowOf(batch['asked']!, row, codes),
    };
    const [corpus, at] = own ? [run.train, visit] : [run.supplement!, visit - run.train.visits];
    writeMaskedView(corpus, at, index, run.settings.hide, random, view);
    if (!own) view.x[features - 1] = 1;
  }
  for (const name of maskNames(run.network)) fillMask(batch[name]!, run.network.dropout, random);
}
