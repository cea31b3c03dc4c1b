/**
 * The database handle of the store: a reading and a writing face over one connection, with cached statements and
 * errors that carry Flame's codes. Knows no table.
 */

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
  close(): void;
}

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

  close(): void {
    this.#statements.clear();
    this.#guard(() => this.#database.close());
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
