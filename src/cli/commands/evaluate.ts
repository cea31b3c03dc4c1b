/** `flame evaluate`: METHOD section 5's metrics of a model on any file in the visit format, under their protocol. */

import { basename, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { kindOf } from '../../engine/models/model-kind.ts';
import { Classifier } from '../../flame/classifier/classifier.ts';
import { decode } from '../../flame/lists/decoding.ts';
import {
  type EvaluatedModel,
  evaluateVisits,
  type ListMetrics,
  type VisitEvaluation,
} from '../../flame/evaluation/evaluate-visits.ts';
import type { Interval, SafetySummary } from '../../flame/evaluation/metrics.ts';
import { PACK_FORMAT, readModelPack, SHIPPED_PACK } from '../../flame/model-pack.ts';
import { ListPolicy } from '../../flame/policy/list-policy.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { protocolSentence } from '../../shared/recommendation.ts';
import { openNamed } from '../open-model.ts';
import { counted, ProgressLine, table, writeJson, writeLines } from '../output.ts';
import { interruptible, openKnowledge, PATHS } from '../setup.ts';
import { readAllVisits } from '../visit-file.ts';

interface Options {
  readonly json?: boolean;
  readonly visits: string;
  readonly pack: string;
  readonly alpha?: number;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('measure a model on a file of visits that hold their drugs')
    .requiredOption('--visits <file>', 'JSON lines in the visit format, plain or gzip')
    .option('--pack <name>', 'model of any kind in the models folder', SHIPPED_PACK)
    .option(
      '--alpha <value>',
      'also decode for this position of the slider, 0 accuracy to 1 safety',
      parseAlpha,
    )
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nOne bad line refuses the file: numbers over a part of it would mislead.')
    .action(async ({ json, visits: path, pack, alpha }: Options) => {
      const knowledge = openKnowledge();
      const signal = interruptible();
      const line = new ProgressLine();
      const model = await openEvaluated(pack, knowledge);
      try {
        const file = await readAllVisits(path, knowledge, (lines) =>
          line.show(`${counted(lines, 'line')} read`),
        );
        const result = await evaluateVisits({
          visits: file.visits,
          corpus: basename(path),
          model,
          knowledge,
          signal,
          onProgress: (done, total) => line.show(`${done} of ${counted(total, 'visit')} scored`),
          ...(alpha === undefined ? {} : { alpha }),
        });
        line.end();
        const { name, version } = model;
        const unresolvedDrugs = [...file.unresolvedDrugs].map(([drug, count]) => ({ name: drug, count }));
        if (json) writeJson({ pack: { name, version }, ...result, unresolvedDrugs });
        else writeLines(linesOf(`${name} ${version}`, result, unresolvedDrugs.length));
      } finally {
        line.end();
        await model.close();
      }
    });
}

interface OpenEvaluated extends EvaluatedModel {
  readonly name: string;
  readonly version: string;
  close(): Promise<void>;
}

/** A compact pack scores many visits at once; other kinds one after the other. */
async function openEvaluated(pack: string, knowledge: Knowledge): Promise<OpenEvaluated> {
  const folder = join(PATHS.models, pack);
  if (kindOf(folder).format !== PACK_FORMAT) {
    const model = await openNamed(pack, knowledge);
    return {
      name: model.name,
      version: model.version,
      formulary: model.formulary,
      threshold: null,
      atOnce: 4,
      score: async (contexts) => {
        const scored = [];
        for (const context of contexts) scored.push(await model.score(context, ''));
        return scored;
      },
      lists: (context, problem) => model.lists(context, problem, ''),
      close: () => model.close(),
    };
  }
  const read = readModelPack(folder);
  const classifier = await Classifier.of(read, knowledge);
  const policy = await ListPolicy.of(read, knowledge);
  const { name, version, threshold } = read.manifest;
  return {
    name,
    version,
    formulary: classifier.formulary,
    threshold,
    atOnce: 256,
    score: (contexts) => classifier.score(contexts),
    lists: async (context, problem) =>
      policy ? await policy.lists(problem, classifier.encode(context)) : decode(problem),
    close: async () => {
      await policy?.close();
      await classifier.close();
    },
  };
}

function linesOf(pack: string, result: VisitEvaluation, unresolved: number): string[] {
  const { threshold, expectedJaccard, decoded, truth, intervals } = result;
  const lists: [string, ListMetrics][] = [
    ...(threshold === null
      ? []
      : ([[`threshold ${threshold.value.toFixed(2)}`, threshold]] as [string, ListMetrics][])),
    ['expected-Jaccard set', expectedJaccard],
    ...(decoded === null ? [] : ([[`slider at ${decoded.alpha}`, decoded]] as [string, ListMetrics][])),
  ];
  return [
    `Pack ${pack}`,
    `Protocol: ${protocolSentence(result.protocol)}. Intervals: 95 % bootstrap over visits.`,
    '',
    ...table([
      ['ranking', 'mean', '95 %'],
      ['PRAUC', four(result.prauc), interval(intervals.prauc)],
      ['R-precision', four(result.rPrecision), interval(intervals.rPrecision)],
    ]),
    '',
    ...table([
      ['list', 'Jaccard', '95 %', 'F1', '95 %', 'precision', 'recall'],
      ...lists.map(([name, m]) => [
        name,
        four(m.jaccard),
        interval(m.intervals.jaccard),
        four(m.f1),
        interval(m.intervals.f1),
        four(m.precision),
        four(m.recall),
      ]),
    ]),
    '',
    ...table([
      ['interactions', 'DDI rate over visits', 'pooled over pairs', 'visits with a pair', 'mean length'],
      ...lists.map(([name, m]) => [name, ...safety(m)]),
      ['the clinicians', ...safety(truth)],
    ]),
    '',
    `${counted(result.visitsWithUnknownCode, 'visit')} with a code that the model cannot read; ` +
      `${counted(unresolved, 'drug name')} that no table knows, left out of the truth.`,
  ];
}

function safety(summary: SafetySummary): string[] {
  const { ddiRate, ddiRatePooled, visitsWithPair, meanLength } = summary;
  return [four(ddiRate), four(ddiRatePooled), four(visitsWithPair), meanLength.toFixed(2)];
}

function four(value: number): string {
  return value.toFixed(4);
}

function interval({ low, high }: Interval): string {
  return `${four(low)}–${four(high)}`;
}

function parseAlpha(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Write a number from 0 to 1.');
  return value;
}
