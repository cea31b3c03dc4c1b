/** Killed while the database is encrypted anew or backed up: the old state or the new one, everything in it, never neither. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUpAccounts } from '../../src/engine/accounts.ts';
import { openBackup } from '../../src/engine/backup/backup-file.ts';
import { restoreBackup } from '../../src/engine/backup/restore-backup.ts';
import { openProfile } from '../../src/engine/profile.ts';
import { countStore } from '../../src/engine/store/copy.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { storedVisit, temporaryFolder } from '../../src/engine/store/testing.ts';
import { verifyStore } from '../../src/engine/verify-audit.ts';
import { startChild } from './children.ts';

/** FLAME_KILLS=200 for the long form (docs/decisions/0021-accounts.md). */
const KILLS = Number(process.env['FLAME_KILLS'] ?? 6);
const PATIENTS = 40;
const SECRET = 'a violet tractor sings';
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
afterAll(() => root.remove());

async function killDuring(what: string, moment: number): Promise<void> {
  const child = startChild('keys', [folder, what, backups]);
  await child.until(({ turn }) => turn === 1);
  await pause(moment);
  child.process.kill('SIGKILL');
  await child.ended;
}

test('encrypting anew', { timeout: 600_000 }, async () => {
  const salts = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    await killDuring('rekey', (kill * 37) % 150);
    const profile = await openProfile({ folder, credential: ADA });
    expect(countPatients(profile.db)).toBe(PATIENTS);
    expect(await verifyStore(profile)).toMatchObject({ broken: null, changedDecisions: [] });
    salts.add(profile.key.salt.toString('hex'));
    profile.db.close();
    expect(readdirSync(folder).filter((name) => name.includes('.new'))).toEqual([]);
  }
  expect(salts.size).toBe(KILLS);
});

test('backup, restore, recovery code: every file under its name is whole', { timeout: 600_000 }, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    await killDuring('backup', (kill * 37) % 150);
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
