/** The vocabulary of local fine-tuning: jobs, data reports, evaluations, gates. Types and constants only. */

import type { DrugId, VisitId } from './ids.ts';
import type { FrontPoint, Protocol } from './recommendation.ts';

/** What a number stands for in a comparison; `after` is the model that the job made. */
export const MEASURED_MODELS = [
  'before',
  'after',
  'frequency',
  'logistic-regression',
  'previous-visit',
] as const;
export type MeasuredModel = (typeof MEASURED_MODELS)[number];

export const GROUP_PARTITIONS = ['age', 'sex', 'setting', 'history'] as const;
export type GroupPartition = (typeof GROUP_PARTITIONS)[number];

/** What a model has to pass before it may be used. */
export const GATES = [
  'better-than-before',
  'uses-the-visit',
  'subgroups',
  'interaction-rate',
  'calibration',
  'textbook-interactions',
  'hard-rules',
] as const;
export type GateName = (typeof GATES)[number];

export interface Gate {
  readonly gate: GateName;
  readonly passed: boolean;
  readonly value: number;
  /** What `value` is compared with; the wording of a gate says how. */
  readonly limit: number;
}

/** A mean with its 95 % bootstrap interval over visits. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface MeasuredRow {
  readonly model: MeasuredModel;
  readonly jaccard: Estimate;
  readonly f1: Estimate;
  /** Null where lists were copied and nothing was ranked. */
  readonly prauc: Estimate | null;
  readonly ddiRate: Estimate;
  readonly meanLength: number;
  readonly calibrationError: number | null;
}

export interface GroupComparison {
  readonly partition: GroupPartition;
  readonly name: string;
  readonly visits: number;
  /** Mean Jaccard. */
  readonly before: number;
  readonly after: number;
  readonly difference: Estimate;
}

export interface Evaluation {
  readonly protocol: Protocol;
  readonly visits: number;
  readonly patients: number;
  readonly rows: readonly MeasuredRow[];
  /** What the clinicians themselves prescribed. */
  readonly truth: { readonly ddiRate: number; readonly meanLength: number };
  /** Jaccard of `after` minus another model on the same visits, paired. */
  readonly differences: readonly { readonly against: MeasuredModel; readonly jaccard: Estimate }[];
  readonly fronts: { readonly before: readonly FrontPoint[]; readonly after: readonly FrontPoint[] };
  readonly groups: readonly GroupComparison[];
  readonly gates: readonly Gate[];
}

/** The lists of one held-out visit beside each other. */
export interface SideBySide {
  readonly visitId: VisitId;
  readonly truth: readonly DrugId[];
  readonly before: readonly DrugId[];
  readonly after: readonly DrugId[];
}

/** How much is trained; `full` changes every weight of the compact pack and is for experts. */
export const PROFILES = ['quick', 'standard', 'thorough', 'full'] as const;
export type FinetuneProfile = (typeof PROFILES)[number];

/** Which visits a job may learn from. */
export const VISIT_SOURCES = ['signed', 'recorded', 'both'] as const;
/** `signed`: decisions signed here; `recorded`: what imported visits say was prescribed. */
export type VisitSource = (typeof VISIT_SOURCES)[number];

export interface FinetuneSelection {
  readonly source: VisitSource;
  /** ISO dates, both included; null leaves that end open. */
  readonly from: string | null;
  readonly to: string | null;
  /** Whether the demo patients take part; they never do beside real ones. */
  readonly demo: boolean;
}

export interface FinetuneSettings {
  readonly profile: FinetuneProfile;
  /** Range of the safety slider that the list policy is trained for, 0 to 1. */
  readonly alphaLow: number;
  readonly alphaHigh: number;
  readonly threads: number;
  readonly seed: number;
  readonly pauseOnBattery: boolean;
  readonly pauseWhileWorking: boolean;
}

export const DEFAULT_SETTINGS: FinetuneSettings = {
  profile: 'standard',
  alphaLow: 0,
  alphaHigh: 1,
  threads: 1,
  seed: 1,
  pauseOnBattery: true,
  pauseWhileWorking: false,
};

/** Why a training set cannot be used. */
export const REFUSALS = [
  'too-few-visits',
  'too-few-patients',
  'too-few-drugs',
  'same-lists',
  'contraindicated-pairs',
  'unknown-drugs',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface DataPart {
  readonly visits: number;
  readonly patients: number;
  /** ISO dates; null without visits. */
  readonly first: string | null;
  readonly last: string | null;
}

/** A drug or code chapter that the site uses more or less than the base model's training visits. */
export interface Shift {
  readonly name: string;
  readonly site: number;
  readonly base: number;
}

/** What would be trained on, before anything is. */
export interface DataReport {
  readonly parts: { readonly train: DataPart; readonly validation: DataPart; readonly heldOut: DataPart };
  /** Visits that were left out, by reason. */
  readonly leftOut: { readonly noDrugs: number; readonly noProblem: number };
  readonly withHistory: number;
  readonly meanLength: number;
  /** Different drugs in all visits, and how many the base model knows. */
  readonly drugs: number;
  readonly knownDrugs: number;
  /** Share of what was prescribed that the base model knows. */
  readonly coverage: number;
  readonly newDrugs: readonly { readonly drug: DrugId; readonly visits: number }[];
  /** New drugs seen too rarely to be learnt. */
  readonly rareDrugs: number;
  /** Population stability index against the base model's training visits; null when it cannot be told. */
  readonly drugShift: number;
  readonly codeShift: number;
  readonly shifts: readonly Shift[];
  /** Share of visits with the most common list, and with a pair of severity 4. */
  readonly commonestList: number;
  readonly contraindicated: number;
  /** Empty when the set can be used. `limit` is what was needed. */
  readonly refusals: readonly { readonly reason: Refusal; readonly found: number; readonly limit: number }[];
  readonly estimate: ResourceEstimate;
}

export interface ResourceEstimate {
  readonly seconds: number;
  /** Bytes of memory of the training process. */
  readonly memory: number;
}

export const JOB_STATES = [
  'queued',
  'running',
  'evaluated',
  'promoted',
  'rejected',
  'cancelled',
  'failed',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_STAGES = [
  'reading',
  'adapter',
  'cross-fitting',
  'site',
  'policy-supervised',
  'policy-grpo',
  'evaluating',
  'writing',
] as const;
export type JobStage = (typeof JOB_STAGES)[number];

/** Means since the last point, e.g. loss, reward, jaccard, ddi, kl. */
export interface TrainingPoint {
  readonly stage: JobStage;
  readonly step: number;
  readonly steps: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface JobUsage {
  readonly seconds: number;
  /** Peak resident bytes of the training process. */
  readonly memory: number;
}
