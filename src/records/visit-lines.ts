/**
 * Streams a file in the visit format, plain or gzip, one line at a time; a bad line is reported and the rest is read
 * on. Stores nothing and keeps no line in memory.
 */

import { FileBytes } from './file-bytes.ts';
import { readLines } from './lines.ts';
import { parseVisitText, type ParsedVisit } from './visit-record.ts';

/** One line that is not blank, counted from 1, blank lines included. */
export type VisitLine = {
  readonly line: number;
  /** Bytes of the file read so far, compressed ones for gzip. */
  readonly bytesRead: number;
} & ({ readonly ok: true; readonly record: ParsedVisit } | { readonly ok: false; readonly problem: string });

/**
 * Reads a visit file. Gzip is told by its content, not by its name.
 * @param after lines that are passed over unread, e.g. because an earlier import read them
 * @throws FlameError FILE_NOT_READABLE when it cannot be opened or read, INVALID_INPUT when it is UTF-16, an archive or
 * unpacks without end
 */
export async function* readVisitLines(path: string, after = 0): AsyncGenerator<VisitLine> {
  const file = new FileBytes(path);
  for await (const { line, text, problem } of readLines(file)) {
    if (line <= after) continue;
    const { bytesRead } = file;
    yield text === null
      ? { line, bytesRead, ok: false, problem }
      : { line, bytesRead, ...parseVisitText(text) };
  }
}
