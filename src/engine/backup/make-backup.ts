/**
 * Makes a backup of an open database into a folder while others go on working, and reads it back before it gets its name.
 * A crash leaves every earlier backup and no half of a new one under its name. Removes no backup.
 */

import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { FlameError, problemWithoutPath } from '../../shared/errors.ts';
import { keyState, wrappedKeyText } from '../access/key.ts';
import { readRing, ringText } from '../access/key-ring.ts';
import type { Profile } from '../profile.ts';
import { publishFile } from '../publish.ts';
import { readSetting, writeSetting } from '../store/accounts.ts';
import { appendAudit } from '../store/audit.ts';
import { copyPages } from '../store/copy.ts';
import { checkInThread } from '../store/copy-thread.ts';
import type { WritableDb } from '../store/handle.ts';
import { backupName, refuseUnmarked, unusable } from './backup-folder.ts';
import { describeCopy, type BackupManifest, type KeptKeys } from './backup-file.ts';
import { refuseWithoutSpace } from './free-space.ts';

export interface BackupOptions {
  readonly actor: string;
  readonly appVersion: string;
  readonly nativeBinding?: string | undefined;
  /** Built file of the checking thread, see EngineOptions. */
  readonly copyWorker?: string | undefined;
  readonly now?: Date;
  readonly signal?: AbortSignal | undefined;
  /** Hears of the part that is done, 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined;
  /** The folder must carry the mark that it got when it was chosen: its disk may be away. */
  readonly marked?: boolean;
  /** Runs in the transaction that writes the audit entry, before the file gets its name. */
  readonly onMade?: (made: MadeBackup) => void;
  /** Runs in the transaction that writes the audit entry of a failure. */
  readonly onFailed?: (problem: FlameError) => void;
}

export interface MadeBackup {
  readonly file: string;
  readonly manifest: BackupManifest;
  /** Bytes. */
  readonly size: number;
}

const PROFILE_ID = 'profile-id';
/** The copy takes about a third of the time, reading it back the rest. */
const COPY_PART = 0.35;

/**
 * @throws FlameError BACKUP_NEEDS_SECRET, BACKUP_NO_SPACE, FILE_NOT_WRITABLE, STORE_CORRUPT, CANCELLED; there is no file
 * then, and the audit log says so
 */
export async function makeBackup(
  profile: Pick<Profile, 'folder' | 'db' | 'key'>,
  into: string,
  options: BackupOptions,
): Promise<MadeBackup> {
  const { db } = profile;
  const { actor, now = new Date() } = options;
  const file = join(into, backupName(now, profileIdOf(db)));
  try {
    (options.marked === true ? refuseUnmarked : refuseUnreachable)(into);
    return await writeBackup(profile, file, now, options);
  } catch (thrown) {
    const problem = asProblem(thrown, file);
    const content = { file: basename(file), code: problem.code };
    db.transaction(() => {
      appendAudit(db, { actor, action: 'backup.failed', subject: 'profile', content });
      options.onFailed?.(problem);
    });
    throw problem;
  }
}

async function writeBackup(
  { folder, db, key }: Pick<Profile, 'folder' | 'db' | 'key'>,
  file: string,
  now: Date,
  { actor, appVersion, nativeBinding, copyWorker, signal, onProgress, onMade }: BackupOptions,
): Promise<MadeBackup> {
  const keys = keptKeys(folder);
  const draft = `${file}.draft`;
  removeDrafts(file);
  refuseWithoutSpace(dirname(file), statSync(db.file).size);
  try {
    const marks = await copyPages(db, draft, {
      signal,
      onProgress: (part) => onProgress?.(part * COPY_PART),
    });
    const location = { file: draft, key, nativeBinding };
    const { counts, newestVisit } = await checkInThread(
      { settle: true, location },
      { entry: copyWorker, signal },
    );
    const { auditEntries, auditHash, schema } = counts;
    if (JSON.stringify({ auditEntries, auditHash, schema }) !== JSON.stringify(marks))
      throw new FlameError('STORE_CORRUPT', { file: basename(file), reason: 'the copy differs' });
    const profileId = profileIdOf(db);
    const manifest = { madeAt: now.toISOString(), madeBy: actor, appVersion, counts, newestVisit, profileId };
    describeCopy(draft, keys, key, manifest);
    const made = { file, manifest, size: statSync(draft).size };
    db.transaction(() => {
      const { patients, visits } = counts;
      const content = { file: basename(file), patients, visits };
      appendAudit(db, { actor, action: 'backup.made', subject: 'profile', content });
      onMade?.(made);
    });
    if (!publishFile(draft, file))
      throw new FlameError('FILE_NOT_WRITABLE', { file: basename(file), problem: 'EEXIST' });
    onProgress?.(1);
    return made;
  } catch (thrown) {
    for (const end of ['', '-journal', '-wal']) rmSync(`${draft}${end}`, { force: true });
    throw thrown;
  }
}

/** The profile's own name for itself, under which its backups are told from those of a profile restored from one. */
export function profileIdOf(db: WritableDb): string {
  const known = readSetting(db, PROFILE_ID, z.string());
  return known ?? renewProfileId(db);
}

export function renewProfileId(db: WritableDb): string {
  const id = randomBytes(16).toString('hex');
  writeSetting(db, PROFILE_ID, id);
  return id;
}

/** Only a passphrase or a code that somebody knows can open a backup again. @throws FlameError BACKUP_NEEDS_SECRET */
function keptKeys(folder: string): KeptKeys {
  const state = keyState(folder);
  if (state === 'accounts') return { kind: 'ring', text: ringText(readRing(folder)) };
  if (state === 'passphrase') return { kind: 'passphrase', text: wrappedKeyText(folder) };
  throw new FlameError('BACKUP_NEEDS_SECRET');
}

/** @throws FlameError BACKUP_FOLDER_UNUSABLE */
function refuseUnreachable(folder: string): void {
  try {
    readdirSync(folder);
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

function asProblem(thrown: unknown, file: string): FlameError {
  if (thrown instanceof FlameError) return thrown;
  const problem = problemWithoutPath(thrown);
  return new FlameError('FILE_NOT_WRITABLE', { file: basename(file), problem }, { cause: thrown });
}

/** What a killed backup of this profile left. */
function removeDrafts(file: string): void {
  const folder = dirname(file);
  const end = /-[0-9a-f]{8}\.flamebackup$/.exec(file)![0];
  const left = [`${end}.draft`, `${end}.draft-journal`, `${end}.draft-wal`];
  for (const name of readdirSync(folder))
    if (left.some((one) => name.endsWith(one))) rmSync(join(folder, name), { force: true });
}
