/**
 * Compiles indications and contraindication sections by drug, products for adults before products for preterm infants.
 * Shortens nothing.
 */

import type { DrugTables } from './drugs.ts';
import { byCodeUnit, readTsv, type TableWriter } from './tables.ts';

export function compileTexts(directory: string, tables: DrugTables, writer: TableWriter): void {
  const indications = new Map<string, string[]>();
  for (const row of readTsv(directory, 'indications_drugcentral2016.tsv.gz')) {
    for (const id of tables.resolve(row['ingredient']!)) push(indications, id, row['indication']!);
  }
  writer.tsv('indications.tsv.gz', ['drug', 'indications'], rowsOf(indications), ['drugcentral']);

  const sections = readTsv(directory, 'contraindications_fda_label_text.tsv.gz');
  const contraindications = new Map<string, string[]>();
  for (const { ingredient = '', label_text: text = '' } of sections) {
    const others = sections.filter((row) => row['ingredient'] === ingredient && row['label_text'] !== text);
    if (isForPretermInfants(text) && others.length > 0) continue;
    for (const id of tables.resolve(ingredient)) push(contraindications, id, text);
  }
  writer.tsv('contraindications.tsv.gz', ['drug', 'texts'], rowsOf(contraindications), ['fda-label']);
}

/**
 * True when a section has preterm infants for its patients (`Infants weighing less than 2 kg`, `Preterm infants with …`):
 * what it says of heart rate or bleeding holds for nobody else. A label that merely keeps the drug from infants does not
 * speak of them so. Such a section is left out where the ingredient has another one; today Hemangeol (propranolol) and
 * ibuprofen lysine.
 */
export function isForPretermInfants(section: string): boolean {
  return /\b(?:(?:preterm|premature) infants (?:with|who|in whom)|infants weighing)\b/i.test(section);
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
