/**
 * Counts in the training years of the visit corpus: which drugs are prescribed together more often than chance, and how
 * often each diagnosis is recorded. Fits no model; the test year (2009) is not read.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { DrugTables } from './drugs.ts';
import { byCodeUnit, type TableWriter } from './tables.ts';

const CORPUS = 'namcs-1995-2009.jsonl.gz';
/** 2009 is the test year of the reports. */
const LAST_YEAR = 2008;
/** Pairs in fewer visits are left out: their share says little, and the survey asks not to publish small cells. */
const FEWEST_TOGETHER = 30;
/** A partner must be so many times as frequent beside the drug as elsewhere. */
const LEAST_LIFT = 1.5;
/** Kept for each drug, by falling number of common visits. */
const MOST_PARTNERS = 40;

const line = z.object({ year: z.number(), dx: z.array(z.string()), drugs: z.array(z.string()) });

interface Partner {
  readonly name: string;
  readonly together: number;
  readonly lift: number;
}

/** co-prescription.tsv.gz and diagnosis-counts.tsv.gz. */
export function compileVisitCounts(visits: string, tables: DrugTables, writer: TableWriter): void {
  const drugs = new Map<string, number>();
  const pairs = new Map<string, number>();
  const diagnoses = new Map<string, number>();
  let count = 0;
  for (const text of gunzipSync(readFileSync(join(visits, CORPUS)))
    .toString('utf8')
    .split('\n')) {
    if (text === '') continue;
    const visit = line.parse(JSON.parse(text));
    if (visit.year > LAST_YEAR) continue;
    count += 1;
    for (const code of new Set(visit.dx)) add(diagnoses, code);
    const list = [...new Set(visit.drugs.flatMap((drug) => tables.resolve(drug)))].sort(byCodeUnit);
    list.forEach((a, i) => {
      add(drugs, a);
      for (const b of list.slice(i + 1)) add(pairs, `${a}\t${b}`);
    });
  }
  const rows = partnerRows(drugs, pairs, count);
  writer.tsv('co-prescription.tsv.gz', ['drug', 'visits', 'partners'], rows, ['namcs']);
  writer.tsv(
    'diagnosis-counts.tsv.gz',
    ['icd9', 'visits'],
    [...diagnoses]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([code, visitCount]) => [code, String(visitCount)]),
    ['namcs'],
  );
}

/** Drug, its visits, and its partners as `name:visits together:visits of the partner:lift`, the most frequent first. */
function partnerRows(
  drugs: ReadonlyMap<string, number>,
  pairs: ReadonlyMap<string, number>,
  visits: number,
): string[][] {
  const partners = new Map<string, Partner[]>();
  for (const [pair, together] of pairs) {
    const [a = '', b = ''] = pair.split('\t');
    const lift = (together * visits) / (drugs.get(a)! * drugs.get(b)!);
    if (together < FEWEST_TOGETHER || lift < LEAST_LIFT) continue;
    partners.set(a, [...(partners.get(a) ?? []), { name: b, together, lift }]);
    partners.set(b, [...(partners.get(b) ?? []), { name: a, together, lift }]);
  }
  return [...partners]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([drug, list]) => [
      drug,
      String(drugs.get(drug)),
      list
        .sort((x, y) => y.together - x.together || byCodeUnit(x.name, y.name))
        .slice(0, MOST_PARTNERS)
        .map(({ name, together, lift }) => `${name}:${together}:${drugs.get(name)!}:${lift.toFixed(1)}`)
        .join('|'),
    ]);
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
