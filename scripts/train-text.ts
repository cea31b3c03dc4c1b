/** `npm run train:text`: trains the small text backbone from the corpus rendered as text and writes it as a text model. */
import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { interruptible, openKnowledge, PATHS } from '../src/cli/setup.ts';
import { SMALL_TEXT } from '../src/flame/text/settings.ts';
import { readPretrained } from '../src/nn/pretrained/folder.ts';
import { quantisePretrained } from '../src/nn/pretrained/quantise.ts';
import { trainTextPack } from '../src/flame/text/train-pack.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(PATHS.models, 'flame-text-small') },
    corpus: { type: 'string', default: PATHS.corpus },
    years: { type: 'string', default: '1995-2008' },
    steps: { type: 'string' },
    visits: { type: 'string' },
    threads: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    /** A checkpoint folder to adapt with LoRA instead of training a small model; quantise it first with --int4. */
    base: { type: 'string' },
    rank: { type: 'string', default: '32' },
    int4: { type: 'string' },
    /** Tokens of context that a visit's note may take beside the rest. */
    'note-tokens': { type: 'string', default: String(SMALL_TEXT.noteTokens) },
  },
});
const [first, last] = values.years.split('-').map(Number) as [number, number];
const recipe = {
  ...SMALL_TEXT,
  noteTokens: Number(values['note-tokens']),
  ...(values.visits === undefined ? {} : { visits: Number(values.visits) }),
  imitation: {
    ...SMALL_TEXT.imitation,
    ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
  },
};
if (values.base !== undefined && values.int4 !== undefined) {
  const report = quantisePretrained(
    readPretrained(resolve(values.base)),
    resolve(values.int4),
    (done, total) => {
      process.stderr.write(`4 bits: ${done} of ${total}\n`);
    },
  );
  process.stderr.write(`${JSON.stringify(report)}\n`);
}
const base = values.int4 ?? values.base;
const rank = Number(values.rank);
mkdirSync(PATHS.checkpoints, { recursive: true });
const started = performance.now();
const manifest = await trainTextPack(
  {
    corpus: resolve(values.corpus),
    knowledge: openKnowledge(),
    directory: resolve(values.out),
    trainYears: [first, last],
    recipe,
    seed: Number(values.seed),
    checkpoint: join(PATHS.checkpoints, basename(values.out)),
    threads: Number(values.threads),
    ...(base === undefined ? {} : { base: { folder: resolve(base), rank, alpha: 2 * rank } }),
  },
  (stage, progress) => {
    const seconds = Math.round((performance.now() - started) / 1000);
    const figures = Object.entries(progress?.values ?? {}).map(
      ([name, value]) => `${name} ${value.toFixed(4)}`,
    );
    const place = progress
      ? ` ${progress.step}/${progress.steps}, ${Math.round(progress.secondsLeft)} s left`
      : '';
    process.stderr.write(`${seconds} s  ${stage}${place}  ${figures.join('  ')}\n`);
  },
  interruptible(),
);
process.stdout.write(`${manifest.name} ${manifest.version}: ${manifest.training.seconds} s\n`);
