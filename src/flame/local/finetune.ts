/**
 * Local fine-tuning from visits to a measured model on disk: adapter, local combination, list policy, evaluation. Each stage
 * goes on where it was interrupted, with the same result. Chooses no visits, promotes nothing, and keeps no visit on disk.
 */

import { existsSync, mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { FinetuneSettings, JobStage, SideBySide, TrainingPoint } from '../../shared/finetune.ts';
import { EVALUATION_SEVERITY } from '../../shared/domain.ts';
import type { ModelPack } from '../model-pack.ts';
import { SiteBaselines } from './baselines.ts';
import type { TrainingControl } from './control.ts';
import { evaluateLocal } from './evaluate-local.ts';
import { type FittedClassifier, fitClassifier } from './fit-classifier.ts';
import {
  type LocalManifest,
  type LocalModelContent,
  readLocalModel,
  writeLocalModel,
} from './local-model.ts';
import { assembled, packScorer } from './local-scorer.ts';
import { PROFILE_SETTINGS } from './profiles.ts';
import type { VisitSplit } from './split-visits.ts';
import type { TrainingDevice } from './training-device.ts';
import { type TunedPolicy, tunePolicy } from './tune-policy.ts';

export interface FinetuneTask {
  /** Name of the job: also of its folders. */
  readonly job: string;
  /** As the clinic calls the model. */
  readonly name: string;
  readonly split: VisitSplit;
  readonly settings: FinetuneSettings;
}

export interface FinetuneOptions {
  readonly base: ModelPack;
  readonly knowledge: Knowledge;
  /** For checkpoints; made when missing. The caller removes it once the outcome is stored. */
  readonly workFolder: string;
  /** The folder of the new model. One that this job wrote before it was interrupted is kept as it is. */
  readonly modelFolder: string;
  readonly control: TrainingControl;
  /** Where training steps run; absent: on the CPU. */
  readonly device?: TrainingDevice;
  readonly onPoint?: (point: TrainingPoint) => void;
}

export interface FinetuneOutcome {
  readonly manifest: LocalManifest;
  readonly examples: readonly SideBySide[];
  /** What the choices between parts rested on, for the log. */
  readonly choices: {
    readonly outOfFold: FittedClassifier['outOfFold'];
    readonly epochs: readonly number[];
    readonly lists: TunedPolicy['potentials'];
  };
}

/** @throws FlameError CANCELLED */
export async function finetune(task: FinetuneTask, options: FinetuneOptions): Promise<FinetuneOutcome> {
  const { split, settings } = task;
  const { base, knowledge, workFolder, control, device } = options;
  const started = performance.now();
  const point = (stage: JobStage, step: number, steps: number, values: TrainingPoint['values'] = {}): void =>
    options.onPoint?.({ stage, step, steps, values });
  mkdirSync(workFolder, { recursive: true, mode: 0o700 });
  const checkpoint = join(workFolder, 'state-');
  const profile = PROFILE_SETTINGS[settings.profile];
  const { seed, threads } = settings;
  point('reading', 0, 1);

  const fitted = await fitClassifier({
    base,
    knowledge,
    train: split.train,
    validation: split.validation,
    settings: profile.adapter,
    seed,
    threads,
    ...(device ? { device } : {}),
    control,
    checkpoint,
    onProgress: (stage, { step, steps, values }) => point(stage, step, steps, values),
  });
  const tuned = base.policy
    ? await tunePolicy({
        pack: fitted.pack,
        learning: fitted.learning,
        validation: split.validation.length,
        scores: fitted.scores,
        knowledge,
        profile: profile.policy,
        settings,
        ...(device ? { device } : {}),
        control,
        checkpoint,
        onProgress: (stage, { step, steps, values }) => point(stage, step, steps, values),
      })
    : null;
  const lists = tuned?.lists ?? 'decoding';

  const before = await packScorer(base, { knowledge, threads });
  const changed = { ...fitted.pack, policy: tuned?.policy ?? fitted.pack.policy };
  const { name, version } = base.manifest;
  const after = await assembled(changed, { name, version, lists }, fitted.site, { knowledge, threads });
  const { evaluation, examples } = await evaluateLocal({
    before,
    after,
    baselines: new SiteBaselines([...split.train, ...split.validation], knowledge),
    heldOut: split.heldOut,
    knowledge,
    control,
    onProgress: (step, steps) => point('evaluating', step, steps),
  });
  await before.close();
  await after.close();

  point('writing', 0, 1);
  await control.pass();
  const learning = [...split.train, ...split.validation];
  const written = existsSync(options.modelFolder) ? readLocalModel(options.modelFolder).manifest : null;
  const manifest =
    written?.training.job === task.job
      ? written
      : writeLocalModel(
          options.modelFolder,
          {
            name: task.name,
            base: { name, version },
            classifier: profile.adapter.rank === 0 ? 'full' : 'lora',
            temperature: fitted.temperature,
            newDrugs: [...fitted.newDrugs],
            lists,
            evaluation: structuredClone(evaluation) as LocalManifest['evaluation'],
            front: {
              protocol: { ...evaluation.protocol, severityCut: EVALUATION_SEVERITY },
              points: [...evaluation.fronts.after],
            },
            training: {
              source: 'trained-here',
              job: task.job,
              profile: settings.profile,
              visits: learning.length,
              patients: new Set(learning.map(({ patient }) => patient)).size,
              settings: plainSettings(settings),
              knowledgeVersion: knowledge.version,
              interactionVersion: knowledge.interactionVersion,
              hardware: `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} of ${cpus().length} threads${device && device.provider !== 'cpu' ? `, ${device.provider}` : ''}`,
              seconds: (performance.now() - started) / 1000,
            },
          },
          contentOf(fitted, tuned, profile.adapter),
        );
  point('writing', 1, 1);
  const { outOfFold, epochs } = fitted;
  return {
    manifest,
    examples,
    choices: {
      outOfFold,
      epochs,
      lists: tuned?.potentials ?? {},
    },
  };
}

function contentOf(
  fitted: FittedClassifier,
  tuned: TunedPolicy | null,
  { rank, alpha, targets }: (typeof PROFILE_SETTINGS)['standard']['adapter'],
): LocalModelContent {
  const { extension, site, tensors, merged, pack } = fitted;
  const base = pack.manifest.name;
  return {
    adapter: rank === 0 ? null : { config: { rank, alpha, targets, base }, tensors },
    weights: rank === 0 ? merged : null,
    extension,
    site,
    policy: tuned?.policy ?? null,
  };
}

/** Settings as numbers, for the manifest. */
function plainSettings(settings: FinetuneSettings): Record<string, number> {
  const { adapter, policy } = PROFILE_SETTINGS[settings.profile];
  const numbers = (from: object, prefix: string): [string, number][] =>
    Object.entries(from).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'number' ? [[prefix + key, value]] : [],
    );
  return Object.fromEntries([
    ...numbers(settings, ''),
    ...numbers(adapter, 'adapter.'),
    ...numbers(policy, 'policy.'),
  ]);
}
