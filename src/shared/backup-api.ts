/** Backups as the administrator's page sees them: what there is, when the next is made, a preview, a restore. Types only. */

import type { WireErrorData } from './contract.ts';

interface Method<Params, Result, Progress = never> {
  readonly params: Params;
  readonly result: Result;
  readonly progress: Progress;
}

/** How many of the last days, weeks and months keep a backup. */
export interface Retention {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

export const DEFAULT_RETENTION: Retention = { daily: 7, weekly: 5, monthly: 12 };

export interface BackupCounts {
  readonly patients: number;
  readonly visits: number;
  readonly decisions: number;
}

/** Of some visits only the year is known. */
export interface NewestVisit {
  readonly date: string;
  readonly dateKnown: boolean;
}

export interface BackupEntry {
  /** Name of the file. */
  readonly name: string;
  /** ISO time. */
  readonly at: string;
  /** Bytes. */
  readonly size: number;
  /**
   * `own`: of this profile under its present key. `earlier-key`: from before it was encrypted anew. `other-profile`: under the
   * same key, of the profile that this one was restored from or that was restored from this one. `damaged`: cannot be read.
   */
  readonly kind: 'own' | 'earlier-key' | 'other-profile' | 'damaged';
  /** Null where the present key does not open the description. */
  readonly madeBy: string | null;
  readonly counts: BackupCounts | null;
  readonly newestVisit: NewestVisit | null;
  /** When this profile last read it page by page, and what it found; null when it never did. */
  readonly checked: { readonly at: string; readonly sound: boolean } | null;
}

export interface BackupFailure {
  /** ISO time. */
  readonly at: string;
  readonly error: WireErrorData;
}

export interface BackupsState {
  /** A passphrase or accounts are needed first: without, nobody could open a backup. */
  readonly needsSecret: boolean;
  /** Where backups are written; null before one was chosen. The one path that a page is shown: an administrator must know. */
  readonly folder: string | null;
  /** Full hour of the day, by this computer's clock; null when none is made by itself. */
  readonly hour: number | null;
  readonly keep: Retention;
  /** ISO time of the next one by itself; null when none is planned. */
  readonly nextAt: string | null;
  /** One is being made at this moment. */
  readonly running: boolean;
  readonly lastSuccessAt: string | null;
  /** The last try, when it failed. */
  readonly failure: BackupFailure | null;
  /** Why the folder's backups cannot be listed; null when they can. */
  readonly folderProblem: WireErrorData | null;
  /** Newest first. */
  readonly backups: readonly BackupEntry[];
}

/** A backup in the chosen folder by its name, or any file that was picked. */
export type BackupSource = { readonly name: string } | { readonly grant: string };

/** A secret of the day of the backup. */
export type BackupSecret =
  | { readonly kind: 'account'; readonly account: string; readonly secret: string }
  | { readonly kind: 'recovery'; readonly secret: string }
  | { readonly kind: 'passphrase'; readonly secret: string };

/** What anybody can see of a backup: whose secrets open it. */
export interface BackupOpeners {
  readonly file: string;
  /** Names of accounts of that day; null where one passphrase opens it. */
  readonly people: readonly string[] | null;
}

export interface BackupPreview {
  readonly file: string;
  /** ISO time. */
  readonly madeAt: string;
  readonly madeBy: string;
  readonly appVersion: string;
  readonly schema: number;
  readonly auditEntries: number;
  readonly counts: BackupCounts;
  readonly newestVisit: NewestVisit | null;
}

export interface RestoredBackup {
  /** The new profile folder. */
  readonly folder: string;
  readonly counts: BackupCounts;
}

/** Part that is done, 0 to 1. */
export interface BackupProgress {
  readonly part: number;
}

export interface BackupsApi {
  'backups.get': Method<Record<string, never>, BackupsState>;
  'backups.set': Method<{ hour: number | null; keep: Retention }, BackupsState>;
  /** The folder behind a grant, which must take a file. */
  'backups.setFolder': Method<{ grant: string }, BackupsState>;
  'backups.make': Method<Record<string, never>, BackupsState, BackupProgress>;
  /** Reads a backup of this profile page by page. */
  'backups.verify': Method<{ name: string }, BackupsState, BackupProgress>;
  'backups.openers': Method<{ source: BackupSource }, BackupOpeners>;
  'backups.preview': Method<{ source: BackupSource; secret: BackupSecret }, BackupPreview>;
  /** Makes a new profile folder inside the place behind a grant; nothing that is there is written to. */
  'backups.restore': Method<
    { source: BackupSource; secret: BackupSecret; grant: string },
    RestoredBackup,
    BackupProgress
  >;
}

export const BACKUPS_METHODS = {
  'backups.get': true,
  'backups.set': true,
  'backups.setFolder': true,
  'backups.make': true,
  'backups.verify': true,
  'backups.openers': true,
  'backups.preview': true,
  'backups.restore': true,
} as const satisfies Record<keyof BackupsApi, true>;
