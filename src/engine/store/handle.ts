/**
 * The database handle of the store: a reading and a writing face over one connection, with cached statements and
 * errors that carry Flame's codes. Knows no table.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { FlameError } from '../../shared/errors.ts';

export type SqlValue = string | number | null | Buffer;

/** What a reading function may do. It refuses statements that write. */
export interface ReadableDb {
  readonly file: string;
  /** The first row, its columns typed by the caller: STRICT tables hold what their schema says. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the columns it asked for
  get<Row>(sql: string, ...parameters: SqlValue[]): Row | undefined;
  all<Row>(sql: string, ...parameters: SqlValue[]): Row[];
}

/** What a writing function may do besides. */
export interface WritableDb extends ReadableDb {
  run(sql: string, ...parameters: SqlValue[]): { readonly changes: number; readonly rowid: number };
  /** Runs `work` in one transaction: all of it is stored or nothing. Inside another transaction it joins that one. */
  transaction<T>(work: () => T): T;
  /** Tells `listener` after each transaction that was stored. */
  onCommit(listener: () => void): void;
  /**
   * Lets `work` read the database file as it is now, while others go on writing: what they store waits in the write-ahead
   * log meanwhile. One at a time, and not inside a transaction.
   */
  frozen<T>(work: (file: FrozenFile) => Promise<T>): Promise<T>;
  close(): void;
}

/** The encrypted pages of a database at one moment. */
export interface FrozenFile {
  /** Bytes. */
  readonly size: number;
  /** Fills `into` from `position` on. @returns how many bytes. @throws FlameError CANCELLED once the database is closed */
  read(into: Buffer, position: number): number;
}

/** SQLite's own default. */
const CHECKPOINT_PAGES = 1000;

/** The wording of a SQLite failure that the reader can do something about; null for a mistake in our SQL. */
export function storeError(thrown: unknown, file: string): FlameError | null {
  const code = sqliteCode(thrown);
  if (code === null) return null;
  const problem = thrown instanceof Error ? thrown.message : code;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code))
    return new FlameError('STORE_CORRUPT', { file }, { cause: thrown });
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return new FlameError('STORE_IN_USE', { file }, { cause: thrown });
  if (/^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|PERM|NOLFS)/.test(code)) {
    return new FlameError('STORE_UNAVAILABLE', { problem }, { cause: thrown });
  }
  return null;
}

/** The code of a SQLite error, or null for anything else. */
export function sqliteCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null;
  return thrown.code.startsWith('SQLITE_') ? thrown.code : null;
}

class Handle implements WritableDb {
  readonly file: string;
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement<SqlValue[]>>();
  readonly #listeners: (() => void)[] = [];
  /** Opened once and closed after the database: closing it earlier would drop the lock on the file (decision record 0006). */
  #descriptor: number | null = null;
  #isFrozen = false;

  constructor(database: Database.Database, file: string) {
    this.#database = database;
    this.file = file;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- see ReadableDb
  get<Row>(sql: string, ...parameters: SqlValue[]): Row | undefined {
    return this.#guard(() => this.#reading(sql).get(...parameters) as Row | undefined);
  }

  all<Row>(sql: string, ...parameters: SqlValue[]): Row[] {
    return this.#guard(() => this.#reading(sql).all(...parameters) as Row[]);
  }

  run(sql: string, ...parameters: SqlValue[]): { changes: number; rowid: number } {
    return this.#guard(() => {
      const { changes, lastInsertRowid } = this.#prepare(sql).run(...parameters);
      return { changes, rowid: Number(lastInsertRowid) };
    });
  }

  transaction<T>(work: () => T): T {
    if (this.#database.inTransaction) return work();
    const result = this.#guard(() => this.#database.transaction(work).immediate());
    for (const listener of this.#listeners) listener();
    return result;
  }

  onCommit(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async frozen<T>(work: (file: FrozenFile) => Promise<T>): Promise<T> {
    if (this.#isFrozen) throw new FlameError('STORE_BUSY');
    this.#isFrozen = true;
    try {
      this.#guard(() => this.#freeze());
      const descriptor = (this.#descriptor ??= openSync(this.file, 'r'));
      return await work({
        size: fstatSync(descriptor).size,
        read: (into, position) => {
          if (!this.#database.open) throw new FlameError('CANCELLED');
          return readSync(descriptor, into, 0, into.length, position);
        },
      });
    } finally {
      this.#isFrozen = false;
      if (this.#database.open) this.#database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    }
  }

  /** Everything stored goes into the file itself, and nothing more until the log is checkpointed again. */
  #freeze(): void {
    const [result] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (result?.busy !== 0) throw new FlameError('STORE_BUSY');
    this.#database.pragma('wal_autocheckpoint = 0');
  }

  close(): void {
    this.#statements.clear();
    this.#guard(() => this.#database.close());
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #reading(sql: string): Database.Statement<SqlValue[]> {
    const statement = this.#prepare(sql);
    if (!statement.readonly) throw new TypeError(`a reading call was given a statement that writes: ${sql}`);
    return statement;
  }

  #prepare(sql: string): Database.Statement<SqlValue[]> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare<SqlValue[]>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw storeError(thrown, this.file) ?? thrown;
    }
  }
}

/** Wraps an open connection. The caller keeps no other way to it. */
export function handleOf(database: Database.Database, file: string): WritableDb {
  return new Handle(database, file);
}
