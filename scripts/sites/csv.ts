/** Reads gzip comma-separated tables with quoted fields, row by row. Interprets no column. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type Row = Readonly<Record<string, string>>;

/** Rows by the names of the first line. @throws Error naming file and line when a row has another number of fields */
export function readCsv(path: string): Row[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8');
  const [head, ...rows] = parseCsv(text);
  if (!head) throw new Error(`${path} is empty`);
  return rows.map((fields, n) => {
    if (fields.length !== head.length)
      throw new Error(`${path}, row ${n + 2}: ${fields.length} fields, ${head.length} expected`);
    return Object.fromEntries(head.map((name, i) => [name, fields[i]!]));
  });
}

/** Fields of RFC 4180 text: quotes may hold commas, line ends and doubled quotes. Blank lines are left out. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endRow = (): void => {
    row.push(field);
    field = '';
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') {
        field += c;
        i += 1;
      } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      row.push(field);
      field = '';
    } else if (c === '\n') endRow();
    else if (c !== '\r') field += c;
  }
  if (field !== '' || row.length > 0) endRow();
  return rows;
}
