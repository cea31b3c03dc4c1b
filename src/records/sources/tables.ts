/** Reads the tables of a CSV release by column name, whatever the case and order of its columns. Interprets no value. */

import { FlameError } from '../../shared/errors.ts';
import { readCsvRows } from '../csv-rows.ts';
import type { SourceContext, SourceFile } from './source.ts';

export interface TableRow {
  readonly file: string;
  readonly line: number;
  /** The trimmed cell; empty when the table has no such column. @param column in lower case */
  get(column: string): string;
}

/**
 * Hands out each usable row; the others are refused with their line. Yields after each batch.
 * @throws FlameError INVALID_INPUT naming a needed column that the table lacks, and what FileBytes throws
 */
export async function* readTable(
  context: SourceContext,
  file: SourceFile,
  table: string,
  needed: readonly string[],
  onRow: (row: TableRow) => void,
): AsyncGenerator<void> {
  const { log } = context;
  let columns: ReadonlyMap<string, number> | null = null;
  let width = 0;
  for await (const rows of readCsvRows(context.open(file))) {
    for (const { line, fields, problem } of rows) {
      if (columns === null) {
        if (fields === null) throw headless(file, `has a first line that ${problem}`);
        columns = columnsOf(file, fields, needed);
        width = fields.length;
        continue;
      }
      log.row(table);
      if (fields === null) log.refuse(line, problem, file.name);
      else if (fields.length !== width)
        log.refuse(line, `has ${fields.length} fields, ${width} expected`, file.name);
      else onRow(rowOf(file.name, line, columns, fields));
    }
    yield;
  }
  if (columns === null) throw headless(file, 'is empty');
}

function rowOf(
  file: string,
  line: number,
  columns: ReadonlyMap<string, number>,
  fields: readonly string[],
): TableRow {
  return {
    file,
    line,
    get: (column) => {
      const at = columns.get(column);
      return at === undefined ? '' : fields[at]!.trim();
    },
  };
}

function columnsOf(
  file: SourceFile,
  fields: readonly string[],
  needed: readonly string[],
): ReadonlyMap<string, number> {
  // Spreadsheets leave columns without a name behind.
  const named = fields.flatMap((name, at) =>
    name.trim() === '' ? [] : [[name.trim().toLowerCase(), at] as const],
  );
  const columns = new Map(named);
  const twice = named.find(([name, at]) => columns.get(name) !== at)?.[0];
  if (twice !== undefined)
    throw headless(file, `names the column ${twice.slice(0, 60)} twice in its first line`);
  const missing = needed.filter((name) => !columns.has(name));
  if (missing.length > 0)
    throw headless(
      file,
      `has no column ${missing.join(', ')}; its columns are ${[...columns.keys()].join(', ').slice(0, 300)}`,
    );
  return columns;
}

function headless(file: SourceFile, problem: string): FlameError {
  return new FlameError('INVALID_INPUT', { problem: `${file.name} ${problem}` });
}

/** The table of a file name: `Prescriptions.csv.gz` → `prescriptions`. */
export function tableName(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.gz$/, '')
    .replace(/\.[a-z]+$/, '');
}

/** The file that holds a table. @throws FlameError INVALID_INPUT when there are two, or none and it is needed */
export function tableFile(files: readonly SourceFile[], table: string, needed: false): SourceFile | null;
export function tableFile(files: readonly SourceFile[], table: string): SourceFile;
export function tableFile(files: readonly SourceFile[], table: string, needed = true): SourceFile | null {
  const [file, other] = files.filter(({ name }) => tableName(name) === table);
  if (other)
    throw new FlameError('INVALID_INPUT', { problem: `${file!.name} and ${other.name} hold the same table` });
  if (file || !needed) return file ?? null;
  throw new FlameError('INVALID_INPUT', {
    problem: `the folder holds no table ${table} (${table}.csv or .csv.gz)`,
  });
}
