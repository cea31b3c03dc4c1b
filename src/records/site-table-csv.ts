/**
 * Reads a site's interaction table from CSV (docs/references/site-table.md): columns by their heading, levels as numbers
 * or in the words of the common references. A row that cannot be used is refused with its line; looks no drug up.
 */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { SiteRow, SiteTable } from '../knowledge/site-table.ts';
import type { Severity } from '../shared/domain.ts';
import { FlameError } from '../shared/errors.ts';
import { readCsvRows } from './csv-rows.ts';
import { FileBytes } from './file-bytes.ts';

export interface SiteTableFile {
  readonly table: SiteTable;
  /** Rows below the heading, blank lines aside. */
  readonly rowsRead: number;
  readonly refused: readonly { readonly line: number; readonly problem: string }[];
}

const MOST_LETTERS = 64 * 1024 * 1024;
export const MOST_ROWS = 200_000;
const LONGEST_NAME = 300;
const LONGEST_TEXT = 4000;

type Column = Exclude<keyof SiteRow, 'nativeSeverity'>;

const HEADINGS: Readonly<Record<Column, readonly string[]>> = {
  a: ['ingredient a', 'drug a', 'a', 'ingredient 1', 'drug 1', 'object drug'],
  b: ['ingredient b', 'drug b', 'b', 'ingredient 2', 'drug 2', 'precipitant drug'],
  severity: ['severity', 'level', 'risk rating'],
  effect: ['effect', 'what may happen', 'description'],
  mechanism: ['mechanism', 'why'],
  management: ['management', 'what to do', 'recommendation'],
  source: ['source', 'citation', 'reference'],
  overrules: ['overrules', 'lower because'],
};
interface Row {
  readonly line: number;
  /** What is wrong with the row, where it cannot be used. */
  readonly cells: readonly string[] | string;
}

const REQUIRED: readonly Column[] = ['a', 'b', 'severity'];

/** Levels in the words of the references that sites license: their own scale, Micromedex's and DDInter's, Lexicomp's. */
const LEVELS: ReadonlyMap<string, Severity> = new Map([
  ...(['4', 'contraindicated', 'x'] as const).map((word) => [word, 4] as const),
  ...(
    ['3', 'avoid', 'avoid combination', 'avoid the combination', 'major', 'severe', 'high', 'd'] as const
  ).map((word) => [word, 3] as const),
  ...(['2', 'monitor', 'monitor or adjust', 'moderate', 'significant', 'c'] as const).map(
    (word) => [word, 2] as const,
  ),
  ...(['1', 'be aware', 'minor', 'low', 'b'] as const).map((word) => [word, 1] as const),
]);

/**
 * @throws FlameError FILE_NOT_READABLE; INVALID_INPUT when it is not CSV, has no heading with the three needed columns, or is
 * too large
 */
export async function readSiteTableFile(path: string): Promise<SiteTableFile> {
  const name = basename(path);
  const [heading, ...rows] = await rowsOf(path);
  if (typeof heading?.cells === 'string') throw unusable(name, `line ${heading.line} ${heading.cells}`);
  const columns = columnsOf(name, heading?.cells ?? []);
  const used: SiteRow[] = [];
  const refused: { line: number; problem: string }[] = [];
  const seen = new Set<string>();
  for (const { cells, line } of rows) {
    const read = typeof cells === 'string' ? cells : rowOf(cells, columns);
    const key = typeof read === 'string' ? '' : JSON.stringify(read);
    if (typeof read === 'string') refused.push({ line, problem: read });
    else if (seen.has(key)) refused.push({ line, problem: 'says the same as a row above' });
    else {
      seen.add(key);
      used.push(read);
    }
  }
  return { table: siteTable(name, used), rowsRead: rows.length, refused };
}

export function siteTable(name: string, rows: readonly SiteRow[]): SiteTable {
  const sha256 = createHash('sha256');
  for (const { a, b, severity, nativeSeverity, effect, mechanism, management, source, overrules } of rows) {
    sha256.update(
      JSON.stringify([a, b, severity, nativeSeverity, effect, mechanism, management, source, overrules]),
    );
  }
  return { name, sha256: sha256.digest('hex'), rows };
}

/** The rows with a cell that holds something, the heading among them; cells trimmed. */
async function rowsOf(path: string): Promise<Row[]> {
  const name = basename(path);
  const rows: Row[] = [];
  let letters = 0;
  for await (const batch of readCsvRows(new FileBytes(path)))
    for (const { line, fields, problem } of batch) {
      const cells = fields?.map((field) => field.trim()) ?? problem ?? '';
      letters += fields?.reduce((sum, { length }) => sum + length, 0) ?? 0;
      if (letters > MOST_LETTERS)
        throw unusable(name, `it holds more than ${MOST_LETTERS / 1024 / 1024} million letters`);
      if (typeof cells === 'string' || cells.some((cell) => cell !== '')) rows.push({ line, cells });
      // The heading is one row more.
      if (rows.length > MOST_ROWS + 1) throw unusable(name, `at most ${MOST_ROWS} rows can be used`);
    }
  return rows;
}

function columnsOf(name: string, heading: readonly string[]): ReadonlyMap<Column, number> {
  const titles = heading.map((title) =>
    title
      .toLowerCase()
      .replace(/[_\s-]+/g, ' ')
      .trim(),
  );
  const columns = new Map<Column, number>();
  for (const [column, names] of Object.entries(HEADINGS) as [Column, readonly string[]][]) {
    const position = titles.findIndex((title) => names.includes(title));
    if (position >= 0) columns.set(column, position);
  }
  const missing = REQUIRED.filter((column) => !columns.has(column)).map((column) => HEADINGS[column][0]);
  if (missing.length > 0)
    throw unusable(name, `its first line names no column ${missing.map((title) => `“${title}”`).join(', ')}`);
  return columns;
}

/** The row, or what is wrong with it. */
function rowOf(record: readonly string[], columns: ReadonlyMap<Column, number>): SiteRow | string {
  const cell = (column: Column): string => record[columns.get(column) ?? -1] ?? '';
  const [a, b, native] = [cell('a'), cell('b'), cell('severity')];
  if (a === '' || b === '') return `${a === '' ? 'ingredient a' : 'ingredient b'} is empty`;
  if (a.length > LONGEST_NAME || b.length > LONGEST_NAME)
    return `a name is longer than ${LONGEST_NAME} characters`;
  if (a.toLowerCase() === b.toLowerCase()) return 'both ingredients are the same';
  const severity = LEVELS.get(
    native
      .toLowerCase()
      .replace(/[.\s]+/g, ' ')
      .trim(),
  );
  if (severity === undefined)
    return native === ''
      ? 'severity is empty'
      : `severity “${native.slice(0, 40)}” is none of 1 to 4, contraindicated, major, moderate, minor, X, D, C, B`;
  const texts = {
    effect: cell('effect'),
    mechanism: cell('mechanism'),
    management: cell('management'),
    source: cell('source'),
    overrules: cell('overrules'),
  };
  const long = Object.entries(texts).find(([, text]) => text.length > LONGEST_TEXT);
  if (long) return `${long[0]} is longer than ${LONGEST_TEXT} characters`;
  return { a, b, severity, nativeSeverity: native, ...texts };
}

function unusable(name: string, problem: string): FlameError {
  return new FlameError('INVALID_INPUT', { problem: `${name}: ${problem}` });
}
