import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openProfile, protectProfile } from '../../src/engine/profile.ts';
import { SCHEMA_VERSION } from '../../src/engine/store/migrate.ts';
import { countPatients, insertPatient } from '../../src/engine/store/patients.ts';
import { samplePatient, temporaryFolder } from '../../src/engine/store/testing.ts';
import { FlameError } from '../../src/shared/errors.ts';
import { startChild } from './children.ts';

let root: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(async () => {
  root = temporaryFolder();
  folder = join(root.path, 'profile');
  const { db } = await openProfile({ folder });
  insertPatient(db, samplePatient());
  db.close();
});
afterEach(() => root.remove());

async function failure(passphrase?: string): Promise<FlameError> {
  const before = readFileSync(join(folder, 'flame.db'));
  try {
    (await openProfile({ folder, passphrase })).db.close();
  } catch (thrown) {
    expect(readFileSync(join(folder, 'flame.db')).equals(before)).toBe(true);
    if (thrown instanceof FlameError) return thrown;
    throw thrown;
  }
  throw new Error('it opened');
}

test('a missing key file: no new key, no new database', async () => {
  rmSync(join(folder, 'device.key'));
  expect((await failure()).code).toBe('STORE_KEY_WRONG');
  expect(readdirSync(folder)).toEqual(['flame.db']);
});

test('a key of another profile', async () => {
  const other = await openProfile({ folder: join(root.path, 'other') });
  other.db.close();
  renameSync(join(root.path, 'other', 'device.key'), join(folder, 'device.key'));
  expect((await failure()).code).toBe('STORE_KEY_WRONG');
});

test('a key file that others can read, or that was cut', async () => {
  chmodSync(join(folder, 'device.key'), 0o644);
  expect((await failure()).code).toBe('STORE_KEY_UNSAFE');
  chmodSync(join(folder, 'device.key'), 0o600);
  writeFileSync(join(folder, 'device.key'), readFileSync(join(folder, 'device.key')).subarray(0, 64));
  expect((await failure()).code).toBe('STORE_KEY_UNSAFE');
});

test.skipIf(process.platform === 'win32')('no file of a profile in use can be read by others', async () => {
  const profile = await openProfile({ folder });
  insertPatient(profile.db, samplePatient());
  await protectProfile(profile, 'open sesame');
  const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o077]);
  expect(modes.length).toBeGreaterThan(2);
  expect(modes.filter(([, mode]) => mode !== 0)).toEqual([]);
  profile.db.close();
});

test('a passphrase: locked without it, wrong with another, lost with its database', async () => {
  const profile = await openProfile({ folder });
  await protectProfile(profile, 'open sesame');
  insertPatient(profile.db, samplePatient());
  profile.db.close();
  expect((await failure()).code).toBe('STORE_LOCKED');
  expect((await failure('open barley')).code).toBe('STORE_KEY_WRONG');
  const again = await openProfile({ folder, passphrase: 'open sesame' });
  expect(countPatients(again.db)).toBe(2);
  again.db.close();
  renameSync(join(folder, 'flame.db'), join(root.path, 'away.db'));
  await expect(openProfile({ folder, passphrase: 'open sesame' })).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
  });
  expect(readdirSync(folder)).toEqual(['key.json']);
});

test('a database that another Flame holds, in this process or another', async () => {
  const first = await openProfile({ folder });
  await expect(openProfile({ folder })).rejects.toMatchObject({ code: 'STORE_IN_USE' });
  const child = startChild('open', [folder, '1']);
  await child.ended;
  expect(child.said).toEqual([{ code: 'STORE_IN_USE', stored: 0 }]);
  insertPatient(first.db, samplePatient());
  expect(countPatients(first.db)).toBe(2);
  first.db.close();
});

test('a database of a newer version of Flame', async () => {
  const { db, key } = await openProfile({ folder });
  db.close();
  const raw = new Database(join(folder, 'flame.db'));
  raw.pragma("cipher = 'aegis'");
  raw.key(Buffer.from(`raw:${key.bytes.toString('hex')}`));
  raw.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  raw.close();
  expect(await failure()).toMatchObject({
    code: 'STORE_NEWER',
    details: { found: SCHEMA_VERSION + 1, known: SCHEMA_VERSION },
  });
});
