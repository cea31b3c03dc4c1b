/**
 * One backup with all that belongs to it: it is made, how it ended is remembered in the profile, and what is no longer to be
 * kept is removed. For the window and the command line alike; chooses no moment.
 */

import { basename } from 'node:path';
import type { BackupEntry, Retention } from '../../shared/backup-api.ts';
import { toWireError } from '../../shared/errors.ts';
import { hasRing, readRing } from '../access/key-ring.ts';
import type { Profile } from '../profile.ts';
import { appendAudit } from '../store/audit.ts';
import { listBackups, outdated, removeBackups } from './backup-folder.ts';
import { backupState, changeBackupState } from './backup-settings.ts';
import { makeBackup, profileIdOf, type BackupOptions, type MadeBackup } from './make-backup.ts';

type OpenProfile = Pick<Profile, 'folder' | 'db' | 'key'>;

export interface BackUpOptions extends Omit<BackupOptions, 'onMade' | 'onFailed'> {
  /** Null keeps every backup. */
  readonly keep: Retention | null;
}

export interface BackUpResult extends MadeBackup {
  /** Names of earlier backups that were removed. */
  readonly removed: readonly string[];
}

/** @throws FlameError what makeBackup throws; that old ones could not be removed is remembered and shown, not thrown */
export async function backUp(
  profile: OpenProfile,
  folder: string,
  { keep, ...options }: BackUpOptions,
): Promise<BackUpResult> {
  const { db } = profile;
  const now = options.now ?? new Date();
  const fail = (problem: unknown): void =>
    changeBackupState(db, () => ({ failure: { at: now.toISOString(), error: toWireError(problem) } }));
  const made = await makeBackup(profile, folder, {
    ...options,
    now,
    onMade: ({ file, manifest: { madeAt } }) =>
      changeBackupState(db, ({ checks }) => ({
        lastSuccessAt: madeAt,
        failure: null,
        checks: { ...checks, [basename(file)]: { at: madeAt, sound: true } },
      })),
    onFailed: (problem) => {
      // Whoever cancelled it knows; one that a quit cut short is made up after the next opening.
      if (problem.code !== 'CANCELLED') fail(problem);
    },
  });
  try {
    return { ...made, removed: keep === null ? [] : await prune(profile, folder, keep, options.actor, now) };
  } catch (thrown) {
    fail(thrown);
    return { ...made, removed: [] };
  }
}

/** The backups of this profile in a folder, newest first. @throws FlameError BACKUP_FOLDER_UNUSABLE */
export async function backupsIn(
  { folder: profile, db, key }: OpenProfile,
  folder: string,
): Promise<BackupEntry[]> {
  const ring = hasRing(profile) ? readRing(profile) : null;
  const found = await listBackups(folder, { key, profileId: profileIdOf(db), ring });
  const { checks } = backupState(db);
  return found.map((entry) => ({ ...entry, checked: checks[entry.name] ?? null }));
}

async function prune(
  profile: OpenProfile,
  folder: string,
  keep: Retention,
  actor: string,
  now: Date,
): Promise<string[]> {
  const { db } = profile;
  const found = await backupsIn(profile, folder);
  const names = outdated(found, keep, now);
  const kept = new Set(found.map(({ name }) => name).filter((name) => !names.includes(name)));
  db.transaction(() => {
    changeBackupState(db, ({ checks }) => ({
      checks: Object.fromEntries(Object.entries(checks).filter(([name]) => kept.has(name))),
    }));
    if (names.length > 0)
      appendAudit(db, { actor, action: 'backup.removed', subject: 'profile', content: { files: names } });
  });
  await removeBackups(folder, names);
  return names;
}
