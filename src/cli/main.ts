/** The `flame` command: parses the command line and reports errors. What a command does is in commands/. */

import { Command, CommanderError } from 'commander';
import { describeError, toWireError } from '../shared/errors.ts';
import { checkCommand } from './commands/check.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { importCommand } from './commands/import.ts';
import { modelsCommand } from './commands/models.ts';
import { recommendCommand } from './commands/recommend.ts';
import { trainCommand } from './commands/train.ts';
import { writeJson } from './output.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const program = new Command('flame')
  .description(
    'Offline medication recommendation with the interactions in view. Decision support, not a medical device.',
  )
  .showHelpAfterError('Run `flame help <command>` for what a command takes.')
  .exitOverride();

for (const command of [
  recommendCommand(),
  checkCommand(),
  evaluateCommand(),
  importCommand(),
  trainCommand(),
  modelsCommand(),
]) {
  program.addCommand(command.exitOverride());
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = report(thrown);
}

function report(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE; // it wrote the words itself
  const error = toWireError(thrown);
  const { title, action } = describeError(error.code, error.details);
  process.stderr.write(`flame: ${title}\n${action === '' ? '' : `       ${action}\n`}`);
  if (error.code === 'INTERNAL' && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
  if (process.argv.includes('--json')) writeJson({ error: { ...error, title, action } });
  return EXIT_FAILED;
}
