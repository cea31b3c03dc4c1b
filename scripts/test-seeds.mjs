/**
 * `npm run test:seeds [-- rounds]`: the files with property tests, each round with a seed that was not tried before; stops at the first
 * that fails and says its seed. FLAME_SEED=n npx vitest run repeats it.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { ROOT, run, tool } from './lib/process.mjs';

const rounds = Number(process.argv[2] ?? 1);
const grep = ['grep', '-l', "from 'fast-check'", '--', 'src/*.test.ts', 'tests/*.test.ts'];
const files = execFileSync('git', grep, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');

for (let round = 1; round <= rounds; round++) {
  const seed = randomInt(2 ** 31);
  console.log(`round ${round} of ${rounds}: FLAME_SEED=${seed}, ${files.length} files`);
  const env = { ...process.env, FLAME_SEED: String(seed) };
  const status = await run([...tool('vitest', 'vitest.mjs'), 'run', '--reporter=dot', ...files], { env });
  if (status !== 0) {
    console.error(`fails with FLAME_SEED=${seed}`);
    process.exitCode = status;
    break;
  }
}
