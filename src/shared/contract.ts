/**
 * The one contract between the engine and everyone who calls it: names, parameters, results, progress.
 * Both ends are derived from it with `satisfies`; a method forgotten anywhere fails to compile.
 */

import type { Decision, DecisionInput, Signature } from './decision.ts';
import type { AuditFilter, AuditPage, AuditVerification } from './audit.ts';
import type { Alternatives } from './alternatives.ts';
import type { CodeTitle, Diagnosis, DrugName, Interaction, Patient, Visit } from './domain.ts';
import type { Draft, EditorForm, PatientInput, VisitInput } from './editing.ts';
import type { CheckReport } from './findings.ts';
import { IMPORTS_METHODS, type ImportProgress, type ImportReport, type ImportsApi } from './import-api.ts';
import type { DecisionId, DrugId, ModelId, PatientId, RecommendationId, VisitId } from './ids.ts';
import {
  ACCOUNTS_METHODS,
  SESSION_SHELL_METHODS,
  type AccountsApi,
  type SessionShellApi,
  type SessionStatus,
} from './accounts-api.ts';
import { BACKUPS_METHODS, type BackupFailure, type BackupsApi } from './backup-api.ts';
import { RESCUE_METHODS, RESCUE_SHELL_METHODS, type RescueApi, type RescueShellApi } from './rescue-api.ts';
import { DEVICES_METHODS, type DevicesApi } from './devices-api.ts';
import { FINETUNE_METHODS, type FinetuneApi } from './finetune-api.ts';
import { MODELS_METHODS, type ModelsApi } from './models-api.ts';
import { NOTES_METHODS, type NotesApi } from './notes-api.ts';
import type { Overview, OverviewQuery } from './overview.ts';
import type { Reasons } from './reasons.ts';
import type { FrontPoint, Protocol, Recommendation } from './recommendation.ts';
import { HOOKS_METHODS, type HooksApi } from './hooks-api.ts';
import { EXPORT_METHODS, type ExportApi } from './export-api.ts';
import { SITE_TABLE_METHODS, type SiteTableApi } from './site-table-api.ts';
import { KEY_STORE_METHODS, type KeyStoreApi, type KeyStoreRefusal } from './key-store-api.ts';
import type { Worklist } from './worklist.ts';

export interface Method<Params, Result, Progress = never> {
  readonly params: Params;
  readonly result: Result;
  readonly progress: Progress;
}

export interface AppStatus {
  readonly store: 'open' | 'locked' | 'failed';
  /** Set when `store` or the tables or the model failed; what the screen shows instead of the workspace. */
  readonly failures: readonly {
    readonly part: 'store' | 'knowledge' | 'model';
    readonly error: WireErrorData;
  }[];
  readonly passphraseSet: boolean;
  /** Set while the database is locked although the system's key store should have opened it. */
  readonly keyStoreRefusal: KeyStoreRefusal | null;
  readonly session: SessionStatus;
  readonly patientCount: number;
  readonly appVersion: string;
  readonly knowledgeVersion: string | null;
  readonly model: ModelSummary | null;
  /** Which installed model that is; null without one. */
  readonly modelId: ModelId | null;
  /** Set while the shipped model stands in for the one that was chosen, with the reason. */
  readonly modelFallback: ModelFallback | null;
  /** The last backup failed, since when; null when it did not. */
  readonly backupFailure: BackupFailure | null;
}

export interface ModelFallback {
  readonly wanted: { readonly id: ModelId; readonly name: string; readonly version: string };
  readonly error: WireErrorData;
}

export interface WireErrorData {
  readonly code: string;
  readonly details: Readonly<Record<string, string | number>>;
}

export interface ModelSummary {
  readonly name: string;
  readonly version: string;
  readonly formularySize: number;
  readonly trainedOn: string;
  /** How lists are written, in words, e.g. by a list policy and how that was trained. */
  readonly listsWritten: string;
  readonly dataTerms: string;
  readonly metrics: readonly {
    readonly name: string;
    readonly value: number;
    readonly protocol: string;
  }[];
  readonly front: { readonly points: readonly FrontPoint[]; readonly protocol: Protocol } | null;
}

export interface PatientSummary {
  readonly patient: Patient;
  readonly visitCount: number;
  readonly lastVisitDate: string | null;
  readonly lastVisitId: VisitId | null;
  /** Titles of the last visit's diagnoses, for recognition in the list. */
  readonly lastDiagnoses: readonly string[];
  readonly decided: boolean;
}

export interface VisitSummary {
  readonly id: VisitId;
  readonly date: string;
  readonly dateKnown: boolean;
  readonly diagnoses: readonly string[];
  readonly prescribedCount: number | null;
  readonly decisionCount: number;
}

/** A visit with every code's title, ready to show. */
export interface VisitDetail {
  readonly patient: Patient;
  readonly visit: Visit;
  readonly titles: {
    readonly diagnoses: readonly (Diagnosis & { readonly title: string | null })[];
    readonly reasons: readonly CodeTitle[];
    readonly chronic: readonly CodeTitle[];
    readonly procedures: readonly CodeTitle[];
    readonly specialty: CodeTitle | null;
  };
  readonly currentMedications: readonly DrugName[];
  readonly previousMedications: readonly DrugName[];
  readonly prescribed: readonly DrugName[] | null;
  /** Newest first. */
  readonly decisions: readonly Decision[];
  /** Those whose recommendation was made from an earlier context of the visit than the one shown. */
  readonly outdated: readonly DecisionId[];
  /** ISO time of the latest change in the editor; null when the visit is as it was stored first. */
  readonly changedAt: string | null;
}

/** A patient that may be the one just typed, and what tells it. */
export interface DuplicatePatient {
  readonly summary: PatientSummary;
  readonly same: 'record-number' | 'name';
}

/** Code systems that the editor searches by words. */
export const SEARCHED_SYSTEMS = ['ICD-10-CM', 'ICD-9-PROC', 'NAMCS-REASON'] as const;
export type SearchedSystem = (typeof SEARCHED_SYSTEMS)[number];

export interface DecisionSeal {
  /** SHA-256, hexadecimal; null when the audit log holds none. */
  readonly sha256: string | null;
  readonly intact: boolean;
}

export interface DemoDescription {
  readonly patients: number;
  readonly visits: number;
  readonly loaded: boolean;
  readonly sources: readonly { readonly name: string; readonly licence: string; readonly terms: string }[];
}

export interface DrugMatch {
  readonly drug: DrugName;
  /** What the typed text matched, e.g. a brand; null when it is the name itself. */
  readonly matched: string | null;
  readonly inFormulary: boolean;
}

export type PictureKind = 'svg' | 'png';

export interface InteractionReport {
  readonly interactions: readonly Interaction[];
  readonly notCovered: readonly DrugId[];
}

export interface EngineApi
  extends
    AccountsApi,
    BackupsApi,
    RescueApi,
    DevicesApi,
    ExportApi,
    HooksApi,
    ImportsApi,
    KeyStoreApi,
    ModelsApi,
    NotesApi,
    SiteTableApi,
    FinetuneApi {
  'app.status': Method<Record<string, never>, AppStatus>;
  'store.unlock': Method<{ passphrase: string }, AppStatus>;
  /** Protects the database with a passphrase, or takes the protection away with null. `present`: what protects it now. */
  'store.setPassphrase': Method<{ passphrase: string | null; present?: string | undefined }, AppStatus>;
  'demo.describe': Method<Record<string, never>, DemoDescription>;
  'demo.load': Method<Record<string, never>, ImportReport, ImportProgress>;
  /**
   * `archived: true` lists the archived patients, and only those. `waiting` counts the patients that a query may have
   * missed because an import's words are still being made searchable.
   */
  'patients.list': Method<
    { query: string; limit: number; offset: number; archived?: boolean },
    { total: number; patients: readonly PatientSummary[]; waiting: number }
  >;
  /** A patient that was merged answers as the one that it was merged into. */
  'patients.get': Method<
    { patientId: PatientId },
    { patient: Patient; visits: readonly VisitSummary[]; archived: boolean }
  >;
  /** Stores a new patient or corrects a stored one; its draft is discarded with it. */
  'patients.save': Method<{ patient: PatientInput }, Patient>;
  /** Stored patients that may be the same person: same record number first, then the same name. */
  'patients.duplicates': Method<
    { id: PatientId; name: string; recordNumber: string | null },
    readonly DuplicatePatient[]
  >;
  'patients.archive': Method<{ patientId: PatientId; archived: boolean }, Record<string, never>>;
  /** Moves the visits of `from` to `into`, for good. */
  'patients.merge': Method<{ from: PatientId; into: PatientId }, Patient>;
  'visits.get': Method<{ visitId: VisitId }, VisitDetail>;
  /** Stores a new visit or a new content of a stored one; its draft is discarded with it. */
  'visits.save': Method<{ visit: VisitInput }, VisitDetail>;
  /** Forms that were typed and not saved, latest first. */
  'drafts.list': Method<Record<string, never>, readonly Draft[]>;
  /** `account` is who typed it, where there are accounts: refused with SESSION_LOCKED when somebody else is signed in by now. */
  'drafts.put': Method<{ label: string; form: EditorForm; account?: string }, { savedAt: string }>;
  'drafts.discard': Method<{ id: string }, Record<string, never>>;
  /** Type-ahead over titles and codes; one or two misspelt letters in a word are tolerated. */
  'codes.search': Method<{ system: SearchedSystem; text: string; limit: number }, readonly CodeTitle[]>;
  /** The short lists of the codebook, to choose from. */
  'codes.lists': Method<
    Record<string, never>,
    { specialties: readonly CodeTitle[]; chronic: readonly CodeTitle[] }
  >;
  /** `useHabits: false` keeps the clinic's earlier decisions out of the lists; they count unless it says so. */
  recommend: Method<{ visitId: VisitId; useHabits?: boolean }, Recommendation>;
  /** Why a drug of the recommendation, or any other of the formulary, stands where it does at a slider position. */
  'recommend.explain': Method<
    { visitId: VisitId; recommendationId: RecommendationId; drug: DrugId; alpha: number },
    Reasons
  >;
  /** Related drugs that could replace the drugs of an interacting pair on this list, with what each would bring. */
  'recommend.alternatives': Method<
    {
      visitId: VisitId;
      recommendationId: RecommendationId;
      pair: readonly [DrugId, DrugId];
      list: readonly DrugId[];
    },
    readonly Alternatives[]
  >;
  'drugs.search': Method<{ text: string; limit: number }, readonly DrugMatch[]>;
  'interactions.among': Method<{ drugs: readonly DrugId[] }, InteractionReport>;
  /** Everything the deterministic checks say of these drugs and the current medications, for the patient of the visit. */
  'visits.check': Method<{ visitId: VisitId; drugs: readonly DrugId[] }, CheckReport>;
  /** Signs and stores a decision, once and for good. */
  'decisions.save': Method<DecisionInput, Decision>;
  'worklist.get': Method<Record<string, never>, Worklist>;
  'overview.get': Method<OverviewQuery, Overview>;
  /** Writes a picture of the visit's graph to the place behind a grant for writing. */
  'graph.export': Method<
    { visitId: VisitId; grant: string; kind: PictureKind; bytes: Uint8Array },
    Record<string, never>
  >;
  /** Opens the audit log, which is itself written down, and names everybody who stands in it. */
  'audit.open': Method<Record<string, never>, { actors: readonly string[] }>;
  /** One page, newest first; `before` is the number of the last entry of the page before. */
  'audit.list': Method<{ filter: AuditFilter; before: number | null; limit: number }, AuditPage>;
  'audit.verify': Method<Record<string, never>, AuditVerification, { checked: number; total: number }>;
  /** Writes what the filter lets through to the file behind a grant. */
  'audit.export': Method<
    { filter: AuditFilter; format: 'csv' | 'jsonl'; grant: string },
    { entries: number },
    { written: number }
  >;
  /** What a decision was made from, to amend it; null when visit, model or tables are no longer those. */
  'decisions.basis': Method<{ decisionId: DecisionId }, { recommendation: Recommendation | null }>;
  /** The hash that the audit log holds of a decision, and whether what is stored still has it. */
  'decisions.seal': Method<{ decisionId: DecisionId }, DecisionSeal>;
  /** Who signed last on this computer, to fill in the signature line; null before the first signature. */
  'decisions.signer': Method<Record<string, never>, { signature: Signature | null }>;
}

/** Calls that only the shell (main process) makes; the renderer's port refuses them. */
export interface ShellApi extends SessionShellApi, RescueShellApi {
  /** Lets the renderer use one picked file without ever seeing its path: to import it, or to have it written. */
  'files.grant': Method<{ grant: string; path: string; purpose?: 'read' | 'write' }, { name: string }>;
  /** Writes what the shell drew to the place that the user picked, whole or not at all. */
  'files.write': Method<{ path: string; bytes: Uint8Array }, Record<string, never>>;
  /** Writes into the audit log that a decision left Flame, on paper or as a file. */
  'decisions.released': Method<
    { decisionId: DecisionId; as: 'print' | 'pdf'; sha256: string | null },
    Record<string, never>
  >;
  /** Whether the computer runs on its battery, now and whenever that changes. */
  'power.changed': Method<{ onBattery: boolean }, Record<string, never>>;
  /** Closes the database and stops. */
  'engine.shutdown': Method<Record<string, never>, Record<string, never>>;
}

export type MethodName = keyof EngineApi;
export type ParamsOf<Api, Name extends keyof Api> = Api[Name] extends { params: infer P } ? P : never;
export type ResultOf<Api, Name extends keyof Api> = Api[Name] extends { result: infer R } ? R : never;
export type ProgressOf<Api, Name extends keyof Api> = Api[Name] extends { progress: infer G } ? G : never;

/** The runtime list of the renderer's methods; the engine refuses every other name. */
export const ENGINE_METHODS = {
  'app.status': true,
  'store.unlock': true,
  'store.setPassphrase': true,
  'demo.describe': true,
  'demo.load': true,
  'patients.list': true,
  'patients.get': true,
  'patients.save': true,
  'patients.duplicates': true,
  'patients.archive': true,
  'patients.merge': true,
  'visits.get': true,
  'visits.save': true,
  'drafts.list': true,
  'drafts.put': true,
  'drafts.discard': true,
  'codes.search': true,
  'codes.lists': true,
  recommend: true,
  'recommend.explain': true,
  'recommend.alternatives': true,
  'drugs.search': true,
  'interactions.among': true,
  'visits.check': true,
  'decisions.save': true,
  'worklist.get': true,
  'overview.get': true,
  'graph.export': true,
  'audit.open': true,
  'audit.list': true,
  'audit.verify': true,
  'audit.export': true,
  'decisions.basis': true,
  'decisions.seal': true,
  'decisions.signer': true,
  ...ACCOUNTS_METHODS,
  ...BACKUPS_METHODS,
  ...RESCUE_METHODS,
  ...MODELS_METHODS,
  ...DEVICES_METHODS,
  ...NOTES_METHODS,
  ...SITE_TABLE_METHODS,
  ...IMPORTS_METHODS,
  ...KEY_STORE_METHODS,
  ...EXPORT_METHODS,
  ...HOOKS_METHODS,
  ...FINETUNE_METHODS,
} as const satisfies Record<MethodName, true>;

export const SHELL_METHODS = {
  ...SESSION_SHELL_METHODS,
  ...RESCUE_SHELL_METHODS,
  'files.grant': true,
  'files.write': true,
  'decisions.released': true,
  'power.changed': true,
  'engine.shutdown': true,
} as const satisfies Record<keyof ShellApi, true>;

/** What the shell says to the renderer about the engine process. */
export type EngineState = 'starting' | 'ready' | 'restarting' | 'stopped';
