/** Two changes of keys at a time: while one stretches a passphrase, the other is done. What is removed gets no key back. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openProfile, protectProfile, type Profile } from '../profile.ts';
import { listAccounts } from '../store/accounts.ts';
import { auditOf } from '../store/audit.ts';
import { withStore } from '../store/testing.ts';
import {
  addAccount,
  changeAccount,
  changePassphrase,
  dropAccount,
  recoverAccount,
  resetPassphrase,
  setUpAccounts,
  type Keeping,
} from './accounts.ts';
import { openEntry, readRing, type Entry } from './key-ring.ts';

const CHEAP = 2 ** 10;
const GOOD = 'a violet tractor sings';
const OTHER = 'nine slow kettles hum';
const THIRD = 'seven green doors open';
const ADMIN = { name: 'Ada', title: '', roles: ['administrator'] } as const;
const BEN = { name: 'Ben', title: '', roles: ['clinician'] } as const;

const keepingOf = (profile: Profile): Keeping => ({ profile, actor: 'tester', cost: CHEAP });
const named = ({ folder }: Profile, name: string): Entry | undefined =>
  readRing(folder).entries.find((entry) => entry.name === name);
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown as { code: string }).code,
  );

/** Ada and Ben. @returns Ben's id */
async function people(profile: Profile): Promise<string> {
  await setUpAccounts(keepingOf(profile), ADMIN, GOOD);
  await addAccount(keepingOf(profile), BEN, GOOD);
  return listAccounts(profile.db).find(({ name }) => name === 'Ben')!.id;
}

test('accounts are set up once, though they were asked for twice', async () => {
  await withStore(async (profile) => {
    const both = [
      { name: 'Ada', passphrase: GOOD },
      { name: 'Bea', passphrase: OTHER },
    ];
    const codes = await Promise.all(
      both.map(({ name, passphrase }) =>
        codeOf(setUpAccounts(keepingOf(profile), { ...ADMIN, name }, passphrase)),
      ),
    );
    expect(codes.toSorted()).toEqual(['INVALID_INPUT', 'done']);
    const { name, passphrase } = both[codes.indexOf('done')]!;
    expect(listAccounts(profile.db).map((one) => one.name)).toEqual([name]);
    profile.db.close();
    const credential = { who: { account: name }, secret: passphrase };
    const again = await openProfile({ folder: profile.folder, credential });
    again.db.close();
  });
});

test('a passphrase of the database that comes after accounts leaves no key file beside them', async () => {
  await withStore(async (profile) => {
    const late = codeOf(protectProfile(profile, GOOD, 2 ** 16));
    await setUpAccounts(keepingOf(profile), ADMIN, GOOD);
    expect(await late).toBe('INVALID_INPUT');
    expect(existsSync(join(profile.folder, 'key.json'))).toBe(false);
  });
});

test.each([
  ['reset', (keeping: Keeping, id: string) => resetPassphrase(keeping, id, OTHER)],
  ['recovered', (keeping: Keeping, id: string) => recoverAccount(keeping, id, OTHER)],
])('an account that is removed while its passphrase is %s gets no key back', async (_how, give) => {
  await withStore(async (profile) => {
    const id = await people(profile);
    const given = codeOf(give(keepingOf(profile), id));
    dropAccount(keepingOf(profile), id);
    expect(await given).toBe('NOT_FOUND');
    expect(readRing(profile.folder).entries.map(({ name }) => name)).toEqual(['Ada', '']);
  });
});

test('a passphrase that was given is in the log, and to be changed, before it opens anything', async () => {
  await withStore(async (profile) => {
    const id = await people(profile);
    const away = { ...keepingOf(profile), profile: { ...profile, folder: join(profile.folder, 'away') } };
    expect(await codeOf(resetPassphrase(away, id, OTHER))).toBe('STORE_UNAVAILABLE');
    expect(auditOf(profile.db, 'account.passphrase-reset')).toMatchObject([{ subject: id }]);
    expect(listAccounts(profile.db).find((one) => one.id === id)).toMatchObject({ mustChange: true });
    expect(await openEntry(named(profile, 'Ben')!, GOOD)).not.toBeNull();
  });
});

test('an own passphrase that is changed meanwhile yields to removal and reset, and keeps a new name', async () => {
  await withStore(async (profile) => {
    const keeping = keepingOf(profile);
    const id = await people(profile);
    const pair = await openEntry(named(profile, 'Ben')!, GOOD);
    const renamed = codeOf(changePassphrase({ ...keeping, cost: 2 ** 16 }, id, pair!, GOOD));
    changeAccount(keeping, id, { ...BEN, name: 'Benedikt' });
    expect(await renamed).toBe('done');
    expect(await openEntry(named(profile, 'Benedikt')!, GOOD)).not.toBeNull();

    const own = codeOf(changePassphrase({ ...keeping, cost: 2 ** 17 }, id, pair!, THIRD));
    await resetPassphrase(keeping, id, OTHER);
    expect(await own).toBe('NOT_FOUND');
    expect(await openEntry(named(profile, 'Benedikt')!, OTHER)).not.toBeNull();
    expect(await openEntry(named(profile, 'Benedikt')!, THIRD)).toBeNull();
  });
});
