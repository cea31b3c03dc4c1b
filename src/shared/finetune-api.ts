/** The calls about local fine-tuning: report, start, watch, compare, decide, drift. Types only, no wording. */

import type { AppStatus, Method, WireErrorData } from './contract.ts';
import type {
  DataReport,
  Estimate,
  Evaluation,
  FinetuneSelection,
  FinetuneSettings,
  JobState,
  JobUsage,
  SideBySide,
  TrainingPoint,
} from './finetune.ts';
import type { DrugName } from './domain.ts';
import type { JobId, ModelId, VisitId } from './ids.ts';
import type { TrainingChoices } from './trainer-process.ts';

export interface JobSummary {
  readonly id: JobId;
  readonly name: string;
  /** ISO times. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly state: JobState;
  readonly selection: FinetuneSelection;
  readonly settings: FinetuneSettings;
  /** Why a running job does not go on just now; null while it does. */
  readonly waitingFor: 'user' | 'power' | 'clinician' | null;
  readonly point: TrainingPoint | null;
  /** Of the whole job, by what it took so far; null before anything is known. */
  readonly secondsLeft: number | null;
  readonly error: WireErrorData | null;
  readonly model: ModelId | null;
}

/** What happened to a job, in order. `details` are numbers and names for the wording. */
export interface JobEvent {
  readonly at: string;
  readonly event:
    | 'created'
    | 'started'
    | 'resumed'
    | 'trainer-lost'
    | 'device-lost'
    | 'waiting'
    | 'going-on'
    | 'stage'
    | 'evaluated'
    | 'promoted'
    | 'rejected'
    | 'cancelled'
    | 'failed';
  readonly details: Readonly<Record<string, string | number>>;
}

export interface JobResult {
  readonly version: string;
  readonly evaluation: Evaluation;
  readonly examples: readonly SideBySide[];
  /** Null for an adapter that was trained elsewhere. */
  readonly choices: TrainingChoices | null;
}

export interface NamedSideBySide {
  readonly visitId: VisitId;
  readonly patient: string;
  readonly date: string;
  readonly truth: readonly DrugName[];
  readonly before: readonly DrugName[];
  readonly after: readonly DrugName[];
}

export interface JobDetail extends JobSummary {
  readonly report: DataReport;
  readonly usage: JobUsage | null;
  readonly points: readonly TrainingPoint[];
  readonly log: readonly JobEvent[];
  readonly evaluation: Evaluation | null;
  readonly choices: TrainingChoices | null;
  readonly examples: readonly NamedSideBySide[];
}

/** Agreement of proposed and signed lists over a stretch of decisions. */
export interface DriftWindow {
  /** ISO times of the first and the last decision. */
  readonly from: string;
  readonly to: string;
  readonly decisions: number;
  readonly model: string;
  /** Mean Jaccard of what was proposed and what was signed. */
  readonly agreement: Estimate;
}

export interface DriftReport {
  /** Oldest first, each of one model. */
  readonly windows: readonly DriftWindow[];
  /** Set when the newest full window of the model in use agrees clearly less than those before it. */
  readonly alert: { readonly before: number; readonly now: number } | null;
  /** Decisions that make a window. */
  readonly size: number;
}

export interface FinetuneApi {
  /** What would be trained on, before anything is. */
  'finetune.report': Method<{ selection: FinetuneSelection; settings: FinetuneSettings }, DataReport>;
  /** Queues a job. @throws FINETUNE_REFUSED with the first reason */
  'finetune.start': Method<
    { name: string; selection: FinetuneSelection; settings: FinetuneSettings },
    JobSummary
  >;
  /** Writes training set and base weights as a zip archive to the file behind a grant, to train an adapter elsewhere. */
  'finetune.export': Method<
    { selection: FinetuneSelection; settings: FinetuneSettings; grant: string },
    { readonly visits: number }
  >;
  /**
   * Queues the measuring of an adapter that was trained elsewhere on the same selection; its folder is read at once.
   * @throws FINETUNE_REFUSED, ADAPTER_UNUSABLE
   */
  'finetune.importAdapter': Method<
    { name: string; selection: FinetuneSelection; settings: FinetuneSettings; grant: string },
    JobSummary
  >;
  /** Newest first. */
  'finetune.list': Method<Record<string, never>, { jobs: readonly JobSummary[]; drift: DriftReport }>;
  'finetune.get': Method<{ jobId: JobId }, JobDetail>;
  'finetune.hold': Method<{ jobId: JobId; held: boolean }, JobSummary>;
  'finetune.cancel': Method<{ jobId: JobId }, JobSummary>;
  /** Makes the job's model the one in use. @throws MODEL_GATES_FAILED */
  'finetune.promote': Method<{ jobId: JobId }, AppStatus>;
  /** Gives the job's model up; its files are removed. */
  'finetune.reject': Method<{ jobId: JobId }, JobSummary>;
}

export const FINETUNE_METHODS = {
  'finetune.report': true,
  'finetune.start': true,
  'finetune.export': true,
  'finetune.importAdapter': true,
  'finetune.list': true,
  'finetune.get': true,
  'finetune.hold': true,
  'finetune.cancel': true,
  'finetune.promote': true,
  'finetune.reject': true,
} as const satisfies Record<keyof FinetuneApi, true>;
