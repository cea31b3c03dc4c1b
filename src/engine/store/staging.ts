/**
 * Files the facts of an import by patient on disk, in an encrypted scratch database whose key is never stored, and gives
 * them back patient by patient. Bounded in memory whatever the file holds; removed when it is closed.
 */

import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Fact, Staging } from '../../records/sources/source.ts';
import { storeError } from './handle.ts';

/** Facts of one patient beyond these are an error of the source, or an attack. */
const MOST_BYTES_OF_PATIENT = 8 * 1024 * 1024;
/** Bytes that are gathered in memory for all buckets together before they are written. */
const BUFFERED = 8 * 1024 * 1024;
const LARGEST_BUFFER = 64 * 1024;
/** What one bucket should hold; read as facts it takes ten times as much memory. */
const BUCKET_BYTES = 1024 * 1024;
/** A bucket with more is gone through several times. */
const PASS_BYTES = 3 * 1024 * 1024;
const MOST_BUCKETS = 2048;
const CACHE_KIB = 8 * 1024;

export interface StagedPatient {
  readonly patient: string;
  /** Null when they are too many to be looked at. */
  readonly facts: readonly Fact[] | null;
}

export class StagingFile implements Staging {
  readonly buckets: number;
  readonly #file: string;
  readonly #database: Database.Database;
  /**
   * JSON that waits to be written, each bucket in its own stretch of one buffer: strings that wait would be taken for
   * long-lived by the garbage collector and triple the memory.
   */
  readonly #waiting: Buffer;
  readonly #stretch: number;
  readonly #filled: number[];
  /** Length of all that was filed, by bucket. */
  readonly #sizes: number[];
  readonly #insert: Database.Statement;
  readonly #put: Database.Statement;
  readonly #get: Database.Statement;
  readonly #see: Database.Statement;
  readonly #keep: Database.Statement;

  /** @param bytes about how much text will be filed; it sets how finely it is divided */
  constructor(folder: string, bytes: number, nativeBinding?: string) {
    this.#file = join(folder, `import-${randomBytes(6).toString('hex')}.scratch`);
    this.buckets = Math.max(16, Math.min(MOST_BUCKETS, Math.ceil(bytes / BUCKET_BYTES)));
    this.#stretch = Math.min(LARGEST_BUFFER, Math.floor(BUFFERED / this.buckets));
    this.#waiting = Buffer.alloc(this.#stretch * this.buckets);
    this.#filled = new Array<number>(this.buckets).fill(0);
    this.#sizes = new Array<number>(this.buckets).fill(0);
    this.#database = new Database(this.#file, nativeBinding === undefined ? {} : { nativeBinding });
    const database = this.#database;
    database.pragma("cipher = 'aegis'");
    database.key(Buffer.from(`raw:${randomBytes(32).toString('hex')}`));
    database.pragma('locking_mode = EXCLUSIVE');
    // What is lost in a crash is read again: nothing here is worth a sync or a journal.
    database.pragma('journal_mode = OFF');
    database.pragma('synchronous = OFF');
    database.pragma('temp_store = MEMORY');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.exec(`
      CREATE TABLE chunks (key INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
      CREATE INDEX chunks_by_bucket ON chunks (bucket);
      CREATE TABLE lookups (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE kept (key INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
      CREATE TABLE seen (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
    `);
    this.#insert = database.prepare('INSERT INTO chunks (bucket, content) VALUES (?, ?)');
    this.#put = database.prepare('INSERT OR REPLACE INTO lookups (key, value) VALUES (?, ?)');
    this.#get = database.prepare('SELECT value FROM lookups WHERE key = ?').pluck();
    this.#see = database.prepare('INSERT OR IGNORE INTO seen (key) VALUES (?)');
    this.#keep = database.prepare('INSERT INTO kept (content) VALUES (?)');
    database.exec('BEGIN');
  }

  add(patient: string, fact: Fact): void {
    const bucket = hashOf(patient) % this.buckets;
    const text = JSON.stringify(fact);
    const part = `[${JSON.stringify(patient)},${text.length},${text}],`;
    const bytes = Buffer.byteLength(part);
    this.#sizes[bucket]! += bytes;
    if (this.#filled[bucket]! + bytes > this.#stretch) this.#flush(bucket);
    if (bytes > this.#stretch) {
      const content = Buffer.from(part);
      this.#guard(() => this.#insert.run(bucket, content));
      return;
    }
    this.#waiting.write(part, bucket * this.#stretch + this.#filled[bucket]!);
    this.#filled[bucket]! += bytes;
  }

  put(key: string, value: string): void {
    this.#guard(() => this.#put.run(key, value));
  }

  get(key: string): string | null {
    return this.#guard(() => (this.#get.get(key) as string | undefined) ?? null);
  }

  /** Puts a text aside, to be gone through once more at the end. */
  keep(content: string): void {
    this.#guard(() => this.#keep.run(content));
  }

  /** What was put aside, in that order. */
  kept(): IterableIterator<string> {
    const texts = this.#database.prepare('SELECT content FROM kept ORDER BY key').pluck();
    return texts.iterate() as IterableIterator<string>;
  }

  /** True when the key was not seen before. */
  see(key: string): boolean {
    const hash = createHash('sha256').update(key).digest().subarray(0, 16);
    return this.#guard(() => this.#see.run(hash).changes > 0);
  }

  /** The patients of one bucket; a bucket with more than fits in memory is gone through several times. */
  *patients(bucket: number): Generator<StagedPatient> {
    this.#flush(bucket);
    const passes = Math.max(1, Math.ceil(this.#sizes[bucket]! / PASS_BYTES));
    for (let pass = 0; pass < passes; pass += 1) {
      const patients = new Map<string, { facts: Fact[] | null; size: number }>();
      const chunks = this.#database
        .prepare('SELECT content FROM chunks WHERE bucket = ? ORDER BY key')
        .pluck()
        .iterate(bucket) as IterableIterator<Buffer>;
      for (const chunk of chunks) {
        for (const [patient, size, fact] of readChunk(chunk)) {
          if (passes > 1 && Math.floor(hashOf(patient) / this.buckets) % passes !== pass) continue;
          const group = patients.get(patient) ?? { facts: [], size: 0 };
          group.size += size;
          if (group.size > MOST_BYTES_OF_PATIENT) group.facts = null;
          group.facts?.push(fact);
          patients.set(patient, group);
        }
      }
      for (const [patient, { facts }] of patients) yield { patient, facts };
    }
  }

  close(): void {
    this.#database.close();
    rmSync(this.#file, { force: true });
  }

  #flush(bucket: number): void {
    const filled = this.#filled[bucket]!;
    if (filled === 0) return;
    const start = bucket * this.#stretch;
    this.#guard(() => this.#insert.run(bucket, this.#waiting.subarray(start, start + filled)));
    this.#filled[bucket] = 0;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw storeError(thrown, this.#file) ?? thrown;
    }
  }
}

/** Patient, length and fact of each part; a comma follows each. */
function readChunk(chunk: Buffer): [patient: string, size: number, fact: Fact][] {
  return JSON.parse(`[${chunk.toString('utf8', 0, chunk.length - 1)}]`) as [string, number, Fact][];
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
