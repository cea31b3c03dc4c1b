/** Writes the development report as Markdown, JSON and SVG from measured rows. Measures nothing. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SafetySummary } from '../../src/flame/metrics.ts';
import { type FrontPoint, type Protocol, protocolSentence } from '../../src/shared/recommendation.ts';
import type { Comparison, Measure, RowResult } from './measure.ts';
import { COLOURS, linePlot, type Series } from './plots.ts';

export interface Front {
  readonly name: string;
  readonly points: readonly FrontPoint[];
}

export interface DevelopmentReport {
  readonly createdAt: string;
  readonly command: string;
  readonly hardware: string;
  readonly corpusSha256: string;
  readonly protocol: Protocol;
  readonly visits: { readonly train: number; readonly validation: number; readonly test: number };
  readonly rows: readonly RowResult[];
  readonly comparisons: readonly { readonly title: string; readonly values: readonly Comparison[] }[];
  readonly truth: SafetySummary;
  readonly fronts: readonly Front[];
  readonly secondary: {
    readonly protocol: Protocol;
    readonly rows: readonly RowResult[];
    readonly truth: SafetySummary;
  } | null;
}

const COLUMNS: readonly (readonly [Measure, string])[] = [
  ['jaccardThreshold', 'Jaccard, threshold'],
  ['jaccardSet', 'Jaccard, expected-Jaccard set'],
  ['f1Threshold', 'F1, threshold'],
  ['f1Set', 'F1, set'],
  ['precisionSet', 'precision, set'],
  ['recallSet', 'recall, set'],
  ['prauc', 'PRAUC'],
  ['rPrecision', 'R-precision'],
];

export function writeReport(directory: string, name: string, report: DevelopmentReport): void {
  mkdirSync(directory, { recursive: true });
  const plain = JSON.stringify(report, (key, value: unknown) => (key === 'perVisit' ? undefined : value), 1);
  writeFileSync(join(directory, `${name}.json`), `${plain}\n`);
  writeFileSync(join(directory, `${name}.md`), markdown(name, report));
  writeFileSync(join(directory, `${name}-front.svg`), frontPlot(report.fronts));
  writeFileSync(join(directory, `${name}-calibration.svg`), calibrationPlot(report.rows));
}

function markdown(name: string, report: DevelopmentReport): string {
  const { protocol, visits, rows, comparisons, truth, fronts, secondary } = report;
  const line = `*${protocolSentence(protocol)}.*`;
  return [
    '# Development test: train 1995–2008, test 2009',
    '',
    `Written by \`${report.command}\` on ${report.createdAt.slice(0, 10)}. ${report.hardware}.`,
    `Corpus sha256 \`${report.corpusSha256}\`. ${visits.train} training, ${visits.validation} validation and ${visits.test} test visits.`,
    'Settings and thresholds were chosen on validation clinicians and on a temporal validation (train 1995–2007, look at',
    '2008), never on the test year. Numbers are comparable within this report only.',
    '',
    '## Accuracy',
    '',
    line,
    '',
    'Mean over seeds ± standard deviation over seeds (no ± for one seed), 95 % bootstrap interval over visits in brackets.',
    '',
    table(
      ['model', 'seeds', ...COLUMNS.map(([, title]) => title)],
      rows.map((row) => [
        row.name,
        String(row.seeds),
        ...COLUMNS.map(([measure]) => {
          const { low, high } = row.interval[measure];
          const spread = row.seeds > 1 ? ` ± ${row.deviation[measure].toFixed(4)}` : '';
          return `${row.mean[measure].toFixed(4)}${spread} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
        }),
      ]),
    ),
    '',
    table(
      ['model', 'what it is'],
      rows.map((row) => [row.name, row.note]),
    ),
    '',
    '## Differences on the same visits',
    '',
    line,
    '',
    'Mean difference with a 95 % paired bootstrap interval over visits, and the ratio of the means.',
    '',
    ...comparisons.flatMap(({ title, values }) => [
      `**${title}**`,
      '',
      table(
        ['measure', 'difference', '95 % interval', 'ratio'],
        values.map(({ measure, difference, low, high, ratio }) => [
          COLUMNS.find(([key]) => key === measure)![1],
          signed(difference),
          `[${signed(low)}, ${signed(high)}]`,
          ratio.toFixed(3),
        ]),
      ),
      '',
    ]),
    '## Safety, calibration and cost',
    '',
    line,
    '',
    `DDI rates of the expected-Jaccard lists: mean over visits, and pooled over all pairs. Rates are lower bounds: a drug that no table covers never counts. The clinicians' own lists: ${truth.ddiRate.toFixed(4)} over visits, ${truth.ddiRatePooled.toFixed(4)} pooled, ${(100 * truth.visitsWithPair).toFixed(1)} % of visits hold a pair, mean length ${truth.meanLength.toFixed(2)}.`,
    '',
    table(
      [
        'model',
        'DDI rate',
        'DDI rate, pooled',
        'visits with a pair',
        'mean length',
        'calibration error',
        'threshold',
        'parameters',
        'training time a seed',
      ],
      rows.map((row) => [
        row.name,
        row.safety.ddiRate.toFixed(4),
        row.safety.ddiRatePooled.toFixed(4),
        `${(100 * row.safety.visitsWithPair).toFixed(1)} %`,
        row.safety.meanLength.toFixed(2),
        row.calibrationError.toFixed(5),
        row.thresholds.map((threshold) => threshold.toFixed(2)).join(', '),
        row.parameters === 0 ? 'counts' : row.parameters.toLocaleString('en-US'),
        row.secondsPerSeed === 0 ? '–' : `${row.secondsPerSeed.toFixed(0)} s`,
      ]),
    ),
    '',
    'Times were taken while other work ran on the same machine; a run that was interrupted counts its last leg only.',
    '',
    `![Calibration](${name}-calibration.svg)`,
    '',
    '## Penalised greedy decoding',
    '',
    line,
    '',
    'Seed 1 of each model; α = 0 is accuracy, α = 1 allows no interacting pair. Pairs of severity 4 are never listed.',
    '',
    ...fronts.flatMap(({ name: model, points }) => [
      `**${model}**`,
      '',
      table(
        ['α', 'Jaccard', 'DDI rate', 'mean length'],
        points.map((point) => [
          point.alpha.toFixed(1),
          point.jaccard.toFixed(4),
          point.interactionRate.toFixed(4),
          point.meanLength.toFixed(2),
        ]),
      ),
      '',
    ]),
    `![Front](${name}-front.svg)`,
    '',
    ...(secondary ? secondarySection(secondary) : []),
  ].join('\n');
}

function secondarySection({ protocol, rows, truth }: NonNullable<DevelopmentReport['secondary']>): string[] {
  return [
    '## Secondary: another coding system, seven years later',
    '',
    `*${protocolSentence(protocol)}.*`,
    '',
    'The same weights and thresholds; ICD-10 codes are read through the ICD-9 families. The 2016 form has room for 30 drugs',
    'and asks for more chronic conditions, so its lists are longer than any in training.',
    `The clinicians' own lists: DDI rate ${truth.ddiRate.toFixed(4)}, mean length ${truth.meanLength.toFixed(2)}.`,
    '',
    table(
      ['model', 'seeds', ...COLUMNS.map(([, title]) => title)],
      rows.map((row) => [
        row.name,
        String(row.seeds),
        ...COLUMNS.map(([measure]) => row.mean[measure].toFixed(4)),
      ]),
    ),
    '',
  ];
}

function frontPlot(fronts: readonly Front[]): string {
  const colours = [COLOURS.orange, COLOURS.blue, COLOURS.grey];
  return linePlot({
    title: 'Accuracy against interactions, test year 2009',
    x: 'DDI rate (mean over visits)',
    y: 'Jaccard',
    series: fronts.map(({ name, points }, i): Series => ({
      name,
      colour: colours[i % colours.length]!,
      points: points.map(({ alpha, jaccard, interactionRate }) => ({
        x: interactionRate,
        y: jaccard,
        ...(alpha === 0 || alpha === 0.5 || alpha === 1 ? { label: `α ${alpha}` } : {}),
      })),
    })),
  });
}

function calibrationPlot(rows: readonly RowResult[]): string {
  const colours: Record<string, string> = { MLP: COLOURS.orange, π_cls: COLOURS.blue };
  return linePlot({
    title: 'Calibration, seed 1, test year 2009',
    x: 'predicted probability',
    y: 'observed share',
    diagonal: true,
    series: rows
      .filter(({ name }) => name in colours)
      .map(({ name, calibration }) => ({
        name,
        colour: colours[name]!,
        points: calibration.points
          .filter(({ count }) => count >= 50)
          .map(({ predicted, observed }) => ({ x: predicted, y: observed })),
      })),
  });
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(4)}`;
}
