/**
 * Streams a file in the visit format, plain or gzip, one line at a time; a bad line is reported and the rest is read
 * on. Stores nothing and keeps no line in memory.
 */

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { FlameError } from '../shared/errors.ts';
import { parseVisitText, type ParsedVisit } from './visit-record.ts';

/** One line that is not blank, counted from 1, blank lines included. */
export type VisitLine = {
  readonly line: number;
  /** Bytes of the file read so far, compressed ones for gzip. */
  readonly bytesRead: number;
} & ({ readonly ok: true; readonly record: ParsedVisit } | { readonly ok: false; readonly problem: string });

/** A longer line is reported and skipped: it is no visit. */
export const LONGEST_LINE = 4 * 1024 * 1024;

const NEWLINE = 0x0a;
const DAMAGED = 'the compressed file ends early or is damaged here; what follows was not read';

/**
 * Reads a visit file. Gzip is told by its content, not by its name.
 * @throws FlameError FILE_NOT_READABLE when it cannot be opened or read, INVALID_INPUT when it is UTF-16
 */
export async function* readVisitLines(path: string): AsyncGenerator<VisitLine> {
  const input = createReadStream(path);
  let bytesRead = 0;
  let line = 0;
  const damage = { found: false };
  const splitter = new LineSplitter();
  const decoder = new TextDecoder('utf-8', { fatal: true });

  const parse = (bytes: Buffer | null): VisitLine | null => {
    line += 1;
    if (bytes === null) {
      return { line, bytesRead, ok: false, problem: `is longer than ${LONGEST_LINE / 1024 / 1024} MiB` };
    }
    let text: string;
    try {
      text = decoder.decode(bytes).trim();
    } catch {
      return { line, bytesRead, ok: false, problem: 'is not UTF-8 text' };
    }
    return text === '' ? null : { line, bytesRead, ...parseVisitText(text) };
  };

  try {
    const counted = count(input, (bytes) => (bytesRead += bytes));
    for await (const chunk of decompress(counted, () => (damage.found = true))) {
      for (const bytes of splitter.push(chunk)) {
        const parsed = parse(bytes);
        if (parsed !== null) yield parsed;
      }
    }
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    throw new FlameError('FILE_NOT_READABLE', { file: path }, { cause });
  } finally {
    input.destroy();
  }
  if (damage.found) {
    yield { line: line + 1, bytesRead, ok: false, problem: DAMAGED };
    return;
  }
  for (const bytes of splitter.end()) {
    const parsed = parse(bytes);
    if (parsed !== null) yield parsed;
  }
}

async function* count(input: AsyncIterable<Buffer>, add: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of input) {
    add(chunk.length);
    yield chunk;
  }
}

/** Unpacks gzip and passes anything else on as it is. Everything before the damage is delivered. */
async function* decompress(chunks: AsyncGenerator<Buffer>, onDamage: () => void): AsyncGenerator<Buffer> {
  const head = await atLeast(chunks, 2);
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new FlameError('INVALID_INPUT', { problem: 'the file is UTF-16 text; save it as UTF-8' });
  }
  if (first !== 0x1f || second !== 0x8b) {
    yield head;
    yield* chunks;
    return;
  }
  yield* gunzipped(head, chunks, onDamage);
}

async function* gunzipped(
  head: Buffer,
  rest: AsyncGenerator<Buffer>,
  onDamage: () => void,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const ready: Buffer[] = [];
  const failure = { seen: false };
  gunzip.on('data', (chunk: Buffer) => ready.push(chunk));
  // After an error neither the callback of a write nor `end` comes.
  const failed = new Promise<void>((resolve) => {
    gunzip.once('error', () => {
      failure.seen = true;
      resolve();
    });
  });
  const write = (chunk: Buffer): Promise<void> =>
    Promise.race([failed, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))]);
  const end = (): Promise<void> =>
    Promise.race([failed, new Promise<void>((resolve) => gunzip.once('end', resolve).end())]);
  try {
    await write(head);
    yield* ready.splice(0);
    while (!failure.seen) {
      const next = await rest.next();
      await (next.done === true ? end() : write(next.value));
      yield* ready.splice(0);
      if (next.done === true) break;
    }
    if (failure.seen) onDamage();
  } finally {
    gunzip.destroy();
  }
}

/** The first chunks joined until they hold `size` bytes, or all there is. */
async function atLeast(chunks: AsyncGenerator<Buffer>, size: number): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < size) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

/** Cuts a byte stream into lines without their line feed; an over-long line becomes null. */
class LineSplitter {
  #parts: Buffer[] = [];
  #length = 0;
  #tooLong = false;

  *push(chunk: Buffer): Generator<Buffer | null> {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) {
        this.#keep(chunk.subarray(start));
        return;
      }
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
  }

  *end(): Generator<Buffer | null> {
    if (this.#length > 0 || this.#tooLong) yield this.#take();
  }

  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > LONGEST_LINE) {
      this.#tooLong = true;
      this.#parts = [];
    } else {
      this.#parts.push(part);
    }
  }

  #take(): Buffer | null {
    const line = this.#tooLong
      ? null
      : this.#parts.length === 1
        ? this.#parts[0]!
        : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#tooLong = false;
    return line;
  }
}
