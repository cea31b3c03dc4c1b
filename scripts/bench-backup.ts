/**
 * `npm run bench:backup`: how long others wait while a backup is made (100,000 visits unless told otherwise), against one
 * statement that copies and one that reads the copy back, as it was before. Measures; asserts nothing.
 *
 *   npm run bench:backup -- [--patients 10000] [--visits-each 10]
 */

import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { setUpAccounts } from '../src/engine/access/accounts.ts';
import { backUp } from '../src/engine/backup/back-up.ts';
import { openBackup } from '../src/engine/backup/backup-file.ts';
import { restoreBackup } from '../src/engine/backup/restore-backup.ts';
import { openProfile } from '../src/engine/profile.ts';
import { appendAudit } from '../src/engine/store/audit.ts';
import { copyStore } from '../src/engine/store/copy.ts';
import { listPatients } from '../src/engine/store/patients.ts';
import { noTitles } from '../src/engine/store/testing.ts';
import { fillProfile } from './scale/fill.ts';

const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '10000' },
    'visits-each': { type: 'string', default: '10' },
  },
});
const SECRET = 'a violet tractor sings';
const WORK_EVERY_MS = 20;
const root = resolve(import.meta.dirname, '..');
const base = mkdtempSync(join(tmpdir(), 'flame-backup-'));
const folder = join(base, 'profile');
const disk = join(base, 'disk');
mkdirSync(disk);

try {
  const amounts = { patients: Number(values.patients), visitsEach: Number(values['visits-each']) };
  await fillProfile(folder, root, { ...amounts, decisions: 100, auditEntries: 20_000 });
  const profile = await openProfile({ folder });
  const { db, key } = profile;
  const form = { name: 'Ada', title: '', roles: ['administrator'] } as const;
  await setUpAccounts({ profile, actor: 'ada', cost: 2 ** 10 }, form, SECRET);
  say(`${amounts.patients * amounts.visitsEach} visits, ${megabytes(db.file)} MB`);

  const start = performance.now();
  copyStore(db, key, { file: join(base, 'copy.db'), key });
  say(`one statement, as before: one pause of ${Math.round(performance.now() - start)} ms`);

  const waits: number[] = [];
  const made = await watched('backup', async () => {
    const timer = setInterval(() => {
      const asked = performance.now();
      listPatients(db, { query: '', limit: 50, offset: 0 }, noTitles);
      appendAudit(db, { actor: 'bench', action: 'audit.viewed', subject: 'profile', content: {} });
      waits.push(performance.now() - asked);
    }, WORK_EVERY_MS);
    try {
      return await backUp(profile, disk, { actor: 'bench', appVersion: 'bench', keep: null });
    } finally {
      clearInterval(timer);
    }
  });
  waits.sort((a, b) => a - b);
  const at = (part: number): string => (waits[Math.floor(part * (waits.length - 1))] ?? 0).toFixed(1);
  say(
    `${waits.length} lists and commits meanwhile: median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`,
  );
  const opened = await openBackup(made.file, { who: { account: 'Ada' }, secret: SECRET });
  await watched('restore', () =>
    restoreBackup(made.file, opened, join(base, 'restored'), { actor: 'bench' }),
  );
  db.close();
} finally {
  rmSync(base, { recursive: true, force: true });
}

async function watched<T>(what: string, work: () => Promise<T>): Promise<T> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  delay.disable();
  const ms = (nanoseconds: number): string => (nanoseconds / 1e6).toFixed(1);
  say(`${what}: ${seconds} s; pauses p99 ${ms(delay.percentile(99))} ms, longest ${ms(delay.max)} ms`);
  return result;
}

function megabytes(file: string): number {
  return Math.round(statSync(file).size / 1e6);
}

function say(text: string): void {
  const load = loadavg().map((one) => one.toFixed(1));
  console.log(`${text}  [${cpus().length} cores, load ${load.join(' ')}]`);
}
