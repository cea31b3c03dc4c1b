/** Reads compiled tables and checks each against the manifest's hash before anyone uses it. Interprets no row. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FlameError } from '../shared/errors.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

/** The compiled tables of one folder. Reading is the only I/O of this room. */
export class Tables {
  readonly manifest: Manifest;
  readonly #directory: string;

  /** @throws FlameError KNOWLEDGE_CORRUPT when the manifest is unreadable or a table that it lists is missing */
  constructor(directory: string) {
    this.#directory = directory;
    try {
      this.manifest = manifestSchema.parse(
        JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')),
      );
    } catch (cause) {
      throw new FlameError('KNOWLEDGE_CORRUPT', { file: 'manifest.json' }, { cause });
    }
    for (const { file } of this.manifest.tables) {
      if (!existsSync(join(directory, file))) throw new FlameError('KNOWLEDGE_CORRUPT', { file });
    }
  }

  /** The whole text of a table. @throws FlameError KNOWLEDGE_CORRUPT when its content is not what was compiled */
  text(file: string): string {
    const entry = this.manifest.tables.find((table) => table.file === file);
    try {
      const stored = readFileSync(join(this.#directory, file));
      const content = file.endsWith('.gz') ? gunzipSync(stored) : stored;
      if (createHash('sha256').update(content).digest('hex') === entry?.sha256)
        return content.toString('utf8');
    } catch (cause) {
      throw new FlameError('KNOWLEDGE_CORRUPT', { file }, { cause });
    }
    throw new FlameError('KNOWLEDGE_CORRUPT', { file });
  }

  /** The lines of a tab-separated table, without its header. */
  lines(file: string): string[] {
    const lines = this.text(file).split('\n');
    lines.shift();
    if (lines.at(-1) === '') lines.pop();
    return lines;
  }

  json(file: string): unknown {
    return JSON.parse(this.text(file));
  }

  /** Reads and checks every table. @throws FlameError KNOWLEDGE_CORRUPT naming the first damaged one */
  verifyAll(): void {
    for (const { file } of this.manifest.tables) this.text(file);
  }
}

/** Computes once, on first use. */
export function lazy<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}
