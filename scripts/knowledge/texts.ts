/** Compiles indications and contraindication sections by drug. Shortens nothing and judges nothing. */

import type { DrugTables } from './drugs.ts';
import { byCodeUnit, readTsv, type TableWriter } from './tables.ts';

export function compileTexts(directory: string, tables: DrugTables, writer: TableWriter): void {
  const indications = new Map<string, string[]>();
  for (const row of readTsv(directory, 'indications_drugcentral2016.tsv.gz')) {
    for (const id of tables.resolve(row['ingredient']!)) push(indications, id, row['indication']!);
  }
  writer.tsv('indications.tsv.gz', ['drug', 'indications'], rowsOf(indications), ['drugcentral']);

  const contraindications = new Map<string, string[]>();
  for (const row of readTsv(directory, 'contraindications_fda_label_text.tsv.gz')) {
    for (const id of tables.resolve(row['ingredient']!)) push(contraindications, id, row['label_text']!);
  }
  writer.tsv('contraindications.tsv.gz', ['drug', 'texts'], rowsOf(contraindications), ['fda-label']);
}

function push(texts: Map<string, string[]>, id: string, text: string): void {
  const list = texts.get(id) ?? [];
  const clean = text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll('|', '/');
  if (clean !== '' && !list.includes(clean)) list.push(clean);
  texts.set(id, list);
}

function rowsOf(texts: ReadonlyMap<string, readonly string[]>): string[][] {
  return [...texts].sort(([a], [b]) => byCodeUnit(a, b)).map(([id, list]) => [id, list.join('|')]);
}
