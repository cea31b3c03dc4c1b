/**
 * `node scripts/report-interactions.ts`: how many pairs and which interaction rates the tables give on corpus N with and
 * without the class rules. Prints Markdown; changes nothing.
 */

import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { EVALUATION_SEVERITY, type VisitRecord } from '../src/shared/domain.ts';
import { asId, type DrugId } from '../src/shared/ids.ts';
import { interactionRate } from '../src/shared/interactions.ts';

const FORMULARY_MINIMUM = 200;
const TEST_YEAR = 2009;

const root = resolve(import.meta.dirname, '..');
const knowledge = loadKnowledge(join(root, 'resources', 'knowledge'));
const { drugs, interactions } = knowledge;

/** Drug lists of the visits with a problem and at least two drugs, ids made canonical. */
async function readLists(): Promise<{ year: number; list: DrugId[] }[]> {
  const file = createReadStream(join(root, 'data', 'visits', 'namcs-1995-2009.jsonl.gz')).pipe(
    createGunzip(),
  );
  const lists: { year: number; list: DrugId[] }[] = [];
  for await (const line of createInterface({ input: file })) {
    const visit = JSON.parse(line) as VisitRecord;
    if (visit.dx.length + visit.chronic.length === 0 || visit.drugs.length < 2) continue;
    lists.push({
      year: visit.year,
      list: [...new Set(visit.drugs.map((name) => drugs.canonical(asId<DrugId>(name))))],
    });
  }
  return lists;
}

const lists = await readLists();
const uses = new Map<DrugId, number>();
for (const { year, list } of lists) {
  if (year < TEST_YEAR) for (const id of list) uses.set(id, (uses.get(id) ?? 0) + 1);
}
const formulary = [...uses].filter(([, count]) => count >= FORMULARY_MINIMUM).map(([id]) => id);

/** Level by the tables alone: no rule, nothing inherited from a base drug; with or without what was set aside. */
function tableLevel(a: DrugId, b: DrugId, reviewed: boolean): number {
  const answer = interactions.between(a, b);
  const recorded = answer.state === 'found' ? answer.interaction.sources : interactions.setAside(a, b);
  const levels = recorded
    .filter(({ source, recordedFor }) => !source.startsWith('rule:') && !recordedFor)
    .filter(({ setAside }) => !reviewed || setAside === undefined)
    .map(({ severity }) => severity);
  return Math.max(0, ...levels);
}

const position = new Map(formulary.map((id, index) => [id, index]));
const size = formulary.length;
type Column = 'found' | 'reviewed' | 'rules';
const matrices: Record<Column, Uint8Array> = {
  found: new Uint8Array(size * size),
  reviewed: new Uint8Array(size * size),
  rules: new Uint8Array(size * size),
};
const counts: Record<Column, number> = { found: 0, reviewed: 0, rules: 0 };
const byLevel = [0, 0, 0, 0, 0];
for (let i = 0; i < size; i += 1) {
  for (let j = i + 1; j < size; j += 1) {
    const [a, b] = [formulary[i]!, formulary[j]!];
    const levels = {
      found: tableLevel(a, b, false),
      reviewed: tableLevel(a, b, true),
      rules: interactions.severity(a, b),
    };
    byLevel[levels.rules]! += 1;
    for (const column of ['found', 'reviewed', 'rules'] as const) {
      if (levels[column] < EVALUATION_SEVERITY) continue;
      counts[column] += 1;
      matrices[column][i * size + j] = matrices[column][j * size + i] = 1;
    }
  }
}

function rates(matrix: Uint8Array): { mean: number; pooled: number; share: number; visits: number } {
  let sum = 0;
  let pairs = 0;
  let possible = 0;
  let holding = 0;
  let visits = 0;
  for (const { year, list } of lists) {
    const members = list.flatMap((id) => position.get(id) ?? []);
    if (year !== TEST_YEAR || members.length < 2) continue;
    let here = 0;
    for (const [index, i] of members.entries())
      for (const j of members.slice(index + 1)) here += matrix[i * size + j]!;
    sum += interactionRate(here, members.length);
    pairs += here;
    possible += (members.length * (members.length - 1)) / 2;
    holding += here > 0 ? 1 : 0;
    visits += 1;
  }
  return { mean: sum / visits, pooled: pairs / possible, share: holding / visits, visits };
}

const columns = {
  found: rates(matrices.found),
  reviewed: rates(matrices.reviewed),
  rules: rates(matrices.rules),
};
const uncovered = formulary.filter((id) => !interactions.covers(id)).length;
const row = (title: string, cell: (column: Column) => string): string =>
  `| ${title} | ${cell('found')} | ${cell('reviewed')} | ${cell('rules')} |`;
const rate = (key: 'mean' | 'pooled' | 'share') => (column: Column) => columns[column][key].toFixed(4);
console.log(
  `Corpus N, year ${TEST_YEAR}: ${columns.rules.visits} visits with at least two formulary drugs. Formulary: the ${size}`,
);
console.log(
  `ingredients in ${FORMULARY_MINIMUM} or more kept visits of earlier years. Interactions ${knowledge.interactionVersion}, severity`,
);
console.log(`${EVALUATION_SEVERITY} or above. The rates are those of what was prescribed.\n`);
console.log('| | tables as found | tables, set-aside statements out | with class rules |');
console.log('| --- | --- | --- | --- |');
console.log(row('pairs within the formulary', (column) => String(counts[column])));
console.log(row('interaction rate, mean over visits', rate('mean')));
console.log(row('interaction rate, pooled over pairs', rate('pooled')));
console.log(row('share of visits that hold a pair', rate('share')));
console.log(`\nWith class rules, pairs by severity 1 to 4: ${byLevel.slice(1).join(', ')}.`);
console.log(`Formulary drugs that no table or rule covers: ${uncovered}.`);
