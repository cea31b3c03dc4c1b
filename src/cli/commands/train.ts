/** `flame train`: trains π_cls and π_list on the visit corpus and writes a model pack. The training itself is src/flame's. */

import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { summaryOf } from '../../engine/models/model.ts';
import { SHIPPED_PACK } from '../../flame/model-pack.ts';
import { trainPack, type TrainPackProgress } from '../../flame/train-pack.ts';
import { duration, ProgressLine, writeJson, writeLines } from '../output.ts';
import { interruptible, openKnowledge, PATHS } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly trainYears: readonly [number, number];
  readonly corpus: string;
  readonly pack: string;
  readonly seed: number;
  readonly threads?: number;
}

const STAGES = {
  reading: 'reading the corpus',
  encoding: 'encoding the visits',
  measuring: 'measuring on validation visits',
  writing: 'writing the pack',
} as const;

export function trainCommand(): Command {
  return new Command('train')
    .description('train the classifier and the list policy, and write a model pack')
    .option('--train-years <first-last>', 'years of the corpus to train on', parseYears, [
      1995, 2009,
    ] as const)
    .option('--corpus <file>', 'visits in the visit format', PATHS.corpus)
    .option('--pack <name>', 'name of the pack to write in the models folder', SHIPPED_PACK)
    .option('--seed <number>', 'seed of every random choice', parseInteger, 1)
    .option('--threads <number>', 'processor threads to train with; all unless said', parseInteger)
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nCtrl-C stops after the step under way; the same command goes on from there.')
    .action(async ({ json, trainYears, corpus, pack, seed, threads }: Options) => {
      const knowledge = openKnowledge();
      const line = new ProgressLine();
      mkdirSync(PATHS.checkpoints, { recursive: true });
      try {
        const manifest = await trainPack(
          {
            corpus: resolve(corpus),
            knowledge,
            directory: join(PATHS.models, pack),
            trainYears,
            seed,
            ...(threads === undefined ? {} : { threads }),
            checkpoint: join(PATHS.checkpoints, `${basename(pack)}-${trainYears.join('-')}-${seed}`),
          },
          (progress) => line.show(progressWords(progress)),
          interruptible(),
        );
        line.end();
        if (json) writeJson(summaryOf(manifest));
        else {
          const { name, version, training } = manifest;
          writeLines([
            `Wrote ${join(PATHS.models, pack)}: ${name} ${version}, ${training.formularySize} drugs, ` +
              `${training.visits} visits, ${duration(training.seconds)} on ${training.hardware}.`,
          ]);
        }
      } finally {
        line.end();
      }
    });
}

function progressWords(progress: TrainPackProgress): string {
  if (!('step' in progress)) return STAGES[progress.stage];
  const { stage, step, steps, secondsLeft } = progress;
  const values = 'loss' in progress ? { loss: progress.loss } : progress.values;
  const shown = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(3)}`);
  return [`${stage}: step ${step} of ${steps}`, ...shown, `${duration(secondsLeft)} left`].join(', ');
}

function parseYears(text: string): readonly [number, number] {
  const [, first, last] = /^(\d{4})-(\d{4})$/.exec(text) ?? [];
  if (first === undefined || last === undefined || first > last) {
    throw new InvalidArgumentError('Write two years, e.g. 1995-2009.');
  }
  return [Number(first), Number(last)];
}

function parseInteger(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}
