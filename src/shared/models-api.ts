/** The calls about installed models: which there are, which one is in use, use another, go back. Types only, no wording. */

import type { AppStatus, Method, ModelSummary, WireErrorData } from './contract.ts';
import type { ModelId } from './ids.ts';

/** A model that Flame could use, or would if it were sound. */
export interface InstalledModel {
  readonly id: ModelId;
  /** `shipped` came with Flame and always remains; `local` was imported or trained here. */
  readonly origin: 'shipped' | 'local';
  /** As its manifest says; the folder's name when the manifest cannot be read. */
  readonly name: string;
  /** Empty when the manifest cannot be read. */
  readonly version: string;
  /** What its manifest describes, e.g. a whole pack. Null when it cannot be read. */
  readonly format: string | null;
  /** The pack that an adapter changes; null for a model that stands alone. */
  readonly base: { readonly name: string; readonly version: string } | null;
  readonly createdAt: string | null;
  /** Size of the files that the manifest lists. */
  readonly bytes: number;
  readonly summary: ModelSummary | null;
  /** What is wrong with the manifest; the files are checked when the model is opened or verified. */
  readonly problem: WireErrorData | null;
}

/** One turn of the pointer that says which model is in use. */
export interface ModelUse {
  /** ISO time. */
  readonly at: string;
  readonly actor: string;
  readonly cause: 'used' | 'rolled-back';
  readonly model: ModelId;
  readonly name: string;
  readonly version: string;
}

export interface ModelsState {
  /** The shipped ones first, then by name. */
  readonly models: readonly InstalledModel[];
  readonly active: ModelId | null;
  /** What going back would lead to; null when there is nothing to go back to. */
  readonly previous: ModelId | null;
  /** Newest first. */
  readonly history: readonly ModelUse[];
}

export interface ModelImportProgress {
  readonly stage: 'reading' | 'copying' | 'checking' | 'storing';
  /** 0 to 1 by bytes; null where it is not known. */
  readonly fraction: number | null;
}

export interface ImportedModel {
  readonly model: InstalledModel;
  /** Bytes of memory that it is estimated to take while it is in use. */
  readonly memory: number;
}

export interface ModelDetails {
  readonly model: InstalledModel;
  /** Its model card in Markdown, as written by whoever made it; null without one. */
  readonly card: string | null;
  readonly provenance: readonly { readonly what: Provenance; readonly value: string }[];
  readonly files: readonly { readonly file: string; readonly bytes: number; readonly sha256: string }[];
  /** Bytes of memory that it is estimated to take while it is in use. */
  readonly memory: number;
}

/** What a manifest tells of where a model comes from. */
export const PROVENANCE = [
  'created',
  'corpus',
  'split',
  'visits',
  'source',
  'profile',
  'newDrugs',
  'knowledge',
  'interactions',
  'hardware',
  'duration',
] as const;
export type Provenance = (typeof PROVENANCE)[number];

export interface ModelIntegrity {
  /** ISO time of the check. */
  readonly at: string;
  readonly files: number;
  readonly bytes: number;
  /** What is wrong; null when every byte is as the manifest says and the model runs. */
  readonly problem: WireErrorData | null;
}

export interface ModelsApi {
  'models.list': Method<Record<string, never>, ModelsState>;
  /** Makes a model the one that recommends from now on. A model that does not open is refused, and nothing changes. */
  'models.use': Method<{ model: ModelId }, AppStatus>;
  /** Goes back to the model that was in use before the present one. */
  'models.rollBack': Method<Record<string, never>, AppStatus>;
  'models.details': Method<{ model: ModelId }, ModelDetails>;
  /** Checks every byte against the manifest and runs the model once. */
  'models.verify': Method<{ model: ModelId }, ModelIntegrity>;
  /** Installs the model behind a grant for reading: a folder or a zip archive. It is not used yet. */
  'models.import': Method<{ grant: string }, ImportedModel, ModelImportProgress>;
  /** Writes a model as a zip archive to the file behind a grant. */
  'models.export': Method<{ model: ModelId; grant: string }, { readonly bytes: number }>;
  /** Removes a local model that is not in use, for good. */
  'models.remove': Method<{ model: ModelId }, ModelsState>;
}

export const MODELS_METHODS = {
  'models.list': true,
  'models.use': true,
  'models.rollBack': true,
  'models.details': true,
  'models.verify': true,
  'models.import': true,
  'models.export': true,
  'models.remove': true,
} as const satisfies Record<keyof ModelsApi, true>;
