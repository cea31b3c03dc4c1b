/** Backups over real ports and real files: made, listed, checked, previewed, restored, kept, refused, and written down. */

import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountForm } from '../../src/shared/accounts-api.ts';
import { DEFAULT_RETENTION, type BackupsState } from '../../src/shared/backup-api.ts';
import { NO_AUDIT_FILTER } from '../../src/shared/audit.ts';
import { CHEAP, codeOf, startEngine, TestFolders, type TestEngine } from './engine.ts';

const GOOD = 'a violet tractor sings';
const OTHER = 'nine slow kettles hum';
const ADA = { kind: 'account', account: 'Ada', secret: GOOD } as const;

let folders: TestFolders;
let app: TestEngine;
let disk: string;
beforeEach(async () => {
  folders = new TestFolders();
  disk = join(folders.base, 'disk');
  mkdirSync(disk);
  app = await startEngine(folders, CHEAP);
});
afterEach(async () => {
  await app.stop();
  folders.remove();
});

const call: TestEngine['engine']['call'] = (method, params, options) =>
  app.engine.call(method, params, options);
const setUp = (roles: AccountForm['roles'] = ['clinician', 'data-steward', 'administrator']) =>
  call('accounts.setUp', { name: 'Ada', title: '', roles, passphrase: GOOD });
const signIn = (account: string, passphrase: string) => call('session.signIn', { account, passphrase });
let grants = 0;
async function granted(path: string, purpose: 'read' | 'write'): Promise<string> {
  const grant = `grant-${(grants += 1)}`;
  await app.shell.call('files.grant', { grant, path, purpose });
  return grant;
}
const keepIn = async (path = disk): Promise<BackupsState> =>
  call('backups.setFolder', { grant: await granted(path, 'write') });
async function actions(): Promise<string[]> {
  const filter = { ...NO_AUDIT_FILTER, group: 'backups' } as const;
  const { entries } = await call('audit.list', { filter, before: null, limit: 500 });
  return entries.map(({ action }) => action).reverse();
}
/** Stops the engine and starts it on another profile folder. */
async function openProfileAt(profile: string): Promise<void> {
  await app.stop();
  app = await startEngine(folders, { ...CHEAP, profile });
}
const patients = () => call('patients.list', { query: '', limit: 100, offset: 0 });

describe('a backup made in the window', () => {
  it('restores into a new place, which opens with the same passphrase and holds the same', async () => {
    await call('demo.load', {});
    await setUp();
    await keepIn();
    await call('backups.set', { hour: 20, keep: { daily: 3, weekly: 0, monthly: 0 } });
    const before = await patients();
    const parts: number[] = [];
    const made = await call('backups.make', {}, { onProgress: ({ part }) => parts.push(part) });
    expect(parts.at(-1)).toBe(1);
    expect(parts).toEqual(parts.toSorted((a, b) => a - b));
    expect(made).toMatchObject({ failure: null, running: false, folder: disk, hour: 20 });
    expect(Date.parse(made.nextAt!)).toBeGreaterThan(Date.now());
    const [backup] = made.backups;
    expect(backup).toMatchObject({
      kind: 'own',
      checked: { sound: true },
      counts: { patients: before.total },
    });
    expect(backup!.madeBy).toContain('Ada <clinician');

    const source = { name: backup!.name };
    expect(await call('backups.openers', { source })).toEqual({ file: backup!.name, people: ['Ada'] });
    expect(await codeOf(call('backups.preview', { source, secret: { ...ADA, secret: OTHER } }))).toBe(
      'BACKUP_SECRET_WRONG',
    );
    const preview = await call('backups.preview', { source, secret: ADA });
    expect(preview).toMatchObject({ counts: backup!.counts, newestVisit: backup!.newestVisit });
    expect(preview.newestVisit!.date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    const place = join(folders.base, 'place');
    mkdirSync(place);
    const restored = await call('backups.restore', {
      source,
      secret: ADA,
      grant: await granted(place, 'write'),
    });
    expect(readdirSync(place)).toHaveLength(1);
    expect(readdirSync(restored.folder).sort()).toEqual(['audit-head.json', 'flame.db', 'keys.json']);
    expect(await actions()).toEqual([
      'backup.settings-changed',
      'backup.settings-changed',
      'backup.made',
      'backup.open-failed',
      'backup.opened',
      'backup.restored',
    ]);

    await openProfileAt(restored.folder);
    expect(await codeOf(signIn('Ada', OTHER))).toBe('SIGN_IN_FAILED');
    await signIn('Ada', GOOD);
    const after = await patients();
    expect(after).toEqual(before);
    expect(await call('audit.verify', {})).toMatchObject({ broken: null, head: 'matches', mismatches: [] });
    // It makes no backups among those of the profile it came from until somebody says so.
    expect(await call('backups.get', {})).toMatchObject({ folder: null, hour: null, lastSuccessAt: null });
    await keepIn();
    await call('backups.set', { hour: null, keep: { daily: 1, weekly: 0, monthly: 0 } });
    const { backups } = await call('backups.make', {});
    expect(backups.map(({ kind }) => kind)).toEqual(['own', 'other-profile']);
  });

  it('opens with the passphrase of a profile without accounts, and is refused where nobody has a secret', async () => {
    await call('demo.load', {});
    await keepIn();
    expect(await call('backups.get', {})).toMatchObject({ needsSecret: true, backups: [] });
    expect(await codeOf(call('backups.make', {}))).toBe('BACKUP_NEEDS_SECRET');
    expect(readdirSync(disk)).toEqual(['flame-backups.txt']);
    expect((await call('app.status', {})).backupFailure?.error.code).toBe('BACKUP_NEEDS_SECRET');
    await call('store.setPassphrase', { passphrase: GOOD });
    const { backups } = await call('backups.make', {});
    expect((await call('app.status', {})).backupFailure).toBeNull();
    const grant = await granted(join(disk, backups[0]!.name), 'read');
    expect(await call('backups.openers', { source: { grant } })).toMatchObject({ people: null });
    const secret = { kind: 'passphrase', secret: GOOD } as const;
    for (const wrong of [{ ...secret, secret: OTHER }, ADA, { kind: 'recovery', secret: GOOD }] as const)
      expect(await codeOf(call('backups.preview', { source: { grant }, secret: wrong }))).toBe(
        'BACKUP_SECRET_WRONG',
      );
    const { folder, counts } = await call('backups.restore', {
      source: { grant },
      secret,
      grant: await granted(disk, 'write'),
    });
    await openProfileAt(folder);
    await call('store.unlock', { passphrase: GOOD });
    expect((await patients()).total).toBe(counts.patients);
  });
});

describe('what is kept', () => {
  it('shows backups from before a re-encryption as such, never removes them, and counts no damaged one', async () => {
    await setUp();
    await keepIn();
    await call('backups.set', { hour: null, keep: { daily: 1, weekly: 0, monthly: 0 } });
    const old = (await call('backups.make', {})).backups[0]!.name;
    await call('accounts.rekey', {});
    expect((await call('backups.get', {})).backups).toMatchObject([
      { name: old, kind: 'earlier-key', counts: null },
    ]);
    // Names carry seconds: no two backups in one.
    await secondsPass();
    const first = (await call('backups.make', {})).backups[0]!.name;
    await secondsPass();
    const second = await call('backups.make', {});
    expect(second.backups.map(({ name, kind }) => [name === old, kind])).toEqual([
      [false, 'own'],
      [true, 'earlier-key'],
    ]);
    expect(readdirSync(disk)).not.toContain(first);

    const { name } = second.backups[0]!;
    const file = join(disk, name);
    expect((await call('backups.verify', { name })).backups[0]!.checked).toMatchObject({ sound: true });
    const bytes = readFileSync(file);
    bytes[20_000] = bytes[20_000]! ^ 1;
    writeFileSync(file, bytes);
    expect((await call('backups.verify', { name })).backups[0]!.checked).toMatchObject({ sound: false });
    await secondsPass();
    expect((await call('backups.make', {})).backups.map(({ kind }) => kind)).toEqual([
      'own',
      'own',
      'earlier-key',
    ]);
    writeFileSync(file, bytes.subarray(0, -1));
    expect((await call('backups.get', {})).backups.map(({ kind }) => kind)).toContain('damaged');
    expect(await actions()).toEqual(
      expect.arrayContaining(['backup.removed', 'backup.verified', 'backup.verify-failed']),
    );
  });

  it('ignores what is not this profile’s: other files, and backups of somebody else under a fitting name', async () => {
    await setUp();
    await keepIn();
    const { backups } = await call('backups.make', {});
    cpSync(disk, join(folders.base, 'elsewhere'), { recursive: true });
    await openProfileAt(join(folders.base, 'another'));
    await setUp();
    await keepIn();
    writeFileSync(join(disk, 'notes.txt'), 'not a backup');
    await call('backups.set', { hour: null, keep: { daily: 1, weekly: 0, monthly: 0 } });
    expect((await call('backups.get', {})).backups).toEqual([]);
    expect((await call('backups.make', {})).backups).toHaveLength(1);
    expect(readdirSync(disk)).toEqual(expect.arrayContaining(['notes.txt', backups[0]!.name]));
    expect(await codeOf(call('backups.verify', { name: '../profile/flame.db' }))).toBe('NOT_FOUND');
    expect(await codeOf(call('backups.verify', { name: backups[0]!.name }))).toBe('NOT_FOUND');
  });
});

describe('what is refused', () => {
  it('refuses everybody but administrators, emergency access too, and writes it down', async () => {
    await setUp();
    await call('accounts.add', { name: 'Ben', title: '', roles: ['clinician'], passphrase: OTHER });
    const { code } = await call('accounts.newCode', { kind: 'emergency' });
    await signIn('Ben', OTHER);
    await call('accounts.changePassphrase', { present: OTHER, passphrase: GOOD });
    const tried = ['backups.get', 'backups.make'] as const;
    for (const method of tried) expect(await codeOf(call(method, {}))).toBe('ACCESS_REFUSED');
    await call('session.emergency', { code, name: 'Dr Night', reason: 'on call' });
    for (const method of tried) expect(await codeOf(call(method, {}))).toBe('ACCESS_REFUSED');
    await call('session.lock', {});
    expect(await codeOf(call('backups.get', {}))).toBe('SESSION_LOCKED');
    await signIn('Ada', GOOD);
    const { entries } = await call('audit.list', {
      filter: { ...NO_AUDIT_FILTER, group: 'access' },
      before: null,
      limit: 100,
    });
    const refused = entries.filter(({ action }) => action === 'access.refused');
    expect(refused.map(({ content }) => (JSON.parse(content) as { method: string }).method).sort()).toEqual([
      'backups.get',
      'backups.get',
      'backups.make',
      'backups.make',
    ]);
  });

  it('refuses places inside the profile, and keeps saying that a folder is away until a backup succeeds', async () => {
    await setUp();
    expect(await codeOf(call('backups.make', {}))).toBe('BACKUP_NO_FOLDER');
    const inside = join(folders.profile, 'inside');
    mkdirSync(inside);
    expect(await codeOf(keepIn(inside))).toBe('BACKUP_PLACE_IN_PROFILE');
    expect(await codeOf(keepIn(join(folders.base, 'nowhere')))).toBe('BACKUP_FOLDER_UNUSABLE');
    await keepIn();
    const { backups } = await call('backups.make', {});
    const source = { name: backups[0]!.name };
    const into = async (place: string) =>
      codeOf(call('backups.restore', { source, secret: ADA, grant: await granted(place, 'write') }));
    expect(await into(folders.profile)).toBe('BACKUP_PLACE_IN_PROFILE');
    expect(await into(inside)).toBe('BACKUP_PLACE_IN_PROFILE');

    renameSync(disk, `${disk}-away`);
    expect(await codeOf(call('backups.make', {}))).toBe('BACKUP_FOLDER_UNUSABLE');
    const state = await call('backups.get', {});
    expect(state.folderProblem?.code).toBe('BACKUP_FOLDER_UNUSABLE');
    expect((await call('app.status', {})).backupFailure?.error).toMatchObject({
      code: 'BACKUP_FOLDER_UNUSABLE',
      details: { folder: 'disk', problem: 'ENOENT' },
    });
    await app.stop();
    app = await startEngine(folders, CHEAP);
    expect((await call('app.status', {})).backupFailure).toBeNull(); // Nobody is signed in.
    await signIn('Ada', GOOD);
    expect((await call('app.status', {})).backupFailure?.error.code).toBe('BACKUP_FOLDER_UNUSABLE');
    renameSync(`${disk}-away`, disk);
    await secondsPass();
    expect(await call('backups.make', {})).toMatchObject({ failure: null, folderProblem: null });
    expect((await call('app.status', {})).backupFailure).toBeNull();
    expect(await actions()).toEqual(
      expect.arrayContaining(['backup.failed', 'backup.restore-failed', 'backup.made']),
    );
  });

  it('keeps the default until somebody chooses', async () => {
    expect(await call('backups.get', {})).toMatchObject({
      hour: null,
      nextAt: null,
      keep: DEFAULT_RETENTION,
    });
  });
});

async function secondsPass(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  while (Math.floor(Date.now() / 1000) === second) await new Promise((resolve) => setTimeout(resolve, 20));
}
