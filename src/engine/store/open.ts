/**
 * Opens and creates the encrypted database file: cipher, key, lock, durability, migrations, damage checks.
 * Never creates a file where one is expected, and never writes to one that it cannot read.
 */

import { closeSync, existsSync, fsyncSync, openSync, readSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { FlameError } from '../../shared/errors.ts';
import { KEY_BYTES, SALT_BYTES, type StoreKey } from '../access/key-seal.ts';
import { publishFile } from '../publish.ts';
import { handleOf, sqliteCode, storeError, type WritableDb } from './handle.ts';
import { migrate, schemaVersion } from './migrate.ts';

export interface StoreLocation {
  readonly file: string;
  readonly key: StoreKey;
  /** Path of another build of the database, for runtimes that the packaged one does not serve. */
  readonly nativeBinding?: string | undefined;
}

/** AEGIS-256 by measurement (docs/decisions/0006-encrypted-store.md). */
const CIPHER = 'aegis';
export const PAGE_BYTES = 4096;
const CACHE_KIB = 64 * 1024;
/** As store/staging.ts names them. */
const SCRATCH = /^import-[0-9a-f]{12}\.scratch$/;

/**
 * Opens an existing database, brings it to the newest schema and holds it for this process alone.
 * @throws FlameError STORE_CORRUPT, STORE_KEY_WRONG, STORE_NEWER, STORE_IN_USE or STORE_UNAVAILABLE; the file is
 * then as it was before
 */
export function openStore(location: StoreLocation): WritableDb {
  const { file } = location;
  const size = sizeOf(file);
  if (size === null) throw new FlameError('STORE_CORRUPT', { file, reason: 'missing' });
  if (size < SALT_BYTES) throw new FlameError('STORE_CORRUPT', { file, reason: 'cut short' });
  const unclean = leftUnclean(file);
  if (unclean) checkWholeFile(location);
  const database = connect(location);
  try {
    applyKey(database, location.key);
    holdAlone(database);
    readFirstPage(database, location);
    // SQLite takes a last page that is cut off for a whole one until it reads it.
    if (!unclean && size % PAGE_BYTES !== 0)
      throw new FlameError('STORE_CORRUPT', { file, reason: 'cut short' });
    configure(database);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    removeLeftovers(file);
    migrate(database);
    return handleOf(database, file);
  } catch (thrown) {
    database.close();
    throw storeError(thrown, file) ?? thrown;
  }
}

/**
 * Creates a database with the newest schema. It is built under another name and appears under its own only when it
 * is complete, so an interrupted start leaves nothing that looks like a database.
 * @throws FlameError STORE_UNAVAILABLE, or STORE_IN_USE when another process creates it at the same moment
 */
export function createStore(location: StoreLocation): void {
  const { file, key } = location;
  const draft = `${file}.new`;
  try {
    for (const leftover of [draft, `${draft}-wal`, `${draft}-journal`]) rmSync(leftover, { force: true });
    closeSync(openSync(draft, 'wx', 0o600)); // SQLite gives its log the same mode.
    const database = connect({ ...location, file: draft });
    try {
      applyKey(database, key, true);
      holdAlone(database);
      database.pragma(`page_size = ${PAGE_BYTES}`);
      configure(database);
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      migrate(database);
    } finally {
      database.close();
    }
    syncFile(draft);
    publishFile(draft, file);
  } catch (thrown) {
    throw storeError(thrown, file) ?? unavailable(thrown);
  }
}

/** True when a database, or what a database leaves beside itself, lies at this path. */
export function storeExists(file: string): boolean {
  return existsSync(file) || existsSync(`${file}-wal`);
}

export function connect({ file, nativeBinding }: StoreLocation, readonly = false): Database.Database {
  try {
    return new Database(file, {
      readonly,
      fileMustExist: true,
      timeout: 0,
      ...(nativeBinding === undefined ? {} : { nativeBinding }),
    });
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  }
}

/**
 * Keeps every other process out until this connection closes, and needs no -shm file. The lock belongs to the process:
 * were anything else in it to open and close the file, POSIX would drop the lock (decision record 0006).
 */
function holdAlone(database: Database.Database): void {
  database.pragma('locking_mode = EXCLUSIVE');
}

/** Settings that read the schema, so the key must have been proved before. */
function configure(database: Database.Database): void {
  database.pragma('foreign_keys = ON');
  database.pragma('temp_store = MEMORY');
  database.pragma('trusted_schema = OFF');
  database.pragma('cell_size_check = ON');
  database.pragma(`cache_size = -${CACHE_KIB}`);
}

/** Gives a connection the raw key; with the salt when the file is being created. */
export function applyKey(database: Database.Database, key: StoreKey, withSalt = false): void {
  database.pragma(`cipher = '${CIPHER}'`);
  database.key(hexKey(key, withSalt));
}

/** A raw key as SQLite3 Multiple Ciphers takes it. */
export function hexKey({ bytes, salt }: StoreKey, withSalt: boolean): Buffer {
  // A raw key of any other length would silently be taken for a passphrase.
  if (bytes.length !== KEY_BYTES || salt.length !== SALT_BYTES)
    throw new TypeError('a store key is 32 bytes and its salt 16');
  return Buffer.from(`raw:${bytes.toString('hex')}${withSalt ? salt.toString('hex') : ''}`);
}

/**
 * Reads the first page, which proves the key. A file that carries this key's salt and still cannot be read is
 * damaged; any other one belongs to another key or is no database.
 */
export function readFirstPage(database: Database.Database, { file, key }: StoreLocation): void {
  try {
    schemaVersion(database);
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (thrown) {
    if (sqliteCode(thrown) !== 'SQLITE_NOTADB') throw thrown;
    const code = saltOf(file).equals(key.salt) ? 'STORE_CORRUPT' : 'STORE_KEY_WRONG';
    throw new FlameError(code, { file }, { cause: thrown });
  }
}

/** A write-ahead log that was left behind says that the last session did not end by itself. */
function leftUnclean(file: string): boolean {
  return (sizeOf(`${file}-wal`) ?? 0) > 0;
}

/** Checks every page through a connection that cannot write, so that a damaged file and its log stay as they are. */
function checkWholeFile(location: StoreLocation): void {
  const { file, key } = location;
  let database: Database.Database | undefined;
  try {
    database = connect(location, true);
    applyKey(database, key);
    database.pragma('temp_store = MEMORY');
    readFirstPage(database, location);
    const result = database.pragma('quick_check(1)', { simple: true });
    if (result !== 'ok') throw new FlameError('STORE_CORRUPT', { file });
  } catch (thrown) {
    throw storeError(thrown, file) ?? thrown;
  } finally {
    database?.close();
  }
}

/**
 * Removes what interrupted work left beside the database: the shared-memory file of the check's connection, the
 * draft's name for the same file, a copy that was being encrypted anew, scratch files of imports, whose keys are lost. Under the exclusive lock nobody uses them.
 */
function removeLeftovers(file: string): void {
  for (const leftover of [`${file}-shm`, `${file}.new`, `${file}.new-journal`])
    rmSync(leftover, { force: true });
  const folder = dirname(file);
  for (const name of readdirSync(folder)) if (SCRATCH.test(name)) rmSync(join(folder, name), { force: true });
}

/** What stands in clear at the start of a database file. Never call it while the file is open (decision record 0006). */
export function saltOf(file: string): Buffer {
  const salt = Buffer.alloc(SALT_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, salt, 0, SALT_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  return salt;
}

function sizeOf(file: string): number | null {
  try {
    return statSync(file).size;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw unavailable(thrown);
  }
}

export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unavailable(thrown: unknown): FlameError {
  if (thrown instanceof FlameError) return thrown;
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return new FlameError('STORE_UNAVAILABLE', { problem }, { cause: thrown });
}
