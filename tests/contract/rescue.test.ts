/** A database that does not open, and a backup beside it: restored by whoever has a secret of its day, the damaged one untouched. */

import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_AUDIT_FILTER } from '../../src/shared/audit.ts';
import { MOVED_FILE, readMoved } from '../../src/shared/rescue-api.ts';
import { CHEAP, codeOf, startEngine, TestFolders, type TestEngine } from './engine.ts';

const GOOD = 'a violet tractor sings';
const OTHER = 'nine slow kettles hum';
const ADA = { kind: 'account', account: 'Ada', secret: GOOD } as const;

let folders: TestFolders;
let app: TestEngine;
let disk: string;
let place: string;
beforeEach(async () => {
  folders = new TestFolders();
  disk = join(folders.base, 'disk');
  place = join(folders.base, 'place');
  for (const one of [disk, place]) mkdirSync(one);
  app = await startEngine(folders, CHEAP);
});
afterEach(async () => {
  await app.stop();
  folders.remove();
});

const call: TestEngine['engine']['call'] = (method, params, options) =>
  app.engine.call(method, params, options);
let grants = 0;
async function granted(path: string, purpose: 'read' | 'write'): Promise<string> {
  const grant = `grant-${(grants += 1)}`;
  await app.shell.call('files.grant', { grant, path, purpose });
  return grant;
}
async function startAt(profile = folders.profile): Promise<void> {
  await app.stop();
  app = await startEngine(folders, { ...CHEAP, profile });
}
const damaged = () => join(folders.profile, 'flame.db');
const fingerprint = (): string => createHash('sha256').update(readFileSync(damaged())).digest('hex');
const store = async () => (await call('app.status', {})).store;

/** Demo patients behind a secret, one backup, and a database cut in the middle. @returns how many patients there were */
async function breakProfile(protect: () => Promise<unknown>): Promise<number> {
  await call('demo.load', {});
  await protect();
  const { total } = await call('patients.list', { query: '', limit: 1, offset: 0 });
  await call('backups.setFolder', { grant: await granted(disk, 'write') });
  await call('backups.make', {});
  await app.stop();
  truncateSync(damaged(), 100_000);
  app = await startEngine(folders, CHEAP);
  return total;
}
const setUp = () =>
  call('accounts.setUp', {
    name: 'Ada',
    title: '',
    roles: ['clinician', 'data-steward', 'administrator'],
    passphrase: GOOD,
  });

describe('a damaged database', () => {
  it('with accounts: the newest backup is named, restored with a secret of its day, and led to', async () => {
    const total = await breakProfile(setUp);
    // Who may do it cannot be read; nobody is told of damage before the ring of keys let them in.
    expect(await store()).toBe('locked');
    expect(await codeOf(call('rescue.backups', {}))).toBe('NOT_FOUND');
    expect(await codeOf(call('session.signIn', { account: 'Ada', passphrase: GOOD }))).toBe('STORE_CORRUPT');
    expect(await store()).toBe('failed');
    const before = fingerprint();

    // One of another profile, and what is no backup, stay out.
    const [name] = readdirSync(disk).filter((one) => one.endsWith('.flamebackup'));
    cpSync(join(disk, name!), join(disk, name!.replace(/-[0-9a-f]{8}\./, '-00000000.')));
    writeFileSync(join(disk, name!.replace('flame-backup-2', 'flame-backup-3')), 'cut short');
    const { backups, folderProblem } = await call('rescue.backups', {});
    expect([folderProblem, backups.map((one) => one.name)]).toEqual([null, [name]]);
    const source = { name: name! };
    expect(await call('rescue.openers', { source })).toEqual({ file: name, people: ['Ada'] });
    expect(await codeOf(call('rescue.openers', { source: { name: '../../etc/passwd' } }))).toBe('NOT_FOUND');
    expect(await codeOf(app.shell.call('rescue.adopt', {}))).toBe('NOT_FOUND');
    expect((await call('rescue.preview', { source, secret: ADA })).counts.patients).toBe(total);
    expect(
      await codeOf(
        call('rescue.restore', { source, secret: ADA, grant: await granted(folders.profile, 'write') }),
      ),
    ).toBe('BACKUP_PLACE_IN_PROFILE');
    const { folder } = await call('rescue.restore', {
      source,
      secret: ADA,
      grant: await granted(place, 'write'),
    });
    await app.shell.call('rescue.adopt', {});
    expect(readMoved(readFileSync(join(folders.profile, MOVED_FILE), 'utf8'))).toBe(folder);
    expect(fingerprint()).toBe(before);

    await startAt(folder);
    await call('session.signIn', { account: 'Ada', passphrase: GOOD });
    expect((await call('patients.list', { query: '', limit: 1, offset: 0 })).total).toBe(total);
    const filter = { ...NO_AUDIT_FILTER, group: 'backups' } as const;
    const { entries } = await call('audit.list', { filter, before: null, limit: 1 });
    expect(entries).toMatchObject([{ action: 'store.restored', actor: 'Ada' }]);
    // The restored profile is whole: nothing of this is for it.
    expect(await codeOf(call('rescue.backups', {}))).toBe('NOT_FOUND');
  });

  it('counts wrong secrets as at signing in, also where they cannot be written down', async () => {
    await breakProfile(setUp);
    expect(await codeOf(call('session.signIn', { account: 'Ada', passphrase: GOOD }))).toBe('STORE_CORRUPT');
    const source = { name: (await call('rescue.backups', {})).backups[0]!.name };
    const wrong = () => codeOf(call('rescue.preview', { source, secret: { ...ADA, secret: OTHER } }));
    rmSync(join(folders.profile, 'sign-in.json'), { force: true });
    mkdirSync(join(folders.profile, 'sign-in.json')); // No file can take its place.
    for (let turn = 0; turn < 5; turn++) expect(await wrong()).toBe('BACKUP_SECRET_WRONG');
    expect(await wrong()).toBe('SIGN_IN_PAUSED');
    expect(await codeOf(call('rescue.preview', { source, secret: ADA }))).toBe('SIGN_IN_PAUSED');
  });

  it('with a passphrase: a file that was picked, when the folder of the backups is away', async () => {
    const total = await breakProfile(() => call('store.setPassphrase', { passphrase: GOOD }));
    expect(await codeOf(call('store.unlock', { passphrase: OTHER }))).toBe('STORE_KEY_WRONG');
    expect(await store()).toBe('locked');
    expect(await codeOf(call('store.unlock', { passphrase: GOOD }))).toBe('STORE_CORRUPT');
    renameSync(disk, `${disk}-away`);
    expect(await call('rescue.backups', {})).toMatchObject({
      backups: [],
      folderProblem: { code: 'BACKUP_FOLDER_UNUSABLE', details: { folder: 'disk' } },
    });
    const [name] = readdirSync(`${disk}-away`).filter((one) => one.endsWith('.flamebackup'));
    const source = { grant: await granted(join(`${disk}-away`, name!), 'read') };
    expect(await call('rescue.openers', { source })).toMatchObject({ people: null });
    const secret = { kind: 'passphrase', secret: GOOD } as const;
    const { counts } = await call('rescue.restore', { source, secret, grant: await granted(place, 'write') });
    expect(counts.patients).toBe(total);
  });

  it.each([
    ['lost its first page', () => writeFileSync(damaged(), Buffer.alloc(4096), { flag: 'r+' })],
    ['has a damaged key file', () => writeFileSync(join(folders.profile, 'key.json'), '{}')],
  ])('%s: the right passphrase leads to the backups, not to a wrong one', async (_what, damage) => {
    await breakProfile(() => call('store.setPassphrase', { passphrase: GOOD }));
    damage();
    await startAt();
    expect(await codeOf(call('store.unlock', { passphrase: GOOD }))).toBe('STORE_KEY_WRONG');
    expect(await store()).toBe('failed');
    expect((await call('rescue.backups', {})).backups).toHaveLength(1);
  });

  it('is no reason to restore anything while the database opens', async () => {
    await setUp();
    const source = { name: 'flame-backup-20261128T045600Z-1a2b3c4d.flamebackup' };
    expect(await codeOf(call('rescue.openers', { source }))).toBe('NOT_FOUND');
    expect(await codeOf(call('rescue.preview', { source, secret: ADA }))).toBe('NOT_FOUND');
    expect(await codeOf(call('rescue.restore', { source, secret: ADA, grant: 'none' }))).toBe('NOT_FOUND');
    expect(await codeOf(app.shell.call('rescue.adopt', {}))).toBe('NOT_FOUND');
  });
});
