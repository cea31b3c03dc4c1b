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
const MOST_BYTES_OF_PATIENT = 24 * 1024 * 1024;
/** Text that is gathered in memory for all buckets together before it is written. */
const BUFFERED = 12 * 1024 * 1024;
/** What one bucket should hold, so that it fits in memory several times over. */
const BUCKET_BYTES = 6 * 1024 * 1024;
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
  /** JSON that waits to be written, by bucket, and its length altogether. */
  readonly #waiting: string[][];
  #size = 0;
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
    this.#waiting = Array.from({ length: this.buckets }, () => []);
    this.#sizes = this.#waiting.map(() => 0);
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
      CREATE TABLE chunks (key INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, content TEXT NOT NULL) STRICT;
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
    const waiting = this.#waiting[bucket]!;
    const text = JSON.stringify(fact);
    const part = `[${JSON.stringify(patient)},${text.length},${text}]`;
    waiting.push(part);
    this.#size += part.length;
    this.#sizes[bucket]! += part.length;
    if (this.#size > BUFFERED) this.#flush();
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
    this.#flush();
    const passes = Math.max(1, Math.ceil(this.#sizes[bucket]! / (2 * MOST_BYTES_OF_PATIENT)));
    for (let pass = 0; pass < passes; pass += 1) {
      const patients = new Map<string, { facts: Fact[] | null; size: number }>();
      const chunks = this.#database
        .prepare('SELECT content FROM chunks WHERE bucket = ? ORDER BY key')
        .pluck()
        .iterate(bucket) as IterableIterator<string>;
      for (const chunk of chunks) {
        for (const [patient, size, fact] of JSON.parse(chunk) as [string, number, Fact][]) {
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

  #flush(): void {
    if (this.#size === 0) return;
    this.#waiting.forEach((waiting, bucket) => {
      if (waiting.length === 0) return;
      const content = `[${waiting.join(',')}]`;
      this.#guard(() => this.#insert.run(bucket, content));
      waiting.length = 0;
    });
    this.#size = 0;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw storeError(thrown, this.#file) ?? thrown;
    }
  }
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
