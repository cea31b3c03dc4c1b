/** Writes the development report as Markdown, JSON and SVG from what was measured. Measures nothing. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SafetySummary } from '../../src/flame/evaluation/metrics.ts';
import { type Protocol, protocolSentence } from '../../src/shared/recommendation.ts';
import type { Front, FrontComparison } from './fronts.ts';
import type { GroupResult } from './groups.ts';
import { estimate, four, MEASURE_WORDS, PARTITION_WORDS, signed, summary, table } from './markdown.ts';
import { type Difference, type Measure, MEASURES, type RowResult } from './measure.ts';
import { calibrationPlot, frontPlot } from './plots.ts';
import type { TaskResult } from './tasks.ts';
import { COMPLETION_MEASURES } from '../../src/flame/tasks/completion.ts';

export interface Comparison {
  readonly title: string;
  readonly values: readonly Difference[];
}

export interface DevelopmentReport {
  readonly title: string;
  readonly createdAt: string;
  readonly command: string;
  readonly hardware: string;
  readonly corpusSha256: string;
  /** How settings were chosen, and what the numbers may be compared with. */
  readonly caution: string;
  readonly protocol: Protocol;
  readonly visits: { readonly train: number; readonly validation: number; readonly test: number };
  readonly rows: readonly RowResult[];
  readonly comparisons: readonly Comparison[];
  readonly truth: SafetySummary;
  readonly fronts: readonly Front[];
  readonly frontComparisons: readonly FrontComparison[];
  readonly tasks: {
    readonly rows: readonly TaskResult[];
    readonly comparisons: readonly Comparison[];
    readonly completionCases: number;
    readonly extraCases: number;
    readonly foreignCases: number;
  } | null;
  readonly groups: { readonly row: string; readonly values: readonly GroupResult[] } | null;
  readonly later: {
    readonly protocol: Protocol;
    readonly rows: readonly RowResult[];
    readonly truth: SafetySummary;
  } | null;
}

/** Kept in memory for intervals, too long for a file. */
const NOT_WRITTEN = new Set(['perVisit', 'ratesPerVisit']);

export function writeReport(directory: string, name: string, report: DevelopmentReport): void {
  mkdirSync(directory, { recursive: true });
  const json = JSON.stringify(report, (key, value: unknown) => (NOT_WRITTEN.has(key) ? undefined : value), 1);
  writeFileSync(join(directory, `${name}.json`), `${json}\n`);
  writeFileSync(join(directory, `${name}.md`), markdown(name, report));
  if (report.fronts.length > 0) writeFileSync(join(directory, `${name}-front.svg`), frontPlot(report.fronts));
  const calibration = calibrationPlot(report.rows);
  if (calibration !== null) writeFileSync(join(directory, `${name}-calibration.svg`), calibration);
}

/** The whole report; each section stands under its protocol. */
export function markdown(name: string, report: DevelopmentReport): string {
  const { protocol, visits } = report;
  const line = `*${protocolSentence(protocol)}.*`;
  return [
    `# ${report.title}`,
    '',
    `Written by \`${report.command}\` on ${report.createdAt.slice(0, 10)}. ${report.hardware}.`,
    `Corpus sha256 \`${report.corpusSha256}\`. ${visits.train} training, ${visits.validation} validation and ${visits.test} test visits.`,
    report.caution,
    '',
    ...accuracySection(report, line),
    ...comparisonSection('## Differences on the same visits', report.comparisons, line),
    ...costSection(name, report, line),
    ...frontSection(name, report, line),
    ...taskSection(report, line),
    ...groupSection(report, line),
    ...laterSection(report),
  ].join('\n');
}

function accuracySection({ rows }: DevelopmentReport, line: string): string[] {
  const used = MEASURES.filter((measure) => rows.some((row) => row.measures[measure]));
  return [
    '## Accuracy',
    '',
    line,
    '',
    'Mean over seeds ± standard deviation over seeds (no ± for one seed), 95 % bootstrap interval over visits in brackets.',
    'An own list is what a row proposes by itself, without either set rule.',
    '',
    measuresTable(rows, used, (measured, seeds) => summary(measured, seeds)),
    '',
    table(
      ['model', 'what it is'],
      rows.map((row) => [row.name, row.note]),
    ),
    '',
  ];
}

function comparisonSection(title: string, comparisons: readonly Comparison[], line: string): string[] {
  if (comparisons.length === 0) return [];
  return [
    title,
    '',
    line,
    '',
    'Mean difference with a 95 % paired bootstrap interval over visits, and the ratio of the means.',
    '',
    ...comparisons.flatMap(({ title: pair, values }) => [
      `**${pair}**`,
      '',
      table(
        ['measure', 'difference', '95 % interval', 'ratio'],
        values.map(({ measure, difference, low, high, ratio }) => [
          MEASURE_WORDS[measure] ?? measure,
          signed(difference),
          `[${signed(low)}, ${signed(high)}]`,
          ratio.toFixed(3),
        ]),
      ),
      '',
    ]),
  ];
}

function costSection(name: string, { rows, truth }: DevelopmentReport, line: string): string[] {
  const safety = (values: SafetySummary | null): string[] =>
    values
      ? [
          four(values.ddiRate),
          four(values.ddiRatePooled),
          `${(100 * values.visitsWithPair).toFixed(1)} %`,
          values.meanLength.toFixed(2),
        ]
      : ['–', '–', '–', '–'];
  const lists = rows.flatMap(({ name: model, safety: { set, own } }) => [
    ...(set ? [[model, 'expected-Jaccard set', ...safety(set)]] : []),
    ...(own ? [[model, 'own list', ...safety(own)]] : []),
  ]);
  return [
    '## Safety, calibration and cost',
    '',
    line,
    '',
    'DDI rates as mean over visits, and pooled over all pairs. Rates are lower bounds: a drug that no table covers never',
    'counts.',
    '',
    table(
      ['model', 'list', 'DDI rate', 'DDI rate, pooled', 'visits with a pair', 'mean length'],
      [...lists, ['the clinicians', 'as prescribed', ...safety(truth)]],
    ),
    '',
    table(
      ['model', 'calibration error', 'threshold', 'parameters', 'training time a seed', 'seeds', 'hardware'],
      rows.map((row) => [
        row.name,
        row.calibrationError?.toFixed(5) ?? '–',
        row.thresholds.length === 0 ? '–' : row.thresholds.map((value) => value.toFixed(2)).join(', '),
        row.cost.parameters === 0 ? 'counts' : row.cost.parameters.toLocaleString('en-US'),
        row.cost.seconds === 0 ? '–' : `${row.cost.seconds.toFixed(0)} s`,
        String(row.seeds),
        row.cost.hardware || '–',
      ]),
    ),
    '',
    'Times were taken while other work ran on the same machine; a run that was interrupted counts its last leg only.',
    '',
    ...(calibrationPlot(rows) === null ? [] : [`![Calibration](${name}-calibration.svg)`, '']),
  ];
}

function frontSection(name: string, report: DevelopmentReport, line: string): string[] {
  const { fronts, frontComparisons } = report;
  if (fronts.length === 0) return [];
  return [
    '## Accuracy against interactions',
    '',
    line,
    '',
    'Lists at each position of the slider: α = 0 is accuracy, α = 1 allows no interacting pair. Pairs of severity 4 and',
    'duplicate therapy are never listed. Means over seeds.',
    '',
    ...fronts.flatMap(({ name: model, seeds, points }) => [
      `**${model}**, ${seeds === 1 ? '1 seed' : `${seeds} seeds`}`,
      '',
      table(
        ['α', 'Jaccard', 'DDI rate', 'mean length'],
        points.map((point) => [
          point.alpha.toFixed(1),
          four(point.jaccard),
          four(point.interactionRate),
          point.meanLength.toFixed(2),
        ]),
      ),
      '',
    ]),
    ...frontComparisons.flatMap(frontComparison),
    `![Front](${name}-front.svg)`,
    '',
  ];
}

function frontComparison({ above, below, levels, strictlyAbove }: FrontComparison): string[] {
  if (strictlyAbove === null) return [`**${above} against ${below}**: the fronts share no DDI rate.`, ''];
  const { interactionRate, difference, low, high } = levels.reduce((a, b) =>
    b.difference < a.difference ? b : a,
  );
  return [
    `**${above} against ${below} at equal DDI rate**: ${strictlyAbove ? 'above' : 'not above'} at every rate that both fronts span. ` +
      `Smallest difference in Jaccard ${signed(difference)} [${signed(low)}, ${signed(high)}], at DDI rate ${four(interactionRate)}.`,
    '',
  ];
}

function taskSection({ tasks }: DevelopmentReport, line: string): string[] {
  if (!tasks) return [];
  return [
    '## Completion and error finding',
    '',
    line,
    '',
    `Completion: one drug of each list is hidden (${tasks.completionCases} lists, drawn once for all rows), the rest is shown, and`,
    'the formulary without the shown drugs is ranked.',
    '',
    table(
      ['model', 'seeds', 'recall@1', 'recall@5', 'recall@10', 'mean reciprocal rank'],
      tasks.rows.flatMap((row) => {
        const { completion } = row;
        return completion
          ? [
              [
                taskName(row.name),
                String(row.seeds),
                ...COMPLETION_MEASURES.map((measure) => summary(completion[measure], row.seeds)),
              ],
            ]
          : [];
      }),
    ),
    '',
    'Error finding: one wrong drug is inserted into each list and has to be told from the clinician’s own by a removal score;',
    'area under the ROC curve over all pairs of visit and drug, and within each visit, averaged. **Extras** are drawn from the',
    'expected-Jaccard list of π_cls, seed 1, where the clinician did not prescribe them',
    `(${tasks.extraCases} lists have one): plausible by construction, hardest for π_cls itself, and some of them no clinician would`,
    'call wrong. They are likelier at the visit than most of what was prescribed, so a score that only asks how likely a drug is',
    `falls below 0.5. **Foreign drugs** are drawn as often as training visits use them, whatever the visit is (${tasks.foreignCases} lists).`,
    '',
    table(
      [
        'model',
        'seeds',
        'extras, AUC over all pairs',
        'extras, AUC within visits',
        'foreign drugs, AUC over all pairs',
        'foreign drugs, AUC within visits',
      ],
      tasks.rows.map((row) => [
        taskName(row.name),
        String(row.seeds),
        ...[row.extras, row.foreign].flatMap(({ pooledArea, visitArea }) => [
          summary(pooledArea, row.seeds),
          summary(visitArea, row.seeds),
        ]),
      ]),
    ),
    '',
    table(
      ['model', 'what it sees'],
      tasks.rows.map((row) => [taskName(row.name), row.note]),
    ),
    '',
    ...comparisonSection('### Differences on the same lists', tasks.comparisons, line),
  ];
}

function taskName(name: string): string {
  return name.replace(/^tasks: /, '');
}

function groupSection({ groups }: DevelopmentReport, line: string): string[] {
  if (!groups) return [];
  return ['## Subgroups', '', line, '', ...groupTables(groups.row, groups.values)];
}

/** The subgroup tables with what they are about, for the report and the model card. */
export function groupTables(row: string, values: readonly GroupResult[]): string[] {
  const partitions = [...new Set(values.map(({ partition }) => partition))];
  return [
    `Of ${row}: its lists and scores, 95 % bootstrap intervals over the visits of the group.`,
    '',
    ...partitions.flatMap((partition) => [
      table(
        [PARTITION_WORDS[partition], 'visits', 'Jaccard', 'PRAUC', 'DDI rate', 'clinicians’ DDI rate'],
        values
          .filter((one) => one.partition === partition)
          .map(({ group, visits, jaccard, prauc, ddiRate, truthDdiRate }) => [
            group,
            visits.toLocaleString('en-US'),
            estimate(jaccard),
            prauc ? estimate(prauc) : '–',
            estimate(ddiRate),
            four(truthDdiRate),
          ]),
      ),
      '',
    ]),
  ];
}

function laterSection({ later }: DevelopmentReport): string[] {
  if (!later || later.rows.length === 0) return [];
  const { protocol, rows, truth } = later;
  const used = MEASURES.filter((measure) => rows.some((row) => row.measures[measure]));
  return [
    '## Secondary: another coding system, seven years later',
    '',
    `*${protocolSentence(protocol)}.*`,
    '',
    'The same weights and thresholds; ICD-10 codes are read through the ICD-9 families. The 2016 form has room for 30 drugs',
    'and asks for more chronic conditions, so its lists are longer than any in training.',
    `The clinicians' own lists: DDI rate ${four(truth.ddiRate)}, mean length ${truth.meanLength.toFixed(2)}.`,
    '',
    measuresTable(rows, used, (measured) => (measured ? four(measured.mean) : '–')),
    '',
  ];
}

/** One line a row, one column a measure. */
function measuresTable(
  rows: readonly RowResult[],
  used: readonly Measure[],
  cell: (measured: RowResult['measures'][Measure], seeds: number) => string,
): string {
  return table(
    ['model', 'seeds', ...used.map((measure) => MEASURE_WORDS[measure]!)],
    rows.map((row) => [
      row.name,
      String(row.seeds),
      ...used.map((measure) => cell(row.measures[measure], row.seeds)),
    ]),
  );
}
