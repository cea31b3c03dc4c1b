/**
 * Streams FHIR JSON: the resources of an NDJSON file line by line, or the entries of a Bundle of any size, each cut out by
 * its brackets and read by JSON.parse. Bounded in length and depth. Knows no resource.
 */

import { isUtf8 } from 'node:buffer';
import type { FileBytes } from './file-bytes.ts';
import { DAMAGED, LONGEST_LINE, NOT_UTF8, readLines } from './lines.ts';

/** FHIR nests questionnaires and contained resources a dozen deep; hundreds are an attack. */
export const DEEPEST = 64;

/** One resource, with the address that its Bundle gives it; `value` is undefined where it cannot be used. */
export interface JsonValue {
  /** Line on which it begins. */
  readonly line: number;
  readonly value: unknown;
  readonly fullUrl?: string | undefined;
  readonly problem?: string | undefined;
  /** What the Bundle says of itself, instead of a value. */
  readonly note?: string | undefined;
}

const ONE_PAGE = 'Bundle that is one page of several: it names a next one, which has to be imported as well';
const NEXT_PAGE = /"relation"\s*:\s*"next"/;

/** @throws what FileBytes throws */
export async function* readJsonValues(file: FileBytes, ndjson: boolean): AsyncGenerator<JsonValue[]> {
  if (ndjson) yield* readNdjson(file);
  else yield* readBundle(file);
}

async function* readNdjson(file: FileBytes): AsyncGenerator<JsonValue[]> {
  for await (const { line, text, problem } of readLines(file)) {
    if (text === null) yield [{ line, value: undefined, problem }];
    else yield unpacked({ line, ...parse(text) });
  }
}

/** A Bundle on one line of NDJSON is its entries. */
function unpacked(read: JsonValue): JsonValue[] {
  const { value, line } = read;
  if (!isObject(value) || value['resourceType'] !== 'Bundle' || !Array.isArray(value['entry'])) return [read];
  const entries = value['entry'].map((entry: unknown) => entryOf(line, entry));
  const more = NEXT_PAGE.test(JSON.stringify(value['link'] ?? null));
  return more ? [{ line, value: undefined, note: ONE_PAGE }, ...entries] : entries;
}

async function* readBundle(file: FileBytes): AsyncGenerator<JsonValue[]> {
  const cutter = new EntryCutter();
  for await (const chunk of file.chunks()) {
    const values = cutter.push(chunk);
    if (values.length > 0) yield values;
  }
  yield cutter.end(file.damaged);
}

function entryOf(line: number, entry: unknown): JsonValue {
  if (!isObject(entry) || !isObject(entry['resource']))
    return { line, value: undefined, problem: 'the entry holds no resource' };
  const { fullUrl, resource } = entry;
  return { line, value: resource, fullUrl: typeof fullUrl === 'string' ? fullUrl : undefined };
}

const [QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, NEWLINE, COLON] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x0a, 0x3a,
];

/**
 * Follows strings and brackets only. Objects two levels down in the array `entry` of a top-level object are cut out and
 * parsed; a top-level object without that array is one resource.
 */
class EntryCutter {
  #line = 1;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The string that ended last at depth 1, which may be a key. */
  #key = '';
  #keyStart = -1;
  #keyParts: Buffer[] = [];
  /** Within `entry` of the top-level object. */
  #inEntries = false;
  #sawEntries = false;
  #entryNext = false;
  /** The object being kept: an entry, or the top-level object itself until it turns out to be a Bundle. */
  #kept: Buffer[] | null = null;
  #keptSize = 0;
  #keptLine = 0;
  #tooLong = false;
  #tooDeep = false;
  #values: JsonValue[] = [];

  push(chunk: Buffer): JsonValue[] {
    let from = this.#kept ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 1) this.#endKey(chunk, at);
        } else if (byte === NEWLINE) this.#line += 1;
        continue;
      }
      switch (byte) {
        case NEWLINE:
          this.#line += 1;
          break;
        case QUOTE:
          this.#inString = true;
          if (this.#depth === 1) this.#keyStart = at + 1;
          break;
        case COLON:
          if (this.#depth === 1) this.#entryNext = this.#key === 'entry';
          break;
        case OPEN_OBJECT:
          if (this.#kept === null && this.#depth === (this.#inEntries ? 2 : 0)) {
            this.#startKeeping();
            from = at;
          }
          this.#open();
          break;
        case OPEN_ARRAY:
          if (this.#depth === 1 && this.#entryNext) {
            this.#inEntries = true;
            this.#sawEntries = true;
            this.#keep(chunk.subarray(from, at));
            // Links stand before the entries in the order that the standard gives.
            if (NEXT_PAGE.test(Buffer.concat(this.#kept ?? []).toString('utf8')))
              this.#values.push({ line: this.#keptLine, value: undefined, note: ONE_PAGE });
            this.#stopKeeping(); // It is a Bundle: only its entries are kept.
            from = -1;
          }
          this.#open();
          break;
        case CLOSE_OBJECT:
          this.#depth = Math.max(0, this.#depth - 1);
          if (this.#kept !== null && this.#depth === (this.#inEntries ? 2 : 0)) {
            this.#keep(chunk.subarray(from, at + 1));
            this.#finish();
            from = -1;
          }
          if (this.#depth === 0) this.#sawEntries = false;
          break;
        case CLOSE_ARRAY:
          this.#depth = Math.max(0, this.#depth - 1);
          if (this.#inEntries && this.#depth === 1) this.#inEntries = false;
          break;
      }
    }
    if (this.#kept !== null && from >= 0) this.#keep(chunk.subarray(from));
    if (this.#inString && this.#depth === 1 && this.#keyStart >= 0) {
      this.#keyParts.push(Buffer.from(chunk.subarray(this.#keyStart)));
      if (this.#keyParts.length > 2) this.#keyParts.length = 2; // No key is that long.
      this.#keyStart = 0;
    }
    return this.#values.splice(0);
  }

  end(damaged: boolean): JsonValue[] {
    if (damaged) return [{ line: this.#line, value: undefined, problem: DAMAGED }];
    if (this.#depth === 0 && !this.#inString) return [];
    const problem = 'the file ends in the middle of its JSON; what came before was read';
    return [{ line: this.#kept ? this.#keptLine : this.#line, value: undefined, problem }];
  }

  #open(): void {
    this.#depth += 1;
    if (this.#depth > DEEPEST) this.#tooDeep = true;
  }

  #endKey(chunk: Buffer, at: number): void {
    const text = Buffer.concat([...this.#keyParts, chunk.subarray(Math.max(0, this.#keyStart), at)]);
    this.#key = text.length <= 16 ? text.toString('latin1') : '';
    this.#keyParts = [];
    this.#keyStart = -1;
  }

  #startKeeping(): void {
    // A second key `entry` of one Bundle, or anything after it, is no resource.
    if (this.#depth === 0 && this.#sawEntries) return;
    this.#kept = [];
    this.#keptSize = 0;
    this.#keptLine = this.#line;
    this.#tooLong = false;
    this.#tooDeep = false;
  }

  #stopKeeping(): void {
    this.#kept = null;
    this.#keptSize = 0;
  }

  #keep(part: Buffer): void {
    this.#keptSize += part.length;
    if (this.#keptSize > LONGEST_LINE) this.#tooLong = true;
    if (this.#tooLong) this.#kept = [];
    else this.#kept?.push(part);
  }

  #finish(): void {
    const line = this.#keptLine;
    const bytes = Buffer.concat(this.#kept ?? []);
    const inEntries = this.#inEntries;
    this.#stopKeeping();
    if (this.#tooLong || this.#tooDeep) {
      const problem = this.#tooLong
        ? `is longer than ${LONGEST_LINE / 1024 / 1024} MiB`
        : `is nested deeper than ${DEEPEST}`;
      this.#values.push({ line, value: undefined, problem });
      return;
    }
    const parsed = isUtf8(bytes) ? parse(bytes.toString('utf8')) : { value: undefined, problem: NOT_UTF8 };
    if (parsed.problem !== undefined || !inEntries) this.#values.push({ line, ...parsed });
    else this.#values.push(entryOf(line, parsed.value));
  }
}

function parse(text: string): { readonly value: unknown; readonly problem?: string } {
  if (depthOf(text) > DEEPEST) return { value: undefined, problem: `is nested deeper than ${DEEPEST}` };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { value: undefined, problem: 'is not JSON' };
  }
}

/** The deepest nesting of brackets outside strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) deepest = Math.max(deepest, (depth += 1));
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth -= 1;
  }
  return deepest;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
