/** Cuts a byte stream into lines and decodes them, bounded in length. Knows no format. */

import type { FileBytes } from './file-bytes.ts';

/** A longer line is reported and skipped: it is no record. */
export const LONGEST_LINE = 4 * 1024 * 1024;

export const NOT_UTF8 =
  'is not UTF-8 text; save the file as UTF-8 (“CSV UTF-8” in a spreadsheet) and import it again';

export const DAMAGED = 'the compressed file ends early or is damaged here; what follows was not read';

const NEWLINE = 0x0a;

/** One line that is not blank, counted from 1, blank lines included; `text` is null where it cannot be used. */
export type TextLine = { readonly line: number } & (
  { readonly text: string; readonly problem?: undefined } | { readonly text: null; readonly problem: string }
);

/** The lines of a file. The last one tells of damage, where there is some. @throws what FileBytes throws */
export async function* readLines(file: FileBytes, longest: number = LONGEST_LINE): AsyncGenerator<TextLine> {
  const splitter = new LineSplitter(longest);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 0;
  const read = (bytes: Buffer | null): TextLine | null => {
    line += 1;
    if (bytes === null)
      return { line, text: null, problem: `is longer than ${Math.round(longest / 1024 / 1024)} MiB` };
    try {
      const text = decoder.decode(bytes).trim();
      return text === '' ? null : { line, text };
    } catch {
      return { line, text: null, problem: NOT_UTF8 };
    }
  };
  for await (const chunk of file.chunks()) {
    for (const bytes of splitter.push(chunk)) {
      const one = read(bytes);
      if (one !== null) yield one;
    }
  }
  if (file.damaged) {
    yield { line: line + 1, text: null, problem: DAMAGED };
    return;
  }
  for (const bytes of splitter.end()) {
    const one = read(bytes);
    if (one !== null) yield one;
  }
}

/** Cuts a byte stream into lines without their line feed; an over-long line becomes null. */
class LineSplitter {
  readonly #longest: number;
  #parts: Buffer[] = [];
  #length = 0;
  #tooLong = false;

  constructor(longest: number) {
    this.#longest = longest;
  }

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
    if (this.#length > this.#longest) {
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
