/** Reads the source tables of data/knowledge and writes compiled ones. Interprets nothing. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { TableEntry } from '../../src/knowledge/manifest.ts';

export type Row = Readonly<Record<string, string>>;

/** Rows of a tab-separated file with a header line, gzip when its name says so. */
export function readTsv(directory: string, file: string): Row[] {
  const bytes = readFileSync(join(directory, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const columns = header.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
}

export function readJson(directory: string, file: string): unknown {
  return JSON.parse(readFileSync(join(directory, file), 'utf8'));
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Writes tables and keeps the manifest's entry of each. */
export class TableWriter {
  readonly entries: TableEntry[] = [];
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** @param sources ids of data/knowledge/sources.json that the table was made from */
  tsv(
    file: string,
    columns: readonly string[],
    rows: readonly (readonly string[])[],
    sources: string[],
  ): void {
    const text = [columns, ...rows].map((row) => row.join('\t')).join('\n') + '\n';
    this.#write(file, text, rows.length, sources);
  }

  json(file: string, value: unknown, rows: number, sources: string[]): void {
    this.#write(file, JSON.stringify(value, null, file.endsWith('.gz') ? 0 : 1) + '\n', rows, sources);
  }

  /** The hash is of the content before compression, so that another zlib does not change a version. */
  #write(file: string, text: string, rows: number, sources: string[]): void {
    const content = Buffer.from(text);
    const stored = file.endsWith('.gz') ? gzipSync(content, { level: 9 }) : content;
    writeFileSync(join(this.#directory, file), stored);
    this.entries.push({ file, sha256: sha256(content), rows, sources });
  }
}

/** Code-unit order: the same on every machine and locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
