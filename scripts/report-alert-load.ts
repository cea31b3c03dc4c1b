/**
 * `npm run report:alerts`: how loudly the checks would speak at real visits, on what was prescribed there: at 1,000 that
 * no rule or match was ever corrected on, and beside them at the 1,000 that label matching was corrected on. Writes docs/reports/alert-load.md; `--list <check>` prints that check's findings instead, to be read one by one.
 */

import { createReadStream, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Checker } from '../src/checks/checker.ts';
import { factsOf } from '../src/checks/facts.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { interpretVisit, parseVisitText } from '../src/records/visit-record.ts';
import { NOT_RECORDED } from '../src/shared/domain.ts';
import {
  attentionOf,
  CHECKS,
  type Attention,
  type Finding,
  type FoundFinding,
} from '../src/shared/findings.ts';
import type { DrugId } from '../src/shared/ids.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { list: { type: 'string' }, visits: { type: 'string', default: '1000' } },
});
const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
const checker = new Checker(knowledge);
const half = Number(values.visits) / 2;

interface CheckedVisit {
  readonly drugs: number;
  readonly findings: readonly Finding[];
}

interface Sample {
  readonly all: readonly CheckedVisit[];
  readonly old: readonly CheckedVisit[];
  readonly recent: readonly CheckedVisit[];
}

/** Records whose number leaves `rest` when divided by `step`, with at least one drug, until enough are read; never 2009. */
async function sample(file: string, step: number, rest: number): Promise<CheckedVisit[]> {
  const input = createReadStream(join(root, 'data/visits', file)).pipe(createGunzip());
  const visits: CheckedVisit[] = [];
  let n = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (n++ % step !== rest) continue;
    const parsed = parseVisitText(line);
    if (!parsed.ok || parsed.record.year === 2009) continue;
    const content = interpretVisit(parsed.record, (name) => knowledge.drugs.find(name));
    const drugs: readonly DrugId[] = content.prescribed ?? [];
    if (drugs.length === 0) continue;
    const { findings } = checker.check(factsOf({ ...NOT_RECORDED, ...content }), drugs);
    visits.push({ drugs: drugs.length, findings });
    if (visits.length === half) break;
  }
  return visits;
}

async function sampleOf(rests: { readonly old: number; readonly recent: number }): Promise<Sample> {
  const old = await sample('namcs-1995-2009.jsonl.gz', 431, rests.old);
  const recent = await sample('namcs-2016.jsonl.gz', 17, rests.recent);
  return { all: [...old, ...recent], old, recent };
}

/** The visits that label matching was corrected on; the others were never looked at one by one. */
const tuned = await sampleOf({ old: 0, recent: 0 });
const fresh = await sampleOf({ old: 215, recent: 8 });
const { all: visits } = fresh;
const found = ({ findings }: CheckedVisit): FoundFinding[] =>
  findings.filter((finding) => finding.state === 'found');
const share = (list: readonly CheckedVisit[], holds: (visit: CheckedVisit) => boolean): string =>
  `${((100 * list.filter(holds).length) / list.length).toFixed(1)} %`;
const mean = (list: readonly CheckedVisit[], count: (visit: CheckedVisit) => number): string =>
  (list.reduce((sum, visit) => sum + count(visit), 0) / list.length).toFixed(2);

if (values.list !== undefined) {
  // Only of the visits that were read before: reading the others would make them tuned ones too.
  for (const visit of tuned.all) {
    for (const finding of found(visit).filter(({ check }) => check === values.list)) {
      const { label, severity, drugs, because } = finding;
      const text = label
        ? `${label.text.slice(0, label.from)}[[${label.text.slice(label.from, label.to)}]]${label.text.slice(label.to)}`
        : finding.effect;
      console.log(`${severity} ${drugs.join(' + ')} | ${because} | ${text}`);
    }
  }
} else {
  const file = join(root, 'docs/reports/alert-load.md');
  writeFileSync(file, report());
  console.log(`wrote ${file}`);
}

function report(): string {
  const columns = [fresh.all, fresh.old, fresh.recent, tuned.all] as const;
  const row = (title: string, cell: (list: readonly CheckedVisit[]) => string): string =>
    `| ${title} | ${columns.map(cell).join(' | ')} |`;
  const asks = (attention: Attention) => (finding: FoundFinding) =>
    attentionOf(finding.severity) === attention;
  const isPair = ({ check }: FoundFinding): boolean =>
    check === 'interactions' || check === 'duplicate-therapy';
  const interrupting = visits.flatMap((visit) => found(visit).filter(asks('interrupt')));
  return [
    '# Alert load of the checks',
    '',
    'Made by `npm run report:alerts`; do not edit here.',
    '',
    `Protocol: ${fresh.all.length} visits of the US National Ambulatory Medical Care Survey with at least one drug, ${fresh.old.length} of 1995–2008 (every 431st`,
    `record) and ${fresh.recent.length} of 2016 (every 17th); the checks of src/checks on the drugs that were prescribed or continued, as one list,`,
    `with age, sex and coded diagnoses; tables ${knowledge.version}, interactions ${knowledge.interactionVersion}; the year 2009, the test split of the`,
    'models, is left out; deterministic, no seed. The survey records no allergy, no creatinine and no weight, and a pregnancy only',
    'by its code: those checks are silent here or say that they could not answer, so a clinic that records them will see more.',
    'The matching of label text was corrected on other visits, the last column (12.3 % of those interrupted before false matches were',
    'taken out); no rule and no match was changed on the visits of the other columns, and nobody has read their findings.',
    '',
    'A finding interrupts at severity 3 and above, is listed at 2 and folded at 1 (`attentionOf`, src/shared/findings.ts).',
    '',
    '| | all | 1995–2008 | 2016 | corrected on |',
    '| --- | --- | --- | --- | --- |',
    row('visits', (list) => String(list.length)),
    row('drugs per visit, mean', (list) => mean(list, ({ drugs }) => drugs)),
    row('**visits with an interruptive finding**', (list) =>
      share(list, (visit) => found(visit).some(asks('interrupt'))),
    ),
    row('visits with a listed finding', (list) => share(list, (visit) => found(visit).some(asks('list')))),
    row('visits with no finding above 1', (list) =>
      share(list, (visit) => found(visit).every(({ severity }) => severity < 2)),
    ),
    ...[4, 3, 2, 1].map((level) =>
      row(`pairs of severity ${level} per visit (interactions and duplicates)`, (list) =>
        mean(list, (visit) => found(visit).filter((f) => isPair(f) && f.severity === level).length),
      ),
    ),
    ...[4, 3, 2, 1].map((level) =>
      row(`other findings of severity ${level} per visit`, (list) =>
        mean(list, (visit) => found(visit).filter((f) => !isPair(f) && f.severity === level).length),
      ),
    ),
    '',
    '## By check',
    '',
    '| check | visits it interrupts | visits it lists in | visits where it could not answer |',
    '| --- | --- | --- | --- |',
    ...CHECKS.map((check) => {
      const of = (attention: Attention) => (visit: CheckedVisit) =>
        found(visit).some((finding) => finding.check === check && asks(attention)(finding));
      const open = (visit: CheckedVisit) =>
        visit.findings.some((finding) => finding.check === check && finding.state !== 'found');
      return `| ${check} | ${share(visits, of('interrupt'))} | ${share(visits, of('list'))} | ${share(visits, open)} |`;
    }),
    '',
    '## What interrupts most',
    '',
    '| finding | visits |',
    '| --- | --- |',
    ...frequent(
      interrupting.map(({ check, drugs, because }) =>
        [check, drugs.join(' + '), because].filter((part) => part !== '').join(': '),
      ),
      20,
    ),
    '',
  ].join('\n');
}

function frequent(keys: readonly string[], limit: number): string[] {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([key, count]) => `| ${key} | ${count} |`);
}
