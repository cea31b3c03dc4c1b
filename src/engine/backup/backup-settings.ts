/** What a profile keeps about its own backups: where, when, how many, and how the last try ended. Makes none. */

import { z } from 'zod';
import { DEFAULT_RETENTION } from '../../shared/backup-api.ts';
import { isErrorCode } from '../../shared/errors.ts';
import { readSetting, writeSetting } from '../store/accounts.ts';
import type { ReadableDb, WritableDb } from '../store/handle.ts';

export const BACKUP_SETTINGS = 'backups';
export const BACKUP_STATE = 'backups-state';

const kept = z.int().min(0).max(1000);
export const retention = z.strictObject({ daily: kept.min(1), weekly: kept, monthly: kept });
export const hour = z.int().min(0).max(23).nullable();

const Settings = z.strictObject({ folder: z.string().nullable(), hour, keep: retention });
export type BackupSettings = z.infer<typeof Settings>;

export const NO_BACKUPS: BackupSettings = { folder: null, hour: null, keep: DEFAULT_RETENTION };

export function backupSettings(db: ReadableDb): BackupSettings {
  return readSetting(db, BACKUP_SETTINGS, Settings) ?? NO_BACKUPS;
}

const Failure = z.strictObject({
  at: z.string(),
  error: z.strictObject({
    code: z.string().refine(isErrorCode),
    details: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
});
const State = z.strictObject({
  lastSuccessAt: z.string().nullable(),
  /** Of the last try; null when it went well. */
  failure: Failure.nullable(),
  /** What reading backups through found, by file name. */
  checks: z.record(z.string(), z.strictObject({ at: z.string(), sound: z.boolean() })),
  /** Folders in which a restore was begun and not ended. */
  restoringIn: z.array(z.string()),
});
export type BackupState = z.infer<typeof State>;

const NOTHING_YET: BackupState = { lastSuccessAt: null, failure: null, checks: {}, restoringIn: [] };

export function backupState(db: ReadableDb): BackupState {
  return readSetting(db, BACKUP_STATE, State) ?? NOTHING_YET;
}

export function changeBackupState(
  db: WritableDb,
  change: (state: BackupState) => Partial<BackupState>,
): void {
  db.transaction(() => {
    const state = backupState(db);
    writeSetting(db, BACKUP_STATE, { ...state, ...change(state) });
  });
}
