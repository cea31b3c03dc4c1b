/** What the engine and the training process say to each other, and how the engine asks for one. Types only. */

import type { ProviderName } from './devices-api.ts';
import type { WireError } from './errors.ts';
import type { Evaluation, FinetuneSettings, JobUsage, SideBySide, TrainingPoint } from './finetune.ts';
import type { ClinicalContext, Severity } from './domain.ts';
import type { DrugId } from './ids.ts';

/** A visit to learn from. It travels in memory and is never written to disk by the training process. */
export interface TrainingVisit {
  readonly id: string;
  readonly patient: string;
  /** ISO date; null when only the year is known. */
  readonly date: string | null;
  readonly context: ClinicalContext;
  readonly drugs: readonly DrugId[];
}

export interface TrainingVisits {
  readonly train: readonly TrainingVisit[];
  readonly validation: readonly TrainingVisit[];
  readonly heldOut: readonly TrainingVisit[];
}

/** The site's own interaction table, which the list policy is trained with (src/knowledge/site-table.ts). */
export interface OwnInteractions {
  readonly name: string;
  readonly sha256: string;
  readonly rows: readonly {
    readonly a: string;
    readonly b: string;
    readonly severity: Severity;
    readonly nativeSeverity: string;
    readonly effect: string;
    readonly mechanism: string;
    readonly management: string;
    readonly source: string;
    readonly overrules: string;
  }[];
}

/** All that a job learns from, as it was when it was asked for: what it goes on with after an interruption. */
export interface TrainingSet {
  readonly visits: TrainingVisits;
  readonly siteTable: OwnInteractions | null;
}

export interface TrainingOrder extends TrainingSet {
  readonly job: string;
  readonly name: string;
  readonly settings: FinetuneSettings;
  /** Folders: of the pack to start from, of the compiled tables, for checkpoints, of the model to write. */
  readonly base: string;
  readonly knowledge: string;
  readonly work: string;
  readonly model: string;
  /** Folder of an adapter that was trained elsewhere and is only to be measured; null to train one. */
  readonly adapter: string | null;
  /** Where training steps run, as long as it works. */
  readonly provider: ProviderName;
}

export type ToTrainer =
  | { readonly kind: 'start'; readonly order: TrainingOrder }
  | { readonly kind: 'pause'; readonly paused: boolean }
  | { readonly kind: 'cancel' };

/** Numbers behind the choices between parts, for the log. */
export interface TrainingChoices {
  readonly outOfFold: {
    readonly adapter: number;
    /** Absent in jobs of earlier versions. */
    readonly unchanged?: number | null;
    readonly combination: number | null;
  };
  readonly epochs: readonly number[];
  readonly lists: Readonly<Record<string, number>>;
}

export interface TrainingResult {
  readonly version: string;
  readonly evaluation: Evaluation;
  readonly examples: readonly SideBySide[];
  readonly choices: TrainingChoices | null;
}

export type FromTrainer =
  | { readonly kind: 'point'; readonly point: TrainingPoint }
  /** The device failed, in the system's words; the CPU went on with the step under way. */
  | { readonly kind: 'device-lost'; readonly provider: ProviderName; readonly reason: string }
  | { readonly kind: 'done'; readonly result: TrainingResult; readonly usage: JobUsage }
  | { readonly kind: 'failed'; readonly error: WireError; readonly usage: JobUsage };

/** Engine → shell: a training process is wanted under this number. */
export interface TrainerWanted {
  readonly type: 'trainer-wanted';
  readonly id: number;
}
/** Shell → engine, with one MessagePort to it. */
export interface TrainerPort {
  readonly type: 'trainer';
  readonly id: number;
}

export function isTrainerWanted(message: unknown): message is TrainerWanted {
  return (message as { type?: unknown } | null)?.type === 'trainer-wanted';
}

export function isTrainerPort(message: unknown): message is TrainerPort {
  return (message as { type?: unknown } | null)?.type === 'trainer';
}
