/**
 * Measures exports of a store with decisions, each format in a process of its own: `npm run bench:export -- [visits]
 * [decisions]` (100,000 visits of 20,000 patients and 5,000 decisions by default). Reports seconds, visits a second, the size of
 * the file and the largest memory, with the load beside it. Asserts nothing.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exportRecords } from '../src/engine/exports/export-records.ts';
import { openProfile } from '../src/engine/profile.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { EXPORT_FORMAT_NAMES, type ExportFormat } from '../src/shared/export-api.ts';
import { fillProfile } from './scale/fill.ts';

const root = resolve(import.meta.dirname, '..');
const VISITS_EACH = 5;
const PASSPHRASE = 'correct horse battery';

async function child(profile: string, format: ExportFormat, encrypted: boolean): Promise<void> {
  const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
  const { db, key } = await openProfile({ folder: profile });
  const before = process.resourceUsage().maxRSS / 1024;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { visits, records, bytes } = await exportRecords(
    join(profile, `../${format}.out`),
    {
      format,
      from: null,
      to: null,
      demo: false,
      patientId: null,
      passphrase: encrypted ? PASSPHRASE : null,
    },
    { db, knowledge, key, actor: 'bench' },
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  db.close();
  // Linux counts in KiB, whatever Node's documentation says of other systems.
  const most = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(
    `${visits} visits, ${records} records, ${(bytes / 1e6).toFixed(0)} MB; ${seconds.toFixed(1)} s, ` +
      `${(visits / seconds).toFixed(0)} visits/s, ${((user + system) / 1e6).toFixed(1)} s of processor time; ` +
      `largest memory ${most.toFixed(0)} MiB (${before.toFixed(0)} MiB before the export)`,
  );
}

function measure(profile: string, format: ExportFormat, encrypted: boolean): void {
  const args = [import.meta.filename, 'child', profile, format, encrypted ? 'encrypted' : 'clear'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(', ');
  console.log(`${format}${encrypted ? ', encrypted' : ''}: ${stdout}; load average ${load}`);
}

const [first = '100000', second = '5000', third = '', fourth = ''] = process.argv.slice(2);
if (first === 'child') await child(second, third as ExportFormat, fourth === 'encrypted');
else {
  const folder = mkdtempSync(join(tmpdir(), 'flame-bench-export-'));
  try {
    const profile = join(folder, 'profile');
    const patients = Math.ceil(Number(first) / VISITS_EACH);
    const decisions = Number(second);
    await fillProfile(profile, root, { patients, visitsEach: VISITS_EACH, decisions, auditEntries: 0 });
    console.log(`${cpus()[0]?.model ?? ''}, ${cpus().length} cores; ${first} visits, ${second} decisions`);
    for (const format of EXPORT_FORMAT_NAMES) measure(profile, format, false);
    measure(profile, 'fhir-ndjson', true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
