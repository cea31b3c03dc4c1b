/**
 * Runs the real graphs of a pack on a provider and compares them with the CPU: probabilities of the classifier, logits of
 * the list policy after its prefix and after cached steps, gradients of a training step. Chooses nothing.
 */

import { Classifier } from '../../flame/classifier/classifier.ts';
import { recordedPairs } from '../../flame/lists/formulary-pairs.ts';
import { readModelPack, type ModelPack } from '../../flame/model-pack.ts';
import { buildTrainedNetwork, FREE_FEATURE_WEIGHT } from '../../flame/classifier/network.ts';
import { ContextVectors } from '../../flame/policy/policy-corpus.ts';
import { greedy, PolicyRunner, type Choose } from '../../flame/policy/runner.ts';
import { loadKnowledge, type Knowledge } from '../../knowledge/knowledge.ts';
import { binaryCrossEntropy } from '../../nn/losses.ts';
import { type Provider, type SessionOptions } from '../../nn/session.ts';
import { Trainer } from '../../nn/trainer.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import type { DeviceResult } from '../../shared/devices-api.ts';
import { asId, type DrugId } from '../../shared/ids.ts';

export interface ParityOrder {
  readonly provider: Provider;
  /** Folders of the pack and of the compiled tables. */
  readonly pack: string;
  readonly knowledge: string;
  /** How long each speed is measured for. */
  readonly benchmarkMs: number;
}

export type ParityReport = Omit<DeviceResult, 'outcome' | 'reason'>;

/** Visits of nobody: between them they use every kind of entry that the networks read. */
const VISITS: readonly ClinicalContext[] = [
  visit({
    age: 61,
    sex: 'F',
    diagnoses: ['25000', '4019'],
    chronic: ['DIABETES', 'HTN'],
    current: ['metformin'],
  }),
  visit({ age: 8, sex: 'M', diagnoses: ['49390'], reasons: ['14250'] }),
  visit({ age: 74, sex: 'F', diagnoses: ['42731', '4280'], current: ['warfarin', 'digoxin'] }),
];
/** Barred actions hold very large negative logits, whose rounding is of no interest. */
const BARRED = -1e3;
const STEPS = 3;
const TRAINING_ROWS = 16;

/** @throws whatever opening or running on the provider throws */
export async function testProvider(order: ParityOrder): Promise<ParityReport> {
  const knowledge = loadKnowledge(order.knowledge);
  const pack = readModelPack(order.pack);
  const session: SessionOptions = { providers: [order.provider], strict: true };
  const reference = order.provider === 'cpu' ? null : await run(pack, knowledge, {}, 0, null);
  const tried = await run(pack, knowledge, session, order.benchmarkMs, reference);
  const expected = reference ?? tried;
  return {
    provider: order.provider,
    probabilityError: largestDifference(tried.probabilities, expected.probabilities),
    logitError: largestDifference(tried.logits, expected.logits),
    gradientError: relativeDifference(tried.trained, expected.trained),
    scoreMs: tried.scoreMs,
    listMs: tried.listMs,
    trainingRows: tried.trainingRows,
    openMs: tried.openMs,
  };
}

interface Run {
  readonly probabilities: Float32Array;
  readonly logits: Float32Array;
  readonly actions: readonly (readonly number[])[];
  /** What one training step made of a layer. */
  readonly trained: Float32Array;
  readonly scoreMs: number | null;
  readonly listMs: number | null;
  readonly trainingRows: number | null;
  readonly openMs: number;
}

/** @param reference whose actions the policy takes, so that one rounding does not lead to another list */
async function run(
  pack: ModelPack,
  knowledge: Knowledge,
  session: SessionOptions,
  benchmarkMs: number,
  reference: Run | null,
): Promise<Run> {
  const started = performance.now();
  const classifier = await Classifier.of(pack, knowledge, { batch: 1, session });
  const score = () => classifier.score(VISITS.slice(0, 1));
  const scored = await score();
  const openMs = performance.now() - started;
  scored.push(...(await classifier.score(VISITS.slice(1))));
  const scoreMs = await median(score, benchmarkMs);
  const policy = await runPolicy(pack, knowledge, session, classifier, scored, benchmarkMs, reference);
  await classifier.close();
  const training = await train(pack, session, benchmarkMs);
  return {
    probabilities: concatenated(scored.map(({ probabilities }) => probabilities)),
    ...policy,
    ...training,
    scoreMs,
    openMs,
  };
}

async function runPolicy(
  { manifest, vocabulary, parameters, policy }: ModelPack,
  knowledge: Knowledge,
  session: SessionOptions,
  classifier: Classifier,
  scored: readonly { readonly probabilities: Float32Array }[],
  benchmarkMs: number,
  reference: Run | null,
): Promise<Pick<Run, 'logits' | 'actions' | 'listMs'>> {
  if (!manifest.policy || !policy) return { logits: new Float32Array(), actions: [], listMs: null };
  const vectors = new ContextVectors(vocabulary, parameters.get(FREE_FEATURE_WEIGHT)!);
  const runner = new PolicyRunner({
    config: { ...manifest.policy.network },
    shape: { drugs: vocabulary.formulary.length, context: vectors.width },
    tables: { pairs: recordedPairs(vocabulary.formulary, knowledge) },
    vectors,
    parameters: policy,
    maxRows: VISITS.length,
    buckets: [VISITS.length],
    session,
  });
  const prefixes = VISITS.map((context, i) => {
    const { ids, weights } = classifier.encode(context);
    return { probabilities: scored[i]!.probabilities, ids, weights, start: [i, i + 5] };
  });
  const rows = VISITS.map((_, prefix) => ({
    prefix,
    alpha: prefix / VISITS.length,
    mode: 'interleaved' as const,
  }));
  const seen: Float32Array[] = [];
  const stop = 2 * vocabulary.formulary.length;
  const choose: Choose = (state, logits) => {
    seen.push(logits.map((value) => (value < BARRED ? 0 : value)));
    if (state.step >= STEPS) return stop;
    return reference?.actions[state.row]?.[state.step] ?? greedy(state, logits);
  };
  const sequences = await runner.run(prefixes, rows, choose);
  const logits = concatenated(seen);
  const listMs = await median(() => runner.run(prefixes, rows, choose), benchmarkMs);
  await runner.close();
  return { logits, actions: sequences.map(({ actions }) => actions), listMs };
}

/** A few steps on a small network of the pack's own kind: forward, backward, clipping, AdamW. */
async function train(
  { manifest }: ModelPack,
  session: SessionOptions,
  benchmarkMs: number,
): Promise<Pick<Run, 'trained' | 'trainingRows'>> {
  const shape = { features: 96, drugs: 24 };
  const network =
    manifest.network.kind === 'flame'
      ? { kind: 'flame' as const, width: 32, hidden: 48, layers: 1, dropout: 0 }
      : manifest.network;
  const trainer = await Trainer.create(
    (scope) => {
      const x = scope.input('features', 'float', [TRAINING_ROWS, shape.features]);
      const logits = buildTrainedNetwork(scope, network, shape, x);
      return binaryCrossEntropy(logits, scope.input('labels', 'float', [TRAINING_ROWS, shape.drugs]));
    },
    { seed: 5, session },
  );
  const wave = (length: number, of: (i: number) => number) => Float32Array.from({ length }, (_, i) => of(i));
  const batch = {
    features: wave(TRAINING_ROWS * shape.features, (i) => (i % 7 === 0 ? 1 : 0)),
    labels: wave(TRAINING_ROWS * shape.drugs, (i) => (i % 5 === 0 ? 1 : 0)),
  };
  const step = () => trainer.step(batch, { learningRate: 1e-2 });
  for (let i = 0; i < 2; i += 1) await step();
  // AdamW's first moment after two steps is made of the gradients alone; the weights themselves would hide their errors.
  const trained = concatenated([...trainer.state().moments.values()].map(({ data }) => data as Float32Array));
  const ms = await median(step, benchmarkMs);
  await trainer.close();
  return { trained: trained.slice(), trainingRows: ms === null ? null : (TRAINING_ROWS * 1000) / ms };
}

/** Median milliseconds of one call, repeated for about `forMs`; null when nothing is to be measured. */
async function median(call: () => Promise<unknown>, forMs: number): Promise<number | null> {
  if (forMs === 0) return null;
  const times: number[] = [];
  const end = performance.now() + forMs;
  do {
    const started = performance.now();
    await call();
    times.push(performance.now() - started);
  } while (performance.now() < end);
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

/** ‖a − b‖ / ‖b‖. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < a.length; i += 1) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  const relative = Math.sqrt(difference / (norm || 1));
  return Number.isNaN(relative) ? Infinity : relative;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function visit(given: {
  age: number;
  sex: 'F' | 'M';
  diagnoses: readonly string[];
  chronic?: readonly string[];
  reasons?: readonly string[];
  current?: readonly string[];
}): ClinicalContext {
  return {
    year: 2009,
    age: given.age,
    sex: given.sex,
    setting: 'office',
    specialty: '1',
    reasons: [...(given.reasons ?? [])],
    diagnoses: given.diagnoses.map((code) => ({ system: 'ICD-9-CM', code })),
    chronic: [...(given.chronic ?? [])],
    procedures: [],
    currentMedications: (given.current ?? []).map((drug) => asId<DrugId>(drug)),
    previousMedications: [],
  };
}
