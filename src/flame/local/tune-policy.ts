/**
 * Trains the list policy on a site: supervision from the pack's own policy, then step-wise GRPO with the site's slider range
 * and interaction table; then says who writes the best lists on validation visits. Scores nothing and stores no model.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import type { FinetuneSettings } from '../../shared/finetune.ts';
import { interactionRate } from '../../shared/interactions.ts';
import { decode } from '../lists/decoding.ts';
import { type EncodedCorpus, featuresOf, selectVisits } from '../encoding/encoding.ts';
import { decodingPairs, recordedPairs } from '../lists/formulary-pairs.ts';
import { countInteractions, mean, rowOf, type ScoreTable, setQuality } from '../evaluation/metrics.ts';
import type { ModelPack } from '../model-pack.ts';
import { FREE_FEATURE_WEIGHT } from '../classifier/network.ts';
import { ListPolicy } from '../policy/list-policy.ts';
import { ContextVectors, policyCorpus } from '../policy/policy-corpus.ts';
import { interactionWeight } from '../policy/rollouts.ts';
import { trainReinforced } from '../policy/train-reinforced.ts';
import { type PolicyProgress, type PolicyTrainingRun, trainSupervised } from '../policy/train-supervised.ts';
import type { TrainingControl } from './control.ts';
import type { LocalManifest } from './local-model.ts';
import type { PolicySettings } from './profiles.ts';
import type { TrainingDevice } from './training-device.ts';

export interface TunePolicyOptions {
  /** The fitted pack over the larger formulary; it has a list policy. */
  readonly pack: ModelPack;
  /** Train visits first, then `validation` many validation visits. */
  readonly learning: EncodedCorpus;
  readonly validation: number;
  /** Probabilities of the learning visits by models that did not see their patients. */
  readonly scores: ScoreTable;
  readonly knowledge: Knowledge;
  readonly profile: PolicySettings;
  readonly settings: Pick<FinetuneSettings, 'alphaLow' | 'alphaHigh' | 'seed' | 'threads'>;
  /** Where training steps run; absent: on the CPU. */
  readonly device?: TrainingDevice;
  readonly control: TrainingControl;
  readonly checkpoint?: string;
  readonly onProgress?: (stage: 'policy-supervised' | 'policy-grpo', progress: PolicyProgress) => void;
}

export interface TunedPolicy {
  readonly lists: LocalManifest['lists'];
  /** Null unless the tuned policy won. */
  readonly policy: ReadonlyMap<string, HostTensor> | null;
  /** Mean potential on validation visits over the site's slider range, by who writes the lists. */
  readonly potentials: Readonly<Partial<Record<LocalManifest['lists'], number>>>;
}

/** @throws FlameError CANCELLED */
export async function tunePolicy(options: TunePolicyOptions): Promise<TunedPolicy> {
  const { pack, learning, validation, scores, knowledge, profile, settings, control } = options;
  const { config, policy } = policyOf(pack);
  const training = Array.from({ length: learning.visits - validation }, (_, i) => i);
  const kept = training.filter((i) => learning.truth[i]!.length > 0);
  const corpus = policyCorpus(selectVisits(learning, kept), rowsOf(scores, kept));
  const { vocabulary, parameters } = pack;
  const vectors = new ContextVectors(vocabulary, parameters.get(FREE_FEATURE_WEIGHT)!);
  const run = (
    stage: 'policy-supervised' | 'policy-grpo',
    dropout: number,
    reportEvery: number,
  ): PolicyTrainingRun => ({
    config: { ...config, dropout },
    shape: { drugs: vocabulary.formulary.length, context: vectors.width },
    tables: { pairs: recordedPairs(vocabulary.formulary, knowledge) },
    vectors,
    corpus,
    threads: settings.threads,
    ...(options.device ? { device: options.device } : {}),
    pass: () => control.pass(),
    reportEvery,
    onProgress: (progress) => options.onProgress?.(stage, progress),
    ...(options.checkpoint === undefined ? {} : { checkpoint: `${options.checkpoint}${stage}` }),
  });
  const train = async (): Promise<ReadonlyMap<string, HostTensor>> => {
    const supervised = await trainSupervised(
      { ...run('policy-supervised', config.dropout, 5), start: policy },
      {
        rows: profile.rows,
        steps: profile.supervisedSteps,
        learningRate: profile.supervisedRate,
        weightDecay: 0.01,
        emptyStart: 0.2,
        mode: 'interleaved',
        seed: settings.seed,
      },
    );
    return trainReinforced(
      run('policy-grpo', 0, 1),
      {
        objective: 'grpo',
        visits: profile.visits,
        group: profile.group,
        rows: profile.updateRows,
        rounds: profile.rounds,
        learningRate: profile.reinforcedRate,
        temperature: 1,
        entropyWeight: 0,
        beta: 0.2,
        corruptedStart: 0.3,
        mode: 'interleaved',
        stepWeight: 0.5,
        normaliseSteps: false,
        clip: 0.2,
        klWeight: profile.klWeight,
        alphaRange: [settings.alphaLow, settings.alphaHigh],
        seed: settings.seed,
      },
      supervised,
    );
  };
  const tuned = profile.rounds > 0 ? await train() : null;
  const potentials: Partial<Record<LocalManifest['lists'], number>> = {
    decoding: await potentialOf(options, null),
    'pack-policy': await potentialOf(options, policy),
    ...(tuned ? { 'tuned-policy': await potentialOf(options, tuned) } : {}),
  };
  // On a tie the simpler writer: what was not shown to help is not used.
  const order = ['decoding', 'pack-policy', 'tuned-policy'] as const;
  const worth = (lists: LocalManifest['lists']): number => potentials[lists] ?? Number.NEGATIVE_INFINITY;
  const lists = order.reduce((best, next) => (worth(next) > worth(best) + 1e-9 ? next : best));
  return { lists, policy: lists === 'tuned-policy' ? tuned : null, potentials };
}

function policyOf({ manifest, policy }: ModelPack) {
  if (!manifest.policy || !policy) throw new RangeError(`${manifest.name} has no list policy`);
  return { config: manifest.policy.network, policy };
}

/** Mean φ of the validation visits' lists over the slider positions in the site's range. */
async function potentialOf(
  { pack, learning, validation, scores, knowledge, settings, control }: TunePolicyOptions,
  policy: ReadonlyMap<string, HostTensor> | null,
): Promise<number> {
  const { vocabulary, parameters } = pack;
  const { formulary } = vocabulary;
  const [decoding, recorded] = [decodingPairs(formulary, knowledge), recordedPairs(formulary, knowledge)];
  const place = new Map(formulary.map((drug, i) => [drug, i]));
  const writer =
    policy &&
    (await ListPolicy.open({
      config: policyOf(pack).config,
      vocabulary,
      classifier: parameters,
      parameters: policy,
      knowledge,
      threads: settings.threads,
    }));
  try {
    const values: number[] = [];
    for (let visit = learning.visits - validation; visit < learning.visits; visit += 1) {
      await control.pass();
      const problem = { drugs: formulary, probabilities: rowOf(scores, visit), pairs: decoding };
      const grid = writer ? await writer.lists(problem, featuresOf(learning, visit)) : decode(problem);
      for (const { alpha, list } of grid) {
        if (alpha < settings.alphaLow || alpha > settings.alphaHigh) continue;
        const own = list.map((drug) => place.get(drug)!);
        const { jaccard } = setQuality(own, learning.truth[visit]!);
        const rate = interactionRate(countInteractions(own, recorded), own.length);
        values.push(jaccard - interactionWeight(alpha) * rate);
      }
    }
    return mean(values);
  } finally {
    await writer?.close();
  }
}

function rowsOf({ drugs, values }: ScoreTable, visits: readonly number[]): ScoreTable {
  const out = new Float32Array(visits.length * drugs);
  visits.forEach((visit, at) => out.set(values.subarray(visit * drugs, (visit + 1) * drugs), at * drugs));
  return { visits: visits.length, drugs, values: out };
}
