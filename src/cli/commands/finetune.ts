/** `flame finetune`: report on, train on, export and bring back, from a file of visits. The work is src/flame/local's. */

import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { controlOf } from '../../flame/local/control.ts';
import { dataReport } from '../../flame/local/data-report.ts';
import { exportTraining, importAdapter } from '../../flame/local/exchange.ts';
import { finetune } from '../../flame/local/finetune.ts';
import type { LocalManifest } from '../../flame/local/local-model.ts';
import { type DatedVisit, splitVisits, type VisitSplit } from '../../flame/local/split-visits.ts';
import { type ModelPack, readModelPack, SHIPPED_PACK } from '../../flame/model-pack.ts';
import { respelled, withEarlierVisits } from '../../flame/site/patient-history.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { FlameError } from '../../shared/errors.ts';
import {
  DEFAULT_SETTINGS,
  type DataReport,
  type FinetuneProfile,
  type FinetuneSettings,
  PROFILES,
} from '../../shared/finetune.ts';
import type { DrugId } from '../../shared/ids.ts';
import { counted, duration, percent, ProgressLine, table, writeJson, writeLines } from '../output.ts';
import { defaultProfile, interruptible, openKnowledge, PATHS } from '../setup.ts';
import { readAllVisits } from '../visit-file.ts';

interface Options {
  readonly json?: boolean;
  readonly visits: string;
  readonly pack: string;
  readonly model: string;
  readonly profile: FinetuneProfile;
  readonly threads: number;
  readonly seed: number;
  readonly out?: string;
  readonly to?: string;
  readonly adapter?: string;
}

export function finetuneCommand(): Command {
  const command = new Command('finetune')
    .description('train a local model on the visits of a site, and measure it')
    .exitOverride();
  common(
    command
      .command('report')
      .description('say what would be trained on, and why it could not be; trains nothing'),
  ).action(async (options: Options) => {
    const { report } = await prepared(options);
    if (options.json) writeJson(report);
    else writeLines(reportLines(report));
  });
  common(
    command
      .command('run')
      .description('train, measure on held-out visits, and write the model')
      .option('--model <name>', 'what the model is called', 'local')
      .option('--out <folder>', 'where the model is written; the models folder of the app unless said')
      .addHelpText('after', '\nCtrl-C stops after the step under way; the same command goes on from there.'),
  ).action(run);
  common(
    command
      .command('export')
      .description('write the training set and the base weights, to train an adapter elsewhere')
      .requiredOption('--to <folder>', 'a new folder'),
  ).action(async (options: Options) => {
    const { base, knowledge, split, report } = await prepared(options);
    refuseIfUnfit(report);
    const folder = resolve(options.to!);
    const written = exportTraining(folder, { base, knowledge, split });
    if (options.json) writeJson(written);
    else writeLines([`Wrote ${counted(written.files.length, 'file')} to ${folder}: see README.md there.`]);
  });
  common(
    command
      .command('import')
      .description('measure an adapter that was trained elsewhere on the same visits, and write the model')
      .requiredOption('--adapter <folder>', 'holds adapter_config.json and adapter_model.safetensors')
      .option('--model <name>', 'what the model is called', 'local')
      .option('--out <folder>', 'where the model is written; the models folder of the app unless said'),
  ).action(async (options: Options) => {
    const { base, knowledge, split, settings, report } = await prepared(options);
    refuseIfUnfit(report);
    const line = new ProgressLine();
    try {
      const { manifest } = await importAdapter(resolve(options.adapter!), {
        base,
        knowledge,
        split,
        settings,
        name: options.model,
        modelFolder: modelFolder(options),
        job: null,
        control: controlOf(interruptible()),
        onProgress: (done, all) => line.show(`measuring: ${done} of ${all}`),
      });
      line.end();
      if (options.json) writeJson(manifest);
      else writeLines(resultLines(manifest, modelFolder(options)));
    } finally {
      line.end();
    }
  });
  return command;
}

function common(command: Command): Command {
  return command
    .requiredOption('--visits <file>', 'JSON lines in the visit format, plain or gzip')
    .option('--pack <name>', 'model pack to start from', SHIPPED_PACK)
    .addOption(new Option('--profile <name>', 'how much is trained').choices(PROFILES).default('standard'))
    .option('--threads <number>', 'processor threads to train with', parseCount, DEFAULT_SETTINGS.threads)
    .option('--seed <number>', 'seed of every random choice', parseCount, DEFAULT_SETTINGS.seed)
    .option('--json', 'one JSON document on standard output');
}

async function run(options: Options): Promise<void> {
  const { base, knowledge, split, settings, report } = await prepared(options);
  refuseIfUnfit(report);
  const line = new ProgressLine();
  const { profile, seed, model } = options;
  const job = `${basename(options.visits)}-${profile}-${seed}`;
  const workFolder = join(PATHS.checkpoints, `finetune-${job}`);
  mkdirSync(PATHS.checkpoints, { recursive: true });
  try {
    const { manifest } = await finetune(
      { job, name: model, split, settings },
      {
        base,
        knowledge,
        workFolder,
        modelFolder: modelFolder(options),
        control: controlOf(interruptible()),
        onPoint: ({ stage, step, steps, values }) => {
          const shown = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(3)}`);
          line.show([`${stage}: ${step} of ${steps}`, ...shown].join(', '));
        },
      },
    );
    rmSync(workFolder, { recursive: true, force: true });
    line.end();
    if (options.json) writeJson(manifest);
    else writeLines(resultLines(manifest, modelFolder(options)));
  } finally {
    line.end();
  }
}

function modelFolder({ out, model }: Options): string {
  const folder = out === undefined ? join(defaultProfile(), 'models', model) : resolve(out);
  if (existsSync(folder))
    throw new FlameError('INVALID_INPUT', {
      problem: `${folder} exists already; give the model another name`,
    });
  return folder;
}

interface Prepared {
  readonly base: ModelPack;
  readonly knowledge: Knowledge;
  readonly split: VisitSplit;
  readonly settings: FinetuneSettings;
  readonly report: DataReport;
}

async function prepared({ visits: path, pack, profile, threads, seed }: Options): Promise<Prepared> {
  const knowledge = openKnowledge();
  const base = readModelPack(join(PATHS.models, pack));
  const spelling = new Map(base.vocabulary.formulary.map((drug) => [knowledge.drugs.canonical(drug), drug]));
  const spelled = (drug: DrugId): DrugId => {
    const canonical = knowledge.drugs.canonical(drug);
    return spelling.get(canonical) ?? canonical;
  };
  const { visits } = await readAllVisits(path, knowledge);
  const leftOut = { noDrugs: 0, noProblem: 0 };
  const usable = visits.flatMap(({ id, patient, date, context, drugs }): DatedVisit[] => {
    if (drugs.length === 0) leftOut.noDrugs += 1;
    else if (context.diagnoses.length + context.chronic.length === 0) leftOut.noProblem += 1;
    else {
      return [
        {
          id,
          patient: patient ?? id,
          date: date ?? null,
          context: respelled(context, spelled),
          drugs: [...new Set(drugs.map(spelled))],
        },
      ];
    }
    return [];
  });
  const settings: FinetuneSettings = { ...DEFAULT_SETTINGS, profile, threads, seed };
  const split = splitVisits(withEarlierVisits(usable));
  return {
    base,
    knowledge,
    split,
    settings,
    report: dataReport({ split, leftOut, base, knowledge, settings }),
  };
}

function refuseIfUnfit({ refusals: [refusal] }: DataReport): void {
  if (!refusal) return;
  const problem = `${refusal.reason} (${Number(refusal.found.toFixed(2))}, the limit is ${refusal.limit})`;
  throw new FlameError('FINETUNE_REFUSED', { problem });
}

function reportLines(report: DataReport): string[] {
  const { parts, newDrugs, estimate } = report;
  return [
    ...table([
      ['part', 'visits', 'patients', 'first', 'last'],
      ...(['train', 'validation', 'heldOut'] as const).map((part) => {
        const { visits, patients, first, last } = parts[part];
        return [part, String(visits), String(patients), first ?? '–', last ?? '–'];
      }),
    ]),
    '',
    `${report.drugs} drugs, of which the pack knows ${report.knownDrugs} (${percent(report.coverage)} of what was prescribed); ${counted(newDrugs.length, 'new drug')}, ${report.rareDrugs} too rare to learn.`,
    `Population stability index: drugs ${report.drugShift.toFixed(2)}, codes ${report.codeShift.toFixed(2)}.`,
    `Estimated: ${duration(estimate.seconds)}, ${(estimate.memory / 1e9).toFixed(1)} GB.`,
    ...report.refusals.map(
      ({ reason, found, limit }) =>
        `Refused: ${reason} (${Number(found.toFixed(2))}, the limit is ${limit}).`,
    ),
  ];
}

function resultLines({ name, version, evaluation, training }: LocalManifest, folder: string): string[] {
  if (!evaluation) return [];
  const three = (value: number): string => value.toFixed(3);
  return [
    `Wrote ${folder}: ${name} ${version}, in ${duration(training.seconds)}.`,
    `On ${evaluation.visits} held-out visits of ${counted(evaluation.patients, 'patient')}:`,
    '',
    ...table([
      ['lists by', 'Jaccard', '95 %', 'F1', 'PRAUC', 'DDI rate'],
      ...evaluation.rows.map(({ model, jaccard, f1, prauc, ddiRate }) => [
        model,
        three(jaccard.mean),
        `${three(jaccard.low)}–${three(jaccard.high)}`,
        three(f1.mean),
        prauc ? three(prauc.mean) : '–',
        ddiRate.mean.toFixed(4),
      ]),
    ]),
    '',
    ...evaluation.gates.map(
      ({ gate, passed, value, limit }) =>
        `${passed ? 'passed' : 'FAILED'}  ${gate} (${three(value)}, the limit is ${three(limit)})`,
    ),
  ];
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}
