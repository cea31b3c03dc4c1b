/**
 * Copies an open database into another file, complete and checked: under the same key, or under a new one. Leaves no
 * copy that could not be read back, and changes nothing in the database.
 */

import { closeSync, openSync, rmSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { FlameError } from '../../shared/errors.ts';
import type { StoreKey } from '../key-seal.ts';
import { storeError, type ReadableDb, type WritableDb } from './handle.ts';
import { applyKey, connect, hexKey, readFirstPage, syncFile, type StoreLocation } from './open.ts';

/** What a copy is compared by. */
export interface StoreCounts {
  readonly patients: number;
  readonly visits: number;
  readonly decisions: number;
  readonly auditEntries: number;
  /** Of the newest audit entry; empty in an empty log. */
  readonly auditHash: string;
  readonly schema: number;
}

const COUNTS = `SELECT (SELECT count(*) FROM patients) AS patients, (SELECT count(*) FROM visits) AS visits,
  (SELECT count(*) FROM decisions) AS decisions, (SELECT count(*) FROM audit_entries) AS auditEntries,
  coalesce((SELECT hash FROM audit_entries ORDER BY sequence DESC LIMIT 1), '') AS auditHash,
  (SELECT user_version FROM pragma_user_version) AS schema`;

export function countStore(db: ReadableDb): StoreCounts {
  return db.get<StoreCounts>(COUNTS)!;
}

/**
 * `VACUUM INTO`, which keeps key and salt. With another key in `target` the copy is then encrypted under that.
 * @param key of the open database
 * @returns what the copy holds, counted in it after every page of it was read
 * @throws FlameError STORE_UNAVAILABLE when it cannot be written, STORE_CORRUPT when it does not hold what the database does
 */
export function copyStore(db: WritableDb, key: StoreKey, target: StoreLocation): StoreCounts {
  const { file } = target;
  const expected = countStore(db);
  closeSync(openSync(file, 'wx', 0o600)); // SQLite takes an empty file, and with it its mode.
  try {
    db.run('VACUUM INTO ?', file);
    if (!target.key.bytes.equals(key.bytes)) encryptAnew(target, key);
    const found = checkCopy(target);
    if (JSON.stringify(found) !== JSON.stringify(expected))
      throw new FlameError('STORE_CORRUPT', { file, reason: 'the copy differs' });
    syncFile(file);
    return found;
  } catch (thrown) {
    rmSync(file, { force: true });
    throw storeError(thrown, file) ?? thrown;
  }
}

/**
 * Reads every page of a database that nobody has open, and counts what it holds.
 * @throws FlameError STORE_CORRUPT, STORE_KEY_WRONG
 */
export function checkCopy(location: StoreLocation): StoreCounts {
  const { file } = location;
  let database: Database.Database | undefined;
  try {
    database = connect(location, true);
    applyKey(database, location.key);
    database.pragma('temp_store = MEMORY');
    readFirstPage(database, location);
    if (database.pragma('quick_check(1)', { simple: true }) !== 'ok')
      throw new FlameError('STORE_CORRUPT', { file });
    return database.prepare<[], StoreCounts>(COUNTS).get()!;
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  } finally {
    database?.close();
  }
}

/** The copy is worth nothing until it is done, so it keeps no journal. */
function encryptAnew(target: StoreLocation, from: StoreKey): void {
  const database = connect({ ...target, key: from });
  try {
    applyKey(database, from);
    database.pragma('temp_store = MEMORY');
    database.pragma('journal_mode = OFF');
    database.rekey(hexKey(target.key, true));
  } finally {
    database.close();
  }
}
