/** `npm run types`: the type checker over every room with that room's own libraries, Svelte components included. */
import { run, tool } from './lib/process.mjs';

const PROJECTS = [
  'tsconfig.json',
  'tsconfig.tests.json',
  'src/shared/tsconfig.json',
  'tests/e2e/tsconfig.json',
];

let failed = 0;
for (const project of PROJECTS) {
  if ((await run([...tool('typescript', 'bin/tsc'), '--noEmit', '-p', project])) !== 0) failed++;
}
const svelteCheck = [...tool('svelte-check', 'bin/svelte-check'), '--tsconfig', 'src/renderer/tsconfig.json'];
if ((await run([...svelteCheck, '--fail-on-warnings', '--output', 'human'])) !== 0) failed++;
process.exitCode = failed === 0 ? 0 : 1;
