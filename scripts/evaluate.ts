/**
 * `npm run evaluate`: trains the baselines and π_cls on 1995–2008, tests them once on 2009, and writes docs/reports.
 * Trained weights are kept in .cache/evaluation; `--fresh` trains everything again, `--only 'a;b'` limits the rows,
 * `--pack models/<name>` writes the means of π_cls into that pack's manifest.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  hasProblem,
  type LabelledVisit,
  readLabelledVisits,
  restrictToFormulary,
  type SplitOptions,
} from '../src/flame/corpus.ts';
import type { FeatureFamily } from '../src/flame/features.ts';
import { decodingPairs, recordedPairs } from '../src/flame/formulary-pairs.ts';
import { measureFront } from '../src/flame/front.ts';
import { type DrugLists, safetyOf } from '../src/flame/metrics.ts';
import { updatePackMeasurements } from '../src/flame/model-pack.ts';
import { PLAIN_FAMILIES } from '../src/flame/prepare.ts';
import { FLAME_CLASSIFIER, LOGISTIC, MLP, MLP_SAME_INPUTS, type ModelRecipe } from '../src/flame/settings.ts';
import { fileHash, hardware } from '../src/flame/train-classifier.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { EVALUATION_SEVERITY } from '../src/shared/domain.ts';
import type { Protocol } from '../src/shared/recommendation.ts';
import { compareRows, measureSeed, type RowResult, summarise } from './evaluation/measure.ts';
import { type DevelopmentReport, type Front, writeReport } from './evaluation/report.ts';
import {
  countingRun,
  networkRun,
  prepareAll,
  preparedFor,
  type Runs,
  type Scored,
} from './evaluation/runs.ts';

const ROOT = join(import.meta.dirname, '..');
const CORPUS = join(ROOT, 'data/visits/namcs-1995-2009.jsonl.gz');
const LATER_SURVEY = join(ROOT, 'data/visits/namcs-2016.jsonl.gz');
const SEEDS = [1, 2, 3];

interface Row {
  readonly name: string;
  readonly families: readonly FeatureFamily[];
  readonly note: string;
  readonly seeds: readonly number[];
  readonly run: (runs: Runs, later: readonly LabelledVisit[], seed: number) => Promise<Scored>;
}

const { values: flags } = parseArgs({
  options: {
    fresh: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string' },
    pack: { type: 'string' },
  },
});

const only = flags.only?.split(';');
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const split: SplitOptions = { trainYears: [1995, 2008], testYear: 2009 };
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));

const without = (family: string): ModelRecipe => ({
  ...FLAME_CLASSIFIER,
  families: FLAME_CLASSIFIER.families.filter((one) => one !== family),
});
const network = (name: string, note: string, recipe: ModelRecipe, seeds: readonly number[]): Row => ({
  name,
  note,
  seeds,
  families: recipe.families,
  run: (runs, later, seed) => networkRun(runs, name, recipe, seed, { extra: later }),
});

const ROWS: readonly Row[] = [
  {
    name: 'frequency',
    note: 'every visit gets each drug’s share of training visits',
    seeds: [1],
    families: PLAIN_FAMILIES,
    run: (runs) => Promise.resolve(countingRun(runs, 'frequency')),
  },
  {
    name: 'additive lift',
    note: 'mean over the visit’s codes of the share of visits with the code that hold the drug, shrunk to the drug’s own share',
    seeds: [1],
    families: PLAIN_FAMILIES,
    run: (runs) => Promise.resolve(countingRun(runs, 'lift')),
  },
  network('logistic regression', 'one weight for each code and drug', LOGISTIC, [1]),
  network('MLP', 'embedding bag 256 → 512, token dropout 0.15; codes and demographics', MLP, SEEDS),
  network(
    'MLP, same inputs',
    'the MLP with the year, code families and counts of π_cls: tells inputs from architecture',
    MLP_SAME_INPUTS,
    [1],
  ),
  network('π_cls', 'the shipped configuration', FLAME_CLASSIFIER, SEEDS),
  network('π_cls without hierarchy', 'no code families', without('hierarchy'), [1]),
  network('π_cls without year', 'no visit year', without('year'), [1]),
  network(
    'π_cls without drug features',
    'free drug embeddings only',
    { ...FLAME_CLASSIFIER, drugFeatures: false },
    [1],
  ),
  network(
    'π_cls without history',
    'no row shows medications; all rows train the recommendation alone',
    {
      ...FLAME_CLASSIFIER,
      families: FLAME_CLASSIFIER.families.filter((one) => !one.endsWith('-medication')),
      settings: { ...FLAME_CLASSIFIER.settings, revealCurrent: 0, revealPrevious: 0 },
    },
    [1],
  ),
];

const chosen = ROWS.filter(({ name }) => only?.includes(name) ?? true);
log('reading the visits');
const families = [PLAIN_FAMILIES, ...chosen.map((row) => row.families)];
const runs: Runs = {
  split,
  knowledge,
  prepared: await prepareAll(CORPUS, split, knowledge, families),
  cache: join(ROOT, '.cache/evaluation'),
  fresh: flags.fresh,
  log,
};
const plain = preparedFor(runs, PLAIN_FAMILIES);
const formulary = plain.vocabulary.formulary;
const pairs = recordedPairs(formulary, knowledge);
const barred = decodingPairs(formulary, knowledge);
const later = restrictToFormulary((await readLabelledVisits(LATER_SURVEY)).filter(hasProblem), formulary);
const rows: RowResult[] = [];
const laterRows: RowResult[] = [];
const fronts: Front[] = [];
const labels = new Map(formulary.map((drug, label) => [drug, label]));
const labelled = (visits: readonly LabelledVisit[]): DrugLists =>
  visits.map((visit) => visit.drugs.map((drug) => labels.get(drug)!));
const laterTruth = labelled(later);

for (const { name, note, seeds, run } of chosen) {
  const results = [];
  const laterResults = [];
  let cost = { seconds: 0, parameters: 0 };
  for (const seed of seeds) {
    const { validation, test, extra, seconds, parameters } = await run(runs, later, seed);
    cost = { seconds: cost.seconds + seconds / seeds.length, parameters };
    results.push(measureSeed(validation, plain.validation.truth, test, plain.test.truth, pairs));
    if (extra) laterResults.push(measureSeed(validation, plain.validation.truth, extra, laterTruth, pairs));
    if (seed === 1 && (name === 'MLP' || name === 'π_cls'))
      fronts.push({ name, points: measureFront(test, plain.test.truth, formulary, pairs, barred) });
  }
  const row = summarise(name, note, results, cost);
  rows.push(row);
  if (laterResults.length > 0) laterRows.push(summarise(name, note, laterResults, cost));
  const { jaccardThreshold, jaccardSet, f1Set, prauc } = row.mean;
  log(
    `${name}: Jaccard ${jaccardThreshold.toFixed(4)} / ${jaccardSet.toFixed(4)}, F1 ${f1Set.toFixed(4)}, PRAUC ${prauc.toFixed(4)}`,
  );
}

const protocol: Protocol = {
  corpus: 'NAMCS 1995–2009, visits with a diagnosis or chronic flag and at least two formulary drugs',
  split: 'trained on 1995–2008 without validation clinicians, tested on 2009',
  formularySize: formulary.length,
  interactionTable: knowledge.interactionVersion,
  severityCut: EVALUATION_SEVERITY,
};
const rowNamed = (name: string): RowResult | undefined => rows.find((row) => row.name === name);
const flame = rowNamed('π_cls');
const report: DevelopmentReport = {
  createdAt: new Date().toISOString(),
  command: flags.only === undefined ? 'npm run evaluate' : `npm run evaluate -- --only '${flags.only}'`,
  hardware: hardware(2),
  corpusSha256: fileHash(CORPUS),
  protocol,
  visits: { train: plain.train.visits, validation: plain.validation.visits, test: plain.test.visits },
  rows,
  comparisons: ['MLP', 'MLP, same inputs'].flatMap((name) => {
    const other = rowNamed(name);
    return flame && other ? [{ title: `π_cls against ${name}`, values: compareRows(flame, other) }] : [];
  }),
  truth: safetyOf(plain.test.truth, pairs),
  fronts,
  secondary: {
    protocol: {
      ...protocol,
      corpus: 'NAMCS 2016 (ICD-10-CM cut to four characters), the same selection of visits',
      split: `the weights of the development test, ${later.length} visits`,
    },
    rows: laterRows,
    truth: safetyOf(laterTruth, pairs),
  },
};
writeReport(flags.out ?? join(ROOT, 'docs/reports'), 'development-2009', report);
log('written: docs/reports/development-2009.md, .json and .svg');

if (flags.pack !== undefined && flame) {
  const split = `${protocol.split}; the same recipe as this pack, which is trained on 1995–2009 itself`;
  updatePackMeasurements(join(ROOT, flags.pack), {
    metrics: { protocol: { ...protocol, split }, seeds: flame.seeds, values: { ...flame.mean } },
  });
  log(`written: the measurements of ${flags.pack}`);
}
