/**
 * Streams comma-separated tables row by row, with the line each row begins on. Papa Parse reads the fields; this file cuts
 * the stream where no quoted field is open, so that a quote that is never closed costs one row and no memory. Interprets
 * no column.
 */

import { TextDecoder } from 'node:util';
import Papa from 'papaparse';
import { FlameError } from '../shared/errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { DAMAGED, NOT_UTF8 } from './lines.ts';

/** A row may hold this many characters, its line ends within quotes included. */
export const LONGEST_ROW = 1024 * 1024;
export const MOST_COLUMNS = 2000;

/** U+FFFD, which stands for bytes that are no letter. */
const REPLACED = '\uFFFD';

/** One row of fields; `fields` is null where it cannot be used. */
export type CsvRow = { readonly line: number } & (
  | { readonly fields: readonly string[]; readonly problem?: undefined }
  | { readonly fields: null; readonly problem: string }
);

/**
 * The rows of a table, the header among them, in batches of one read. Blank lines are left out.
 * @throws FlameError INVALID_INPUT when a row has more than 2,000 columns, and what FileBytes throws
 */
export async function* readCsvRows(file: FileBytes): AsyncGenerator<CsvRow[]> {
  const decoder = new LossyDecoder();
  const cutter = new RowCutter();
  let first = true;
  for await (const chunk of file.chunks()) {
    const text = decoder.decode(chunk);
    if (first && text.includes('\r') && !text.includes('\n'))
      throw new FlameError('INVALID_INPUT', {
        problem: 'its lines end in carriage returns alone (CSV for old Macintosh); save it as “CSV UTF-8”',
      });
    first = false;
    const rows = decoder.check(cutter.push(text));
    if (rows.length > 0) yield rows;
  }
  const rows = cutter.push(decoder.end());
  for (const row of cutter.end()) rows.push(row);
  decoder.check(rows);
  if (file.damaged) rows.push({ line: cutter.line, fields: null, problem: DAMAGED });
  if (rows.length > 0) yield rows;
}

/**
 * Decodes UTF-8 and notices when the bytes are none, e.g. Latin-1: from then on a row with a replaced letter is refused. A
 * replacement character that a source wrote in proper UTF-8 is one of its letters.
 */
class LossyDecoder {
  #strict: TextDecoder | null = new TextDecoder('utf-8', { fatal: true });
  readonly #lossy = new TextDecoder('utf-8');
  #last = 0;

  decode(chunk: Buffer): string {
    if (this.#strict) {
      try {
        const text = this.#strict.decode(chunk, { stream: true });
        this.#last = chunk.at(-1) ?? 0;
        return text;
      } catch {
        return this.#giveUp() + this.#lossy.decode(chunk, { stream: true });
      }
    }
    return this.#lossy.decode(chunk, { stream: true });
  }

  end(): string {
    if (!this.#strict) return this.#lossy.decode();
    try {
      return this.#strict.decode();
    } catch {
      return this.#giveUp();
    }
  }

  check(rows: CsvRow[]): CsvRow[] {
    if (this.#strict) return rows;
    rows.forEach(({ line, fields }, at) => {
      if (fields?.some((field) => field.includes(REPLACED)) === true)
        rows[at] = { line, fields: null, problem: NOT_UTF8 };
    });
    return rows;
  }

  /** What stands for the letter that the strict decoder had begun. */
  #giveUp(): string {
    this.#strict = null;
    return this.#last >= 0x80 ? REPLACED : '';
  }
}

class RowCutter {
  /** Line on which the next row begins. */
  line = 1;
  #pending = '';
  /** How far `#pending` was searched for quotes, and whether a quoted field is open there. */
  #searched = 0;
  #open = false;
  /** The last place in `#pending` after which a row begins. */
  #cut = 0;
  /** Within a line that was given up: everything up to its end is passed over. */
  #skipping = false;
  #delimiter: string | null = null;

  push(text: string): CsvRow[] {
    if (text === '') return [];
    this.#pending += text;
    const rows: CsvRow[] = [];
    for (;;) {
      if (this.#skipping && !this.#skipLine()) return rows;
      this.#search();
      if (this.#cut > 0) {
        for (const row of this.#read(this.#pending.slice(0, this.#cut))) rows.push(row); // A spread of a million rows would overflow the stack.
        this.#drop(this.#cut);
      }
      if (this.#pending.length <= LONGEST_ROW) return rows;
      rows.push(...this.#giveUp());
    }
  }

  end(): CsvRow[] {
    if (this.#skipping || this.#pending === '') return [];
    const rows: CsvRow[] = [];
    while (this.#pending !== '') {
      this.#search();
      if (!this.#open) {
        for (const row of this.#read(this.#pending)) rows.push(row);
        break;
      }
      rows.push(...this.#giveUp());
      this.#skipping = false;
    }
    return rows;
  }

  /** Finds the last line end outside quotes: every quote opens or closes, a doubled one does both. */
  #search(): void {
    const { length } = this.#pending;
    while (this.#searched < length) {
      const quote = this.#pending.indexOf('"', this.#searched);
      const end = quote < 0 ? length : quote;
      if (!this.#open) {
        // Only this stretch is looked at: a search of the whole would make a row of quotes cost its square.
        const newline = this.#pending.slice(this.#searched, end).lastIndexOf('\n');
        if (newline >= 0) this.#cut = this.#searched + newline + 1;
      }
      if (quote >= 0) this.#open = !this.#open;
      this.#searched = end + (quote < 0 ? 0 : 1);
    }
  }

  /** The pending row is too long, or its quote is never closed: its first line goes alone or not at all. */
  #giveUp(): CsvRow[] {
    const newline = this.#pending.indexOf('\n');
    const { line } = this;
    if (newline < 0) {
      this.#skipping = true;
      const tooLong = this.#pending.length > LONGEST_ROW;
      if (!tooLong) {
        const rows = this.#alone(this.#pending, line);
        this.#pending = '';
        return rows;
      }
      return [{ line, fields: null, problem: 'is longer than 1 MiB' }];
    }
    const rows = this.#alone(this.#pending.slice(0, newline + 1), line);
    this.line = line + 1;
    this.#drop(newline + 1);
    this.#open = false;
    this.#searched = 0;
    this.#cut = 0;
    return rows;
  }

  /** One line by itself: a quote in the middle of a field is only a character, an open one makes it unusable. */
  #alone(text: string, line: number): CsvRow[] {
    const { data, errors } = this.#parse(text.replace(/\r?\n$/, ''));
    const [fields] = data;
    if (errors.some(({ type }) => type === 'Quotes') || fields === undefined)
      return [{ line, fields: null, problem: 'opens a quote that is never closed' }];
    return [{ line, fields }];
  }

  #skipLine(): boolean {
    const newline = this.#pending.indexOf('\n');
    this.#drop(newline < 0 ? this.#pending.length : newline + 1);
    this.#open = false;
    this.#searched = 0;
    this.#cut = 0;
    if (newline < 0) return false;
    this.line += 1;
    this.#skipping = false;
    return true;
  }

  #drop(count: number): void {
    this.#pending = this.#pending.slice(count);
    this.#searched -= count;
    this.#cut = 0;
  }

  /** Whole rows. */
  #read(text: string): CsvRow[] {
    const { data, errors } = this.#parse(text);
    const broken = new Set(
      errors.flatMap(({ type, row }) => (type === 'Quotes' && row !== undefined ? [row] : [])),
    );
    const multiline = text.includes('"');
    const rows: CsvRow[] = [];
    data.forEach((fields, at) => {
      const { line } = this;
      this.line += 1;
      if (multiline) for (const field of fields) this.line += newlinesIn(field);
      if (fields.length === 1 && fields[0]!.trim() === '') return;
      if (fields.length > MOST_COLUMNS)
        throw new FlameError('INVALID_INPUT', {
          problem: `line ${line} has ${fields.length} columns; at most ${MOST_COLUMNS} are read`,
        });
      rows.push(
        broken.has(at)
          ? { line, fields: null, problem: 'holds a quote in the wrong place' }
          : { line, fields },
      );
    });
    // A line end at the end of the text is the end of its last row, not one more row.
    if (text.endsWith('\n') && data.length > 0) this.line -= 1;
    return rows;
  }

  #parse(text: string): Papa.ParseResult<string[]> {
    const plain = this.line === 1 ? text.replace(/^\uFEFF/, '') : text;
    this.#delimiter ??= delimiterOf(plain);
    return Papa.parse<string[]>(plain.replace(/\r\n/g, '\n'), { delimiter: this.#delimiter, newline: '\n' });
  }
}

/** The separator that the header holds most of: comma, semicolon or tab. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split('\n', 1);
  const count = (separator: string): number => head.split(separator).length;
  return [';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best), ',');
}

function newlinesIn(field: string): number {
  let count = 0;
  for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count += 1;
  return count;
}
