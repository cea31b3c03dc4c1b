/** Compiles code titles, hierarchies and maps between code systems. Invents no title. */

import { z } from 'zod';
import { nameKey } from '../../src/knowledge/names.ts';
import { byCodeUnit, readJson, readTsv, type TableWriter } from './tables.ts';

const layWords = z.object({ terms: z.record(z.string(), z.array(z.string()).min(1)) });

const LOWER_WORDS = /\b(And|Of|The|To|Or|In|With|Not|From|By|For|Due|Their)\b/g;

/** `Diseases Of The Circulatory System` → `Diseases of the circulatory system`. */
function sentenceCase(title: string): string {
  if (title !== title.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())) return title;
  const lower = title.replace(LOWER_WORDS, (word) => word.toLowerCase()).toLowerCase();
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

const bare = (code: string): string => code.replace('.', '').trim().toUpperCase();

/** A column whose repeated values are written once: an empty cell means "as in the row above". */
function ditto(rows: string[][], column: number): string[][] {
  let above = '';
  return rows.map((row) => {
    const value = row[column]!;
    const cell = value === above ? '' : value;
    above = value;
    return row.with(column, cell);
  });
}

export function compileCodes(knowledge: string, visits: string, writer: TableWriter): void {
  const icd9 = readTsv(knowledge, 'icd9cm_dx.tsv.gz')
    .map((row) => [bare(row['code']!), row['title']!, sentenceCase(row['chapter']!)])
    .sort((a, b) => byCodeUnit(a[0]!, b[0]!));
  writer.tsv('icd9cm.tsv.gz', ['code', 'title', 'chapter'], ditto(icd9, 2), ['icd-9-cm']);

  const icd10 = readTsv(knowledge, 'icd10cm_2019.tsv.gz')
    .map((row) => [
      bare(row['code']!),
      row['title']!,
      sentenceCase(row['sub_chapter']!),
      sentenceCase(row['chapter']!),
    ])
    .sort((a, b) => byCodeUnit(a[0]!, b[0]!));
  writer.tsv('icd10cm.tsv.gz', ['code', 'title', 'block', 'chapter'], ditto(ditto(icd10, 2), 3), [
    'icd-10-cm',
  ]);

  const map = readTsv(knowledge, 'icd9_to_icd10cm.tsv.gz').map((row) => [
    bare(row['icd9']!),
    bare(row['icd10']!),
  ]);
  writer.tsv('icd9-icd10.tsv.gz', ['icd9', 'icd10'], grouped(map), ['icd-10-cm']);

  const procedures = readTsv(knowledge, 'icd9cm_proc_cms32_short.tsv.gz').map((row) => [
    bare(row['code']!),
    row['title']!,
  ]);
  writer.tsv('icd9-procedures.tsv.gz', ['code', 'title'], procedures, ['icd-9-cm']);
  const pcs = readTsv(knowledge, 'icd9proc_to_icd10pcs_gem.tsv.gz').map((row) => [
    row['icd9']!,
    row['icd10pcs']!,
  ]);
  writer.tsv('icd9-pcs.tsv.gz', ['icd9', 'pcs'], grouped(pcs), ['icd-10-cm']);

  for (const [source, target] of [
    ['ccs_icd9_dx.tsv.gz', 'ccs-icd9.tsv.gz'],
    ['ccs_icd9_pr.tsv.gz', 'ccs-procedures.tsv.gz'],
  ] as const) {
    const rows = readTsv(knowledge, source).map((row) => [
      bare(row['ICD-9-CM CODE']!),
      ...[1, 2, 3, 4].map((level) => {
        const code = row[`CCS LVL ${level}`] ?? '';
        return code === ''
          ? ''
          : `${code} ${(row[`CCS LVL ${level} LABEL`] ?? '').replace(/\s*\[[\d. and]*\]$/, '')}`;
      }),
    ]);
    let compact = rows.sort(
      (a, b) =>
        byCodeUnit(a[1]! + a[2]! + a[3]! + a[4]!, b[1]! + b[2]! + b[3]! + b[4]!) || byCodeUnit(a[0]!, b[0]!),
    );
    compact = groupCodes(compact);
    writer.tsv(target, ['group1', 'group2', 'group3', 'group4', 'codes'], compact, ['ccs']);
  }

  const codebook = readJson(visits, 'namcs-codebook.json') as Record<string, Record<string, string>>;
  const titles = Object.values(codebook).reduce((count, part) => count + Object.keys(part).length, 0);
  writer.json('namcs-codebook.json', codebook, titles, ['namcs']);

  writeLayWords(knowledge, new Set(icd10.map(([code]) => code!)), writer);
}

/** What people call a diagnosis, with the codes to offer for it. @throws when a code is not in the ICD-10-CM table */
function writeLayWords(knowledge: string, known: ReadonlySet<string>, writer: TableWriter): void {
  const { terms } = layWords.parse(readJson(knowledge, 'lay-words.json'));
  const rows = Object.entries(terms).map(([term, codes]) => {
    const unknown = codes.find((code) => !known.has(code));
    if (unknown !== undefined) throw new Error(`lay-words.json: ${term}: no code ${unknown}`);
    return [nameKey(term), codes.join(' ')];
  });
  writer.tsv('lay-words.tsv.gz', ['words', 'icd10'], rows, ['flame']);
}

/** One row a first code, its partners joined by spaces in the order of the source. */
function grouped(rows: readonly (readonly string[])[]): string[][] {
  const partners = new Map<string, string[]>();
  for (const [from, to] of rows as readonly (readonly [string, string])[]) {
    if (to === '' || to === 'NODX' || to === 'NOPCS') continue;
    const list = partners.get(from) ?? [];
    if (!list.includes(to)) list.push(to);
    partners.set(from, list);
  }
  return [...partners].sort(([a], [b]) => byCodeUnit(a, b)).map(([from, list]) => [from, list.join(' ')]);
}

/** Rows of the same four groups become one, with their codes joined by spaces. */
function groupCodes(rows: readonly string[][]): string[][] {
  const groups = new Map<string, string[]>();
  for (const [code, ...labels] of rows) {
    const key = labels.join('\t');
    groups.set(key, [...(groups.get(key) ?? []), code!]);
  }
  return [...groups].map(([key, codes]) => [...key.split('\t'), codes.join(' ')]);
}
