/**
 * `npm run test:kills`: fifty SIGKILLs of a training, its engine and its app at random moments, each resumed model compared
 * with an uninterrupted one. FLAME_KILLS=n for another number. Takes about a quarter of an hour.
 */
import { join } from 'node:path';
import { ROOT, run } from './lib/process.mjs';

const env = { ...process.env, FLAME_KILLS: process.env.FLAME_KILLS ?? '50' };
process.exitCode = await run(
  [process.execPath, join(ROOT, 'scripts/e2e.mjs'), 'finetune-kills.e2e.ts', ...process.argv.slice(2)],
  { env },
);
