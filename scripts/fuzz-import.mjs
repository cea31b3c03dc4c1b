/** `npm run fuzz:import -- [records]`: the importer fuzz at length, a million records by default. FLAME_FUZZ_SEED changes the course. */
import { run, tool } from './lib/process.mjs';

const [records = '1000000'] = process.argv.slice(2);
const env = { ...process.env, FLAME_FUZZ_RECORDS: records };
process.exitCode = await run([...tool('vitest', 'vitest.mjs'), 'run', 'tests/importers/fuzz.test.ts'], {
  env,
});
