/**
 * Restores a backup into a new profile folder. Never writes into a folder that holds anything; a crash leaves the folder
 * absent or whole.
 */

import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FlameError } from '../../shared/errors.ts';
import { writeHead } from '../audit-head.ts';
import { writeRing } from '../key-ring.ts';
import { STORE_FILE } from '../profile.ts';
import { syncFolder } from '../publish.ts';
import { appendAudit } from '../store/audit.ts';
import { checkCopy } from '../store/copy.ts';
import { openStore } from '../store/open.ts';
import type { OpenedBackup } from './backup-file.ts';

export interface RestoreOptions {
  readonly actor: string;
  readonly nativeBinding?: string | undefined;
}

/**
 * @param target a folder that does not exist yet, or is empty
 * @throws FlameError INVALID_INPUT for a folder that holds something, BACKUP_DAMAGED, STORE_UNAVAILABLE
 */
export async function restoreBackup(
  file: string,
  { ring, key, databaseBytes, manifest }: OpenedBackup,
  target: string,
  { actor, nativeBinding }: RestoreOptions,
): Promise<void> {
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new FlameError('INVALID_INPUT', { problem: `the folder ${basename(target)} is not empty` });
  const stage = `${target}.restoring-${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(stage, { recursive: true, mode: 0o700 });
    const store = join(stage, STORE_FILE);
    await pipeline(
      createReadStream(file, { end: databaseBytes - 1 }),
      createWriteStream(store, { mode: 0o600, flush: true }),
    );
    const location = { file: store, key, nativeBinding };
    const found = checkCopy(location);
    if (JSON.stringify(found) !== JSON.stringify(manifest.counts))
      throw new FlameError('BACKUP_DAMAGED', { file: basename(file) });
    writeRing(stage, ring);
    const db = openStore(location);
    try {
      const content = { file: basename(file), madeAt: manifest.madeAt, madeBy: manifest.madeBy };
      appendAudit(db, { actor, action: 'store.restored', subject: 'profile', content });
      writeHead({ folder: stage, db, key });
    } finally {
      db.close();
    }
    if (existsSync(target)) rmdirSync(target);
    renameSync(stage, target);
    syncFolder(dirname(target));
  } catch (thrown) {
    rmSync(stage, { recursive: true, force: true });
    if (!(thrown instanceof FlameError))
      throw new FlameError('STORE_UNAVAILABLE', { problem: String(thrown) }, { cause: thrown });
    const damaged = thrown.code === 'STORE_CORRUPT' || thrown.code === 'STORE_KEY_WRONG';
    throw damaged ? new FlameError('BACKUP_DAMAGED', { file: basename(file) }, { cause: thrown }) : thrown;
  }
}
