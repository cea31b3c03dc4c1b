/**
 * The backups that lie in a folder: which of them belong to the open profile, and which of those are no longer to be kept.
 * Files of other names, and backups of anybody else, are nobody's business here.
 */

import { statSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BackupEntry, Retention } from '../../shared/backup-api.ts';
import { FlameError } from '../../shared/errors.ts';
import type { RescueBackup } from '../../shared/rescue-api.ts';
import type { KeyRing } from '../access/key-ring.ts';
import type { StoreKey } from '../access/key-seal.ts';
import { errorCode } from '../publish.ts';
import { describeBackup, type DescribedBackup } from './backup-file.ts';
import { backupsToRemove } from './retention.ts';

/** `flame-backup-20261128T045600Z-1a2b3c4d.flamebackup`: the time in UTC, and the start of the profile's id. */
const NAME = /^flame-backup-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{8}\.flamebackup$/;

export function backupName(at: Date, profileId: string): string {
  const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
  return `flame-backup-${stamp}-${profileId.slice(0, 8)}.flamebackup`;
}

/** Lies in each folder that was chosen for backups: a disk that is not plugged in leaves an empty folder on some systems. */
const MARK_FILE = 'flame-backups.txt';

/** Marks a folder as one for backups, which also tries whether it takes a file. @throws FlameError BACKUP_FOLDER_UNUSABLE */
export function markFolder(folder: string): void {
  try {
    const text = 'Flame keeps backups in this folder. Without this file it writes none here.\n';
    writeFileSync(join(folder, MARK_FILE), text, { mode: 0o600 });
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

/** @throws FlameError BACKUP_FOLDER_UNUSABLE for a folder that is away, or is not the one that was chosen */
export function refuseUnmarked(folder: string): void {
  try {
    statSync(join(folder, MARK_FILE));
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

/** A folder that was chosen and does not do. */
export function unusable(folder: string, cause: unknown): FlameError {
  const problem = errorCode(cause) ?? String(cause);
  return new FlameError('BACKUP_FOLDER_UNUSABLE', { folder: basename(folder), problem }, { cause });
}

/** The file of a backup in a folder. @throws FlameError NOT_FOUND for a name that no backup has */
export function backupFile(folder: string, name: string): string {
  if (!NAME.test(name)) throw new FlameError('NOT_FOUND', { what: 'backup' });
  return join(folder, name);
}

/** Whose backups are looked for. */
export interface Owner {
  readonly key: StoreKey;
  readonly profileId: string;
  /** The ring of keys as it is now; null without accounts. */
  readonly ring: KeyRing | null;
}

export type FoundBackup = Omit<BackupEntry, 'checked'>;

/** Newest first. @throws FlameError BACKUP_FOLDER_UNUSABLE */
export async function listBackups(folder: string, owner: Owner): Promise<FoundBackup[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw unusable(folder, cause);
  }
  const found: FoundBackup[] = [];
  for (const name of names.filter((one) => NAME.test(one))) {
    const entry = await readEntry(folder, name, owner);
    if (entry !== null) found.push(entry);
  }
  return found.sort((a, b) => b.at.localeCompare(a.at) || b.name.localeCompare(a.name));
}

/**
 * The backups of a profile whose database does not open, by their names alone; those whose end is not a backup's are left out.
 * Newest first.
 * @param profile the start of the profile's id
 * @throws FlameError BACKUP_FOLDER_UNUSABLE
 */
export async function namedBackups(folder: string, profile: string): Promise<RescueBackup[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw unusable(folder, cause);
  }
  const own = names.filter((one) => NAME.test(one) && one.endsWith(`-${profile}.flamebackup`));
  return own
    .sort()
    .reverse()
    .flatMap((name) => {
      try {
        const file = join(folder, name);
        describeBackup(file);
        return [{ name, at: timeOf(name), size: statSync(file).size }];
      } catch {
        return [];
      }
    });
}

async function readEntry(folder: string, name: string, owner: Owner): Promise<FoundBackup | null> {
  const file = join(folder, name);
  const at = timeOf(name);
  try {
    const { size } = await stat(file);
    const nothing = { name, at, size, madeBy: null, counts: null, newestVisit: null };
    let described: DescribedBackup;
    try {
      described = describeBackup(file);
    } catch {
      // Whose it was cannot be told any more, but by the name.
      const isOwn = name.endsWith(`-${owner.profileId.slice(0, 8)}.flamebackup`);
      return isOwn ? { ...nothing, kind: 'damaged' } : null;
    }
    const manifest = described.manifestUnder(owner.key);
    if (manifest === null) return isEarlier(described, owner) ? { ...nothing, kind: 'earlier-key' } : null;
    const { madeAt, madeBy, counts, newestVisit, profileId } = manifest;
    const { patients, visits, decisions } = counts;
    return {
      name,
      at: madeAt,
      size,
      madeBy,
      counts: { patients, visits, decisions },
      newestVisit,
      kind: profileId === owner.profileId ? 'own' : 'other-profile',
    };
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return null; // Removed meanwhile.
    throw thrown;
  }
}

/** Somebody who has a key now had one then: the database was encrypted anew since. */
function isEarlier({ ring }: DescribedBackup, owner: Owner): boolean {
  const ids = new Set(owner.ring?.entries.map(({ id }) => id));
  return ring?.entries.some(({ id }) => ids.has(id)) === true;
}

function timeOf(name: string): string {
  const [, year, month, day, hour, minute, second] = NAME.exec(name)!;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
}

/**
 * The backups to remove: of this profile and this key alone, and none that was found damaged, which counts for no day either.
 */
export function outdated(found: readonly BackupEntry[], keep: Retention, now: Date): string[] {
  const sound = found.filter(({ kind, checked }) => kind === 'own' && checked?.sound !== false);
  const old = backupsToRemove(
    sound.map(({ at }) => new Date(at)),
    keep,
    now,
  );
  return sound.filter(({ at }) => old.has(new Date(at).getTime())).map(({ name }) => name);
}

export async function removeBackups(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(backupFile(folder, name), { force: true });
}
