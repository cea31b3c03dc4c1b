/** `npm test`: unit and contract tests, then the end-to-end tests in real Electron; ends with the sum of both. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, tool } from './lib/process.mjs';
import { countEndToEnd, countUnit, total } from './lib/report.mjs';
import { findRuntime } from './lib/runtime.mjs';

const reports = join(ROOT, '.cache/reports');
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const unitReport = join(reports, 'unit.json');
const endToEndReport = join(reports, 'e2e.json');

// Brings the software driver that WebGPU is tested on; what hinders it, the end-to-end tests say below.
await findRuntime().catch(() => undefined);

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`];
const unitStatus = await run([...tool('vitest', 'vitest.mjs'), 'run', ...reporters]);
const endToEndStatus = await run([process.execPath, join(ROOT, 'scripts/e2e.mjs')], {
  env: { ...process.env, FLAME_E2E_REPORT: endToEndReport },
});

const { passed, failed, skipped } = total([
  countUnit(unitReport, unitStatus),
  countEndToEnd(endToEndReport, endToEndStatus),
]);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
