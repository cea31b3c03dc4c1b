/**
 * The site's own mapping table as CSV (`kind,written,targets`): reads rows and says which cannot be used, and writes them
 * back. Stores nothing.
 */

import Papa from 'papaparse';
import { mappingKey } from '../../knowledge/drug-reader.ts';
import type { Drugs } from '../../knowledge/drugs.ts';
import { readCsvRows } from '../../records/csv-rows.ts';
import { FileBytes } from '../../records/file-bytes.ts';
import { icdCode } from '../../records/sources/codes.ts';
import { FlameError } from '../../shared/errors.ts';
import { MAPPING_KINDS, type MappingKind, type Refusal } from '../../shared/import-api.ts';
import type { StoredMapping } from '../store/site-mappings.ts';

const COLUMNS = ['kind', 'written', 'targets'] as const;
const MOST_ROWS = 200_000;

export interface MappingRows {
  readonly rows: readonly StoredMapping[];
  readonly refused: readonly Refusal[];
}

/** @throws FlameError FILE_NOT_READABLE, INVALID_INPUT when the columns are not there or there are too many rows */
export async function readMappingFile(path: string, drugs: Drugs, now: Date): Promise<MappingRows> {
  const rows: StoredMapping[] = [];
  const refused: Refusal[] = [];
  let columns: readonly number[] | null = null;
  for await (const batch of readCsvRows(new FileBytes(path))) {
    for (const { line, fields, problem } of batch) {
      if (columns === null) {
        columns = columnsOf((fields ?? []).map((name) => name.trim().toLowerCase()));
        continue;
      }
      const cells = fields && columns.map((at) => (at < 0 ? 'name' : (fields[at]?.trim() ?? '')));
      const row = cells ? readRow(cells, drugs, now) : (problem ?? '');
      if (typeof row === 'string') refused.push({ line, problem: row });
      else rows.push(row);
      if (rows.length > MOST_ROWS)
        throw new FlameError('INVALID_INPUT', {
          problem: `the mapping table has more than ${MOST_ROWS} rows`,
        });
    }
  }
  return { rows, refused };
}

export function mappingCsv(rows: readonly Pick<StoredMapping, 'kind' | 'written' | 'targets'>[]): string {
  const cells = rows.map(({ kind, written, targets }) => [kind, written, targets.join('; ')]);
  // A spreadsheet must not take a name for a formula.
  return `${Papa.unparse([[...COLUMNS], ...cells], { newline: '\n', escapeFormulae: true })}\n`;
}

/** Where kind, written and targets stand; a table of `name` and `ingredients` holds names of drugs alone. */
function columnsOf(names: readonly string[]): readonly number[] {
  const [name, ingredients] = [names.indexOf('name'), names.indexOf('ingredients')];
  if (name >= 0 && ingredients >= 0) return [names.indexOf('kind'), name, ingredients];
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0)
    throw new FlameError('INVALID_INPUT', {
      problem: `the mapping table has no column ${missing.join(', ')}; it needs kind,written,targets`,
    });
  return COLUMNS.map((column) => names.indexOf(column));
}

/** What a row means, or what is wrong with it. */
function readRow(
  [kind = '', written = '', targets = '']: readonly string[],
  drugs: Drugs,
  now: Date,
): StoredMapping | string {
  const known = MAPPING_KINDS.find((one) => one === kind.toLowerCase());
  if (!known) return `kind must be one of ${MAPPING_KINDS.join(', ')}`;
  const plain = written.replace(/^'(?=[=+\-@])/, '');
  const list = targets.split(';').map((one) => one.trim());
  return readMapping(
    known,
    plain,
    list.filter((one) => one !== ''),
    drugs,
    now,
  );
}

/**
 * Checks a row: drugs must be ingredients that the tables know, conditions ICD-10-CM codes.
 * @returns the row with ids, or what is wrong with it
 */
export function readMapping(
  kind: MappingKind,
  written: string,
  targets: readonly string[],
  drugs: Drugs,
  now: Date,
): StoredMapping | string {
  if (mappingKey(kind, written).trim() === '' || written.trim() === '') return 'written is empty';
  if (written.length > 300) return 'written is longer than 300 characters';
  const read = targets.map((target) => {
    if (kind === 'snomed') return icdCode(target);
    const found = drugs.find(target);
    return found.length === 1 ? found[0]! : null;
  });
  const wrong = targets.filter((_, at) => read[at] === null);
  if (wrong.length > 0)
    return kind === 'snomed'
      ? `${wrong.join(', ')} is no ICD-10-CM code`
      : `${wrong.join(', ')} is not the name of one ingredient`;
  return {
    kind,
    written: written.trim(),
    targets: [...new Set(read.filter((one) => one !== null))],
    changedAt: now.toISOString(),
  };
}
