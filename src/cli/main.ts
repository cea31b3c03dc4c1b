/** The `flame` command: parses the command line and reports errors. What a command does is in commands/. */

import { Command, CommanderError } from 'commander';
import { describeError, errorData, type WireError } from '../shared/errors.ts';
import { writeJson } from './output.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const program = new Command('flame')
  .description(
    'Offline medication recommendation with the interactions in view. Decision support, not a medical device.',
  )
  .showHelpAfterError('Run `flame help <command>` for what a command takes.')
  .exitOverride();

/** Loaded when asked for: checking two drugs needs no model runtime. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  recommend: async () => (await import('./commands/recommend.ts')).recommendCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  evaluate: async () => (await import('./commands/evaluate.ts')).evaluateCommand(),
  dataset: async () => (await import('./commands/dataset.ts')).datasetCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  export: async () => (await import('./commands/export.ts')).exportCommand(),
  decrypt: async () => (await import('./commands/export.ts')).decryptCommand(),
  finetune: async () => (await import('./commands/finetune.ts')).finetuneCommand(),
  train: async () => (await import('./commands/train.ts')).trainCommand(),
  audit: async () => (await import('./commands/audit.ts')).auditCommand(),
  devices: async () => (await import('./commands/devices.ts')).devicesCommand(),
  backup: async () => (await import('./commands/backup.ts')).backupCommand(),
  restore: async () => (await import('./commands/backup.ts')).restoreCommand(),
  accounts: async () => (await import('./commands/accounts.ts')).accountsCommand(),
  models: async () => (await import('./commands/models.ts')).modelsCommand(),
  note: async () => (await import('./commands/note.ts')).noteCommand(),
};

const named = COMMANDS[process.argv[2] ?? ''];
for (const load of named ? [named] : Object.values(COMMANDS)) {
  program.addCommand((await load()).exitOverride());
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = report(thrown);
}

function report(thrown: unknown): number {
  const json = process.argv.includes('--json');
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0; // help or version was asked for
    const problem = thrown.message.replace(/^error: /, '');
    if (json) writeError({ code: 'INVALID_INPUT', details: { problem } });
    return EXIT_USAGE; // commander wrote the words already
  }
  const error = errorData(thrown);
  const { title, action } = describeError(error.code, error.details);
  process.stderr.write(`flame: ${title}\n${action === '' ? '' : `       ${action}\n`}`);
  if (error.code === 'INTERNAL' && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
  if (json) writeError(error);
  return EXIT_FAILED;
}

function writeError(error: WireError): void {
  writeJson({ error: { ...error, ...describeError(error.code, error.details) } });
}
