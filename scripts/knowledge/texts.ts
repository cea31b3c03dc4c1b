/**
 * Compiles indications and contraindication sections by drug, products for adults before products for preterm infants,
 * without what is filed under the wrong drug. Shortens nothing.
 */

import type { DrugTables } from './drugs.ts';
import { readEvidence } from './rule-evidence.ts';
import { byCodeUnit, readTsv, type TableWriter } from './tables.ts';

/** @returns the contraindication sections by drug, as written */
export function compileTexts(
  directory: string,
  tables: DrugTables,
  writer: TableWriter,
): ReadonlyMap<string, readonly string[]> {
  const indications = new Map<string, string[]>();
  for (const row of readTsv(directory, 'indications_drugcentral2016.tsv.gz')) {
    for (const id of tables.resolve(row['ingredient']!)) push(indications, id, row['indication']!);
  }
  writer.tsv('indications.tsv.gz', ['drug', 'indications'], rowsOf(indications), ['drugcentral']);

  const sections = readTsv(directory, 'contraindications_fda_label_text.tsv.gz');
  const contraindications = new Map<string, string[]>();
  const { misfiled } = readEvidence(directory);
  for (const { drug, begins } of misfiled) {
    if (!sections.some((row) => row['ingredient'] === drug && row['label_text']!.startsWith(begins)))
      throw new Error(`rule-evidence.json: ${drug} has no section that begins with "${begins}"`);
  }
  for (const { ingredient = '', label_text: text = '' } of sections) {
    if (misfiled.some(({ drug, begins }) => drug === ingredient && text.startsWith(begins))) continue;
    const others = sections.filter((row) => row['ingredient'] === ingredient && row['label_text'] !== text);
    if (isForPretermInfants(text) && others.length > 0) continue;
    for (const id of tables.resolve(ingredient)) push(contraindications, id, text);
  }
  writer.tsv('contraindications.tsv.gz', ['drug', 'texts'], rowsOf(contraindications), ['fda-label']);
  return contraindications;
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
