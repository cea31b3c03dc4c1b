/**
 * `npm run report`: trains every row on 1995–2008, tests it once on 2009, and writes docs/reports. Trained weights are kept
 * in .cache/evaluation, so that `--only 'a;b'` reproduces single rows; `--on validation` measures on the validation
 * clinicians instead and never looks at 2009; `--pack models/<name>` writes that pack's measurements and model card.
 */

import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { SplitOptions } from '../src/flame/corpus.ts';
import { decodingPairs, recordedPairs } from '../src/flame/lists/formulary-pairs.ts';
import { type DrugLists, safetyOf } from '../src/flame/evaluation/metrics.ts';
import { PLAIN_FAMILIES } from '../src/flame/prepare.ts';
import { FLAME_CLASSIFIER } from '../src/flame/classifier/settings.ts';
import { fileHash, hardware } from '../src/flame/train-pack.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { EVALUATION_SEVERITY } from '../src/shared/domain.ts';
import type { Protocol } from '../src/shared/recommendation.ts';
import { writeCard } from './evaluation/card.ts';
import { compareFronts, type Front, type FrontComparison, measureFronts } from './evaluation/fronts.ts';
import { measureGroups } from './evaluation/groups.ts';
import { compareRows, measureSeed, type RowResult, summarise } from './evaluation/measure.ts';
import { type Comparison, type DevelopmentReport, writeReport } from './evaluation/report.ts';
import { NAMES, type Row, ROWS, SHIPPED_ROW, withHabitsName } from './evaluation/rows.ts';
import { type Corpora, dataFor, prepareAll, type Runs } from './evaluation/runs.ts';
import { compareTasks, measureTask, TASK_REFERENCE, TASK_ROWS, taskCases } from './evaluation/tasks.ts';

const ROOT = join(import.meta.dirname, '..');
const CORPUS = join(ROOT, 'data/visits/namcs-1995-2009.jsonl.gz');
const LATER_SURVEY = join(ROOT, 'data/visits/namcs-2016.jsonl.gz');
const SPLIT: SplitOptions = { trainYears: [1995, 2008], testYear: 2009 };

const { values: flags } = parseArgs({
  options: {
    cache: { type: 'string', default: join(ROOT, '.cache/evaluation') },
    fresh: { type: 'boolean', default: false },
    on: { type: 'string', default: 'test' },
    only: { type: 'string' },
    out: { type: 'string' },
    pack: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});
const part = flags.on;
if (part !== 'test' && part !== 'validation') throw new RangeError('--on takes test or validation');
const threads = Number(flags.threads);
if (!Number.isInteger(threads) || threads < 1) throw new RangeError('--threads takes a whole number');
const only = flags.only?.split(';').map((name) => name.trim());
for (const name of only ?? [])
  if (![...ROWS, ...TASK_ROWS].some((row) => row.name === name))
    throw new RangeError(
      `no row is called ${name}: ${[...ROWS, ...TASK_ROWS].map((row) => row.name).join('; ')}`,
    );
const chosen = ROWS.filter(({ name }) => only?.includes(name) ?? true);
const chosenTasks = TASK_ROWS.filter(({ name }) => only?.includes(name) ?? true);
const log = (line: string): void => void process.stderr.write(`${line}\n`);

log('reading the visits');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
const { data, groups }: Corpora = await prepareAll(
  { corpus: CORPUS, later: LATER_SURVEY },
  SPLIT,
  knowledge,
  [
    PLAIN_FAMILIES,
    ...chosen.flatMap(({ needs }) => needs),
    ...chosenTasks.flatMap(({ needs }) => [...needs, FLAME_CLASSIFIER.families]),
  ],
  part,
);
const plain = dataFor({ data }, PLAIN_FAMILIES);
const { formulary } = plain.vocabulary;
const truth = { validation: plain.validation.truth, test: plain.test.truth };
const runs: Runs = {
  split: SPLIT,
  part,
  knowledge,
  data,
  pairs: recordedPairs(formulary, knowledge),
  barred: decodingPairs(formulary, knowledge),
  cache: flags.cache,
  fresh: flags.fresh,
  threads,
  log,
};

const rows: RowResult[] = [];
const laterRows: RowResult[] = [];
const fronts: Front[] = [];
for (const row of chosen) await measure(row);

async function measure({ name, note, seeds, run }: Row): Promise<void> {
  const results = [];
  const laterResults = [];
  const costs = [];
  const lists: (readonly DrugLists[])[] = [];
  for (const seed of seeds) {
    const output = await run(runs, seed);
    const { scores, front, cost } = output;
    results.push(measureSeed(output, truth, runs.pairs));
    costs.push(cost);
    if (front) lists.push(front);
    if (scores?.later && plain.later)
      laterResults.push(
        measureSeed(
          { scores: { validation: scores.validation, test: scores.later }, lists: null },
          { validation: truth.validation, test: plain.later.truth },
          runs.pairs,
        ),
      );
  }
  const result = summarise(name, note, results, costs);
  rows.push(result);
  if (laterResults.length > 0) laterRows.push(summarise(name, note, laterResults, costs));
  if (lists.length > 0) fronts.push(measureFronts(name, lists, truth.test, runs.pairs));
  const { jaccardThreshold, jaccardSet, jaccardOwn, prauc } = result.measures;
  const shown = [jaccardThreshold, jaccardSet, jaccardOwn].map((one) => one?.mean.toFixed(4) ?? '–');
  log(`${name}: Jaccard ${shown.join(' / ')}, PRAUC ${prauc?.mean.toFixed(4) ?? '–'}`);
}

/** Row a against row b wherever both were measured. */
const COMPARED: readonly (readonly [string, string])[] = [
  [NAMES.classifier, NAMES.mlp],
  [NAMES.classifier, NAMES.mlpSameInputs],
  [NAMES.classifierDecoded, NAMES.mlpDecoded],
  [NAMES.supervised, NAMES.classifierDecoded],
  [NAMES.outcomeOnly, NAMES.supervised],
  [NAMES.stepWise, NAMES.outcomeOnly],
  [NAMES.stepWise, NAMES.supervised],
  [NAMES.stepWise, NAMES.classifierDecoded],
  [NAMES.stepWise, NAMES.classifier],
  [NAMES.stepWise, NAMES.mlp],
  [NAMES.stepWise, NAMES.mlpDecoded],
  [NAMES.stepWise, NAMES.normalised],
  [NAMES.expectedCredit, NAMES.classifierDecoded],
  [NAMES.expectedCredit, NAMES.classifier],
  [NAMES.expectedCredit, NAMES.stepWise],
  [NAMES.expectedCredit, NAMES.mlpDecoded],
  [NAMES.expectedCredit, NAMES.mlp],
  [withHabitsName(NAMES.classifier), withHabitsName(NAMES.mlp)],
  [withHabitsName(NAMES.classifier), NAMES.mlp],
];
const FRONTS_COMPARED: readonly (readonly [string, string])[] = [
  [NAMES.classifierDecoded, NAMES.mlpDecoded],
  [NAMES.expectedCredit, NAMES.mlpDecoded],
  [NAMES.stepWise, NAMES.mlpDecoded],
  [NAMES.stepWise, NAMES.classifierDecoded],
  [NAMES.stepWise, NAMES.expectedCredit],
  [NAMES.expectedCredit, NAMES.classifierDecoded],
];

/** The measured pairs of a list of pairs of names. */
function measured<Item extends { readonly name: string }>(
  pairs: readonly (readonly [string, string])[],
  items: readonly Item[],
): (readonly [Item, Item])[] {
  const named = (name: string): Item | undefined => items.find((item) => item.name === name);
  return pairs.flatMap(([left, right]) => {
    const [a, b] = [named(left), named(right)];
    return a && b ? [[a, b] as const] : [];
  });
}

async function measureTasks(): Promise<DevelopmentReport['tasks']> {
  if (chosenTasks.length === 0) return null;
  const cases = await taskCases(runs);
  const results = [];
  for (const row of chosenTasks) {
    const result = await measureTask(row, (seed) => row.open(runs, seed), cases);
    results.push(result);
    const { completion, extras, foreign } = result;
    log(
      `${row.name}: recall@5 ${completion?.recallAt5.mean.toFixed(4) ?? '–'}, ` +
        `MRR ${completion?.reciprocalRank.mean.toFixed(4) ?? '–'}; ` +
        `AUC of extras ${extras.pooledArea.mean.toFixed(4)}, foreign ${foreign.pooledArea.mean.toFixed(4)}`,
    );
  }
  const pairs = chosenTasks.map(({ name }) => [TASK_REFERENCE, name] as const);
  return {
    rows: results,
    comparisons: measured(
      pairs.filter(([a, b]) => a !== b),
      results,
    ).map(([a, b]): Comparison => ({ title: titleOf(a.name, b.name), values: compareTasks(a, b) })),
    completionCases: cases.completion.hidden.length,
    extraCases: cases.extras.lists.length,
    foreignCases: cases.foreign.lists.length,
  };
}

function titleOf(a: string, b: string): string {
  return `${a} against ${b}`.replaceAll('tasks: ', '');
}

const protocol: Protocol = {
  corpus: 'NAMCS 1995–2009, visits with a diagnosis or chronic flag and at least two formulary drugs',
  split:
    part === 'test'
      ? 'trained on 1995–2008 without validation clinicians, tested on 2009'
      : 'trained on 1995–2008 without validation clinicians, measured on those clinicians',
  formularySize: formulary.length,
  interactionTable: knowledge.interactionVersion,
  severityCut: EVALUATION_SEVERITY,
};
const shipped = rows.find(({ name }) => name === SHIPPED_ROW);
const given = process.argv.slice(2).map((word) => (/[\s;]/.test(word) ? `'${word}'` : word));
const report: DevelopmentReport = {
  title:
    part === 'test'
      ? 'Development test: train 1995–2008, test 2009'
      : 'Validation clinicians: train 1995–2008',
  createdAt: new Date().toISOString(),
  command: given.length === 0 ? 'npm run report' : `npm run report -- ${given.join(' ')}`,
  hardware: hardware(threads),
  corpusSha256: fileHash(CORPUS),
  caution:
    part === 'test'
      ? 'Settings and thresholds were chosen on validation clinicians and on a temporal validation (train 1995–2007, look at\n2008), never on the test year. Numbers are comparable within this report only.'
      : 'For development: thresholds and settings were chosen on the very visits that are measured here.',
  protocol,
  visits: { train: plain.train.visits, validation: plain.validation.visits, test: plain.test.visits },
  rows,
  comparisons: measured(COMPARED, rows).map(([a, b]) => ({
    title: titleOf(a.name, b.name),
    values: compareRows(a, b),
  })),
  truth: safetyOf(truth.test, runs.pairs),
  fronts,
  frontComparisons: measured(FRONTS_COMPARED, fronts).map(([a, b]): FrontComparison => compareFronts(a, b)),
  tasks: await measureTasks(),
  groups: shipped
    ? { row: shipped.name, values: measureGroups(shipped, groups, truth.test, runs.pairs) }
    : null,
  later: plain.later && {
    protocol: {
      ...protocol,
      corpus: 'NAMCS 2016 (ICD-10-CM cut to four characters), the same selection of visits',
      split: `the weights of the development test, ${plain.later.visits} visits`,
    },
    rows: laterRows,
    truth: safetyOf(plain.later.truth, runs.pairs),
  },
};

/** A part of the rows must not overwrite the whole report by accident. */
const whole = part === 'test' && only === undefined;
const out = flags.out ?? (whole ? join(ROOT, 'docs/reports') : join(flags.cache, 'report'));
const name = part === 'test' ? 'development-2009' : 'validation-clinicians';
writeReport(out, name, report);
log(`written: ${join(out, name)}.md, .json and .svg`);

if (flags.pack !== undefined) {
  writeCard(join(ROOT, flags.pack), report, SHIPPED_ROW);
  log(`written: the measurements and the model card of ${basename(flags.pack)}`);
}
