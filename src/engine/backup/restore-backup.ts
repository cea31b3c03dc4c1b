/**
 * Restores a backup into a new profile folder. Never writes into a folder that holds anything; a crash leaves the folder
 * absent or whole, and beside it what restore-stage.ts removes the next time.
 */

import { createReadStream, createWriteStream, existsSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FlameError } from '../../shared/errors.ts';
import { writeHead } from '../audit/audit-head.ts';
import { writeWrappedKey } from '../access/key.ts';
import { parseRing, writeRing } from '../access/key-ring.ts';
import { STORE_FILE } from '../profile.ts';
import { syncFolder } from '../publish.ts';
import { writeSetting } from '../store/accounts.ts';
import { appendAudit } from '../store/audit.ts';
import { checkInThread } from '../store/copy-thread.ts';
import { openStore } from '../store/open.ts';
import type { OpenedBackup } from './backup-file.ts';
import { BACKUP_SETTINGS, BACKUP_STATE, NO_BACKUPS } from './backup-settings.ts';
import { refuseWithoutSpace } from './free-space.ts';
import { renewProfileId } from './make-backup.ts';
import { beginStage, endStage, removeDeadStages, removeStage } from './restore-stage.ts';

export interface RestoreOptions {
  readonly actor: string;
  readonly nativeBinding?: string | undefined;
  /** Built file of the checking thread, see EngineOptions. */
  readonly copyWorker?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of the part that is done, 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined;
}

/** Copying takes about this part of the time, reading every page the rest. */
const COPY_PART = 0.4;

/**
 * The new profile makes no backups by itself until somebody says so: its backups would lie among those of the profile that
 * the backup was of.
 * @param target a folder that does not exist yet, or is empty
 * @throws FlameError RESTORE_PLACE_USED for a folder that holds something, BACKUP_DAMAGED, BACKUP_NO_SPACE,
 * STORE_UNAVAILABLE, CANCELLED
 */
export async function restoreBackup(
  file: string,
  backup: OpenedBackup,
  target: string,
  options: RestoreOptions,
): Promise<void> {
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new FlameError('RESTORE_PLACE_USED', { folder: basename(target) });
  let stage: string | null = null;
  try {
    removeDeadStages(dirname(target));
    stage = beginStage(target);
    refuseWithoutSpace(stage, backup.databaseBytes);
    await fillStage(file, backup, stage, options);
    if (existsSync(target)) rmdirSync(target);
    renameSync(stage, target);
    endStage(target);
    syncFolder(dirname(target));
    options.onProgress?.(1);
  } catch (thrown) {
    if (stage !== null) removeStage(stage);
    if (options.signal?.aborted === true) throw new FlameError('CANCELLED');
    if (!(thrown instanceof FlameError))
      throw new FlameError('STORE_UNAVAILABLE', { problem: String(thrown) }, { cause: thrown });
    const damaged = thrown.code === 'STORE_CORRUPT' || thrown.code === 'STORE_KEY_WRONG';
    throw damaged ? new FlameError('BACKUP_DAMAGED', { file: basename(file) }, { cause: thrown }) : thrown;
  }
}

async function fillStage(
  file: string,
  { keys, key, databaseBytes, manifest }: OpenedBackup,
  stage: string,
  { actor, nativeBinding, copyWorker, signal, onProgress }: RestoreOptions,
): Promise<void> {
  const store = join(stage, STORE_FILE);
  let copied = 0;
  const counting = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      copied += chunk.length;
      onProgress?.((copied / databaseBytes) * COPY_PART);
      done(null, chunk);
    },
  });
  await pipeline(
    createReadStream(file, { end: databaseBytes - 1, highWaterMark: 256 * 1024 }),
    counting,
    createWriteStream(store, { mode: 0o600, flush: true }),
    signal ? { signal } : {},
  );
  const location = { file: store, key, nativeBinding };
  const { counts } = await checkInThread({ settle: false, location }, { entry: copyWorker, signal });
  if (JSON.stringify(counts) !== JSON.stringify(manifest.counts))
    throw new FlameError('BACKUP_DAMAGED', { file: basename(file) });
  if (keys.kind === 'ring') writeRing(stage, parseRing(keys.text));
  else writeWrappedKey(stage, keys.text);
  const db = openStore(location);
  try {
    const content = { file: basename(file), madeAt: manifest.madeAt, madeBy: manifest.madeBy };
    db.transaction(() => {
      writeSetting(db, BACKUP_SETTINGS, NO_BACKUPS);
      writeSetting(db, BACKUP_STATE, null); // Tries and checks of the other profile.
      renewProfileId(db);
      appendAudit(db, { actor, action: 'store.restored', subject: 'profile', content });
    });
    writeHead({ folder: stage, db, key });
  } finally {
    db.close();
  }
}
