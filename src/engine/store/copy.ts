/**
 * Copies an open database into another file, complete and checked: under the same key, or under a new one. Leaves no
 * copy that could not be read back, and changes nothing in the database.
 */

import { closeSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type Database from 'better-sqlite3';
import { FlameError } from '../../shared/errors.ts';
import type { StoreKey } from '../access/key-seal.ts';
import { storeError, type ReadableDb, type WritableDb } from './handle.ts';
import {
  applyKey,
  connect,
  hexKey,
  PAGE_BYTES,
  readFirstPage,
  syncFile,
  type StoreLocation,
} from './open.ts';

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

const NEWEST = 'SELECT date, date_known FROM visits ORDER BY date DESC, date_known DESC LIMIT 1';

/** What a copy is recognised by, without counting: entries of the log are numbered without a gap. */
const MARKS = `SELECT coalesce(max(sequence), 0) AS auditEntries,
  coalesce((SELECT hash FROM audit_entries ORDER BY sequence DESC LIMIT 1), '') AS auditHash,
  (SELECT user_version FROM pragma_user_version) AS schema FROM audit_entries`;

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
    const { counts: found } = checkCopy(target);
    if (JSON.stringify(found) !== JSON.stringify(expected))
      throw new FlameError('STORE_CORRUPT', { file, reason: 'the copy differs' });
    syncFile(file);
    return found;
  } catch (thrown) {
    rmSync(file, { force: true });
    throw storeError(thrown, file) ?? thrown;
  }
}

export interface CheckedCopy {
  readonly counts: StoreCounts;
  /** ISO date of the latest visit; of some only the year is known. Null without a visit. */
  readonly newestVisit: { readonly date: string; readonly dateKnown: boolean } | null;
}

/**
 * Reads every page of a database that nobody has open, and counts what it holds.
 * @throws FlameError STORE_CORRUPT, STORE_KEY_WRONG
 */
export function checkCopy(location: StoreLocation): CheckedCopy {
  const { file } = location;
  let database: Database.Database | undefined;
  try {
    database = connect(location, true);
    applyKey(database, location.key);
    database.pragma('temp_store = MEMORY');
    readFirstPage(database, location);
    if (database.pragma('quick_check(1)', { simple: true }) !== 'ok')
      throw new FlameError('STORE_CORRUPT', { file });
    const newest = database.prepare<[], { date: string; date_known: number }>(NEWEST).get();
    return {
      counts: database.prepare<[], StoreCounts>(COUNTS).get()!,
      newestVisit: newest ? { date: newest.date, dateKnown: newest.date_known === 1 } : null,
    };
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  } finally {
    database?.close();
  }
}

/** Bytes of the file copied at a time. */
const CHUNK_BYTES = 256 * 1024;
/** Where SQLite keeps its locks: no page is stored here, and Windows lets nobody read it. */
const LOCK_BYTE = 0x4000_0000;

/**
 * Copies the pages of an open database as they are, under its key, piece by piece: other work goes on meanwhile. The copy
 * is not checked; that is for copy-thread.ts.
 * @returns what the copy must hold
 * @throws FlameError CANCELLED also when the database is closed meanwhile; other errors are the file system's
 */
export async function copyPages(
  db: WritableDb,
  file: string,
  { signal, onProgress }: CopyOptions = {},
): Promise<Pick<StoreCounts, 'auditEntries' | 'auditHash' | 'schema'>> {
  return await db.frozen(async (frozen) => {
    const marks = db.get<Pick<StoreCounts, 'auditEntries' | 'auditHash' | 'schema'>>(MARKS)!;
    const copy = await open(file, 'wx', 0o600);
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      for (let at = 0; at < frozen.size;) {
        const skipped = at === LOCK_BYTE ? PAGE_BYTES : 0;
        const part = chunk.subarray(0, Math.min(CHUNK_BYTES, frozen.size - at));
        part.fill(0, 0, skipped);
        const read = skipped + frozen.read(part.subarray(skipped), at + skipped);
        if (read !== part.length) throw new FlameError('STORE_CORRUPT', { file, reason: 'cut short' });
        await copy.writeFile(part);
        at += read;
        onProgress?.(at / frozen.size);
        if (signal?.aborted === true) throw new FlameError('CANCELLED');
      }
      frozen.read(Buffer.alloc(1), 0); // Closed meanwhile, the file may have changed under the copy.
      await copy.sync();
    } finally {
      await copy.close();
    }
    return marks;
  });
}

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Part of the file that is copied, 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined;
}

/**
 * Takes a copied file out of write-ahead mode, so that it is one file that can be read in a place that cannot be written.
 * @throws FlameError of the STORE family
 */
export function settleCopy(location: StoreLocation): void {
  let database: Database.Database | undefined;
  try {
    database = connect(location);
    applyKey(database, location.key);
    database.pragma('locking_mode = EXCLUSIVE'); // Makes no file of shared memory.
    readFirstPage(database, location);
    database.pragma('journal_mode = DELETE');
  } catch (thrown) {
    throw storeError(thrown, location.file) ?? thrown;
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
