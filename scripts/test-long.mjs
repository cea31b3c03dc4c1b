/**
 * `npm run test:long [-- files]`: the tests that CI runs in a short form (faults, hostile calls, odd values), twenty times as long.
 * FLAME_LONG=n for another factor.
 */
import { run, tool } from './lib/process.mjs';

const files = process.argv.slice(2);
const env = { ...process.env, FLAME_LONG: process.env.FLAME_LONG ?? '20' };
const chosen =
  files.length > 0
    ? files
    : ['tests/faults', 'tests/contract/hostile-calls.test.ts', 'tests/importers/odd-values.test.ts'];
process.exitCode = await run([...tool('vitest', 'vitest.mjs'), 'run', '--reporter=verbose', ...chosen], {
  env,
});
