/**
 * Makes a backup of an open database into a folder, reads it back before it gets its name, and removes the ones that
 * are no longer to be kept. A crash leaves every earlier backup and no half of a new one under its name.
 */

import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FlameError } from '../../shared/errors.ts';
import { hasRing, readRing } from '../key-ring.ts';
import type { Profile } from '../profile.ts';
import { syncFolder } from '../publish.ts';
import { appendAudit } from '../store/audit.ts';
import { copyStore } from '../store/copy.ts';
import { describeCopy, type BackupManifest } from './backup-file.ts';
import { backupsToRemove, type Retention } from './retention.ts';

export interface BackupOptions {
  readonly actor: string;
  readonly appVersion: string;
  readonly nativeBinding?: string | undefined;
  /** Null keeps every backup. */
  readonly keep: Retention | null;
  readonly now?: Date;
}

export interface MadeBackup {
  readonly file: string;
  readonly manifest: BackupManifest;
  /** Names of earlier backups that were removed. */
  readonly removed: readonly string[];
}

/** `flame-backup-20261128T045600Z-1a2b3c4d.flamebackup`: the time in UTC, and the start of the database's salt. */
const NAME = /^flame-backup-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-([0-9a-f]{8})\.flamebackup$/;

/** @throws FlameError ACCOUNTS_REQUIRED, STORE_UNAVAILABLE when the folder takes no file, STORE_CORRUPT */
export function makeBackup(
  profile: Pick<Profile, 'folder' | 'db' | 'key'>,
  into: string,
  options: BackupOptions,
): MadeBackup {
  const { folder, db, key } = profile;
  const { actor, appVersion, nativeBinding, keep, now = new Date() } = options;
  // Only a passphrase or a code that somebody knows can open it again.
  if (!hasRing(folder)) throw new FlameError('ACCOUNTS_REQUIRED');
  const mark = key.salt.toString('hex', 0, 4);
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const file = join(into, `flame-backup-${stamp}-${mark}.flamebackup`);
  const draft = `${file}.draft`;
  removeDrafts(into, mark);
  try {
    const counts = copyStore(db, key, { file: draft, key, nativeBinding });
    const manifest = { madeAt: now.toISOString(), madeBy: actor, appVersion, counts };
    describeCopy(draft, readRing(folder), key, manifest);
    renameSync(draft, file);
    syncFolder(dirname(file));
    const removed = keep === null ? [] : prune(into, mark, keep, now);
    const content = {
      file: basename(file),
      patients: counts.patients,
      visits: counts.visits,
      removed: removed.length,
    };
    appendAudit(db, { actor, action: 'backup.made', subject: 'profile', content });
    return { file, manifest, removed };
  } catch (thrown) {
    rmSync(draft, { force: true });
    if (thrown instanceof FlameError) throw thrown;
    const problem = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FlameError('FILE_NOT_WRITABLE', { file: basename(file), problem }, { cause: thrown });
  }
}

/** Backups of the database whose salt starts with `mark`, newest first; files of other names are nobody's business. */
export function listBackups(folder: string, mark: string): { readonly name: string; readonly at: Date }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const [, year, month, day, hour, minute, second, found] = NAME.exec(name) ?? [];
      if (found !== mark) return [];
      return [{ name, at: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) }];
    })
    .filter(({ at }) => !Number.isNaN(at.getTime()))
    .sort((a, b) => b.at.getTime() - a.at.getTime());
}

function prune(folder: string, mark: string, keep: Retention, now: Date): string[] {
  const found = listBackups(folder, mark);
  const old = backupsToRemove(
    found.map(({ at }) => at),
    keep,
    now,
  );
  const names = found.filter(({ at }) => old.has(at.getTime())).map(({ name }) => name);
  for (const name of names) rmSync(join(folder, name), { force: true });
  return names;
}

/** What a killed backup of this database left. */
function removeDrafts(folder: string, mark: string): void {
  const end = `-${mark}.flamebackup.draft`;
  for (const name of readdirSync(folder)) if (name.endsWith(end)) rmSync(join(folder, name), { force: true });
}
