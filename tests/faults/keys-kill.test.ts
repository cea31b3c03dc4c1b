/**
 * Killed while the database is encrypted anew, backed up, restored, or a passphrase changed: the old state or the new one,
 * everything in it, never neither.
 */

import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUpAccounts } from '../../src/engine/access/accounts.ts';
import { openBackup } from '../../src/engine/backup/backup-file.ts';
import { makeBackup } from '../../src/engine/backup/make-backup.ts';
import { restoreBackup } from '../../src/engine/backup/restore-backup.ts';
import { removeDeadStages } from '../../src/engine/backup/restore-stage.ts';
import { openProfile } from '../../src/engine/profile.ts';
import { countStore } from '../../src/engine/store/copy.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { storedVisit, temporaryFolder } from '../../src/engine/store/testing.ts';
import { verifyStore } from '../../src/engine/audit/verify-audit.ts';
import { startChild, type Child } from './children.ts';
import { kills, LONG, sayKills } from './killing.ts';
import { secretNumber } from './secrets.ts';

/** `npm run test:long` multiplies the kills; FLAME_KILLS=200 sets their number. */
const KILLS = Number(process.env['FLAME_KILLS'] ?? 6 * LONG);
const limit = { timeout: 120_000 + 10_000 * KILLS };
const PATIENTS = 40;
const SECRET = secretNumber(0);
const ADA = { who: { account: 'Ada' }, secret: SECRET } as const;
const root = temporaryFolder();
const folder = join(root.path, 'profile');
const backups = join(root.path, 'backups');
let recoveryCode: string;

beforeAll(async () => {
  mkdirSync(backups);
  const profile = await openProfile({ folder });
  for (let index = 0; index < PATIENTS; index++) storedVisit(profile.db);
  const form = { name: 'Ada', title: '', roles: ['administrator'] } as const;
  ({ recoveryCode } = await setUpAccounts({ profile, actor: 'ada', cost: 2 ** 10 }, form, SECRET));
  profile.db.close();
});
afterAll(() => {
  root.remove();
  sayKills();
});

/** Kills the child in its second turn or later. */
async function killDuring(moment: number, what: string, ...parameters: readonly string[]): Promise<Child> {
  const child = startChild('keys', [folder, what, ...parameters]);
  await child.until(({ turn }) => turn === 1);
  await pause(moment);
  expect(child.process.kill('SIGKILL')).toBe(true);
  kills[what] = (kills[what] ?? 0) + 1;
  await child.ended;
  return child;
}

test('encrypting anew', limit, async () => {
  const salts = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    await killDuring((kill * 37) % 150, 'rekey');
    const profile = await openProfile({ folder, credential: ADA });
    expect(countPatients(profile.db)).toBe(PATIENTS);
    expect(await verifyStore(profile)).toMatchObject({ broken: null, changedDecisions: [] });
    salts.add(profile.key.salt.toString('hex'));
    profile.db.close();
    expect(readdirSync(folder).filter((name) => name.includes('.new'))).toEqual([]);
  }
  expect(salts.size).toBe(KILLS);
});

test('backup, restore, recovery code: every file under its name is whole', limit, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    await killDuring((kill * 37) % 150, 'backup', backups);
    const names = readdirSync(backups).filter((name) => name.endsWith('.flamebackup'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const { manifest } = await openBackup(join(backups, name), ADA);
      expect(manifest.counts).toMatchObject({ patients: PATIENTS, visits: PATIENTS });
    }
    const target = join(root.path, `restored-${kill}`);
    const file = join(backups, names.at(-1)!);
    const opened = await openBackup(file, { who: { code: 'recovery' }, secret: recoveryCode });
    await restoreBackup(file, opened, target, { actor: 'drill' });
    const restored = await openProfile({ folder: target, credential: ADA });
    expect(countStore(restored.db)).toMatchObject({
      patients: PATIENTS,
      schema: opened.manifest.counts.schema,
    });
    expect(await verifyStore(restored)).toMatchObject({ broken: null, head: 'matches', mismatches: [] });
    restored.db.close();
  }
});

test('restoring: a folder is absent or whole, and the backup stays as it is', limit, async () => {
  const drills = join(root.path, 'drills');
  mkdirSync(drills);
  const profile = await openProfile({ folder, credential: ADA });
  const { file } = await makeBackup(profile, drills, { actor: 'ada', appVersion: 'test' });
  profile.db.close();
  for (let kill = 0; kill < KILLS; kill++) {
    const targets = join(root.path, `drill-${kill}`);
    mkdirSync(targets);
    const { said } = await killDuring(Math.random() * 150, 'restore', file, join(targets, 'to-'));
    const done = Number(said.at(-1)!['turn']);
    const names = readdirSync(targets).filter((name) => /^to-\d+$/.test(name));
    // Acknowledged are all turns before the one that was killed, which may have got its name already.
    expect([done, done + 1]).toContain(names.length);
    for (const name of names.slice(-2)) {
      const restored = await openProfile({ folder: join(targets, name), credential: ADA });
      expect(countStore(restored.db)).toMatchObject({ patients: PATIENTS, visits: PATIENTS });
      expect(await verifyStore(restored)).toMatchObject({ broken: null, head: 'matches', mismatches: [] });
      restored.db.close();
    }
    expect(existsSync(file)).toBe(true);
    removeDeadStages(targets);
    expect(readdirSync(targets).sort()).toEqual(names.sort());
    rmSync(targets, { recursive: true });
  }
  expect((await openBackup(file, ADA)).manifest.counts).toMatchObject({ patients: PATIENTS });
});

test('changing a passphrase: the last one or the one being set opens', limit, async () => {
  let present = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { said } = await killDuring(Math.random() * 100, 'passphrase', String(present));
    const acknowledged = present + Number(said.at(-1)!['turn']);
    const opened: number[] = [];
    for (const number of [acknowledged, acknowledged + 1]) {
      try {
        const credential = { who: { account: 'Ada' }, secret: secretNumber(number) } as const;
        const profile = await openProfile({ folder, credential });
        opened.push(number);
        expect(countPatients(profile.db)).toBe(PATIENTS);
        expect(await verifyStore(profile)).toMatchObject({ broken: null, changedDecisions: [] });
        profile.db.close();
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'SIGN_IN_FAILED' });
      }
    }
    expect(opened).toHaveLength(1);
    present = opened[0]!;
  }
});
