/** `npm run ready`: everything a change must pass, cheapest first; stops at the first failure and says what took how long. */
import { join } from 'node:path';
import { ROOT, run, tool } from './lib/process.mjs';

const script = (name) => [process.execPath, join(ROOT, 'scripts', name)];
const STEPS = [
  ['format', [...tool('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['lint', [...tool('eslint', 'bin/eslint.js'), '.', '--max-warnings', '0']],
  ['types', script('types.mjs')],
  ['unit', [...tool('vitest', 'vitest.mjs'), 'run']],
  ['end to end', script('e2e.mjs')],
];

const summary = [];
let failed = null;
for (const [name, command] of STEPS) {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const status = await run(command);
  summary.push(
    `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  if (status !== 0) {
    failed = name;
    break;
  }
}
console.log(`\n${summary.join('\n')}`);
console.log(failed === null ? 'ready' : `not ready: ${failed}`);
process.exitCode = failed === null ? 0 : 1;
