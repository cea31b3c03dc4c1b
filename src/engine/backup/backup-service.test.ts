import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setUpAccounts } from '../access/accounts.ts';
import { writeSetting } from '../store/accounts.ts';
import { listAudit } from '../store/audit.ts';
import { storedVisit, temporaryFolder } from '../store/testing.ts';
import { Workspace } from '../workspace.ts';
import { markFolder } from './backup-folder.ts';
import { BackupService, SCHEDULE } from './backup-service.ts';
import { BACKUP_SETTINGS, backupState, changeBackupState, NO_BACKUPS } from './backup-settings.ts';
import { AFTER_OPENING_MS, AGAIN_AFTER_MS } from './schedule.ts';

let root: ReturnType<typeof temporaryFolder>;
let workspace: Workspace;
let disk: string;
let milliseconds: number;
let service: BackupService;
beforeEach(async () => {
  root = temporaryFolder();
  disk = join(root.path, 'disk');
  mkdirSync(disk);
  markFolder(disk);
  const none = join(root.path, 'none');
  const options = { resources: none, models: none, sqliteBinding: null, appVersion: 'test' };
  workspace = await Workspace.open({ profile: join(root.path, 'profile'), ...options });
  const form = { name: 'Ada', title: '', roles: ['administrator'] } as const;
  await workspace.store.withProfile((profile) =>
    setUpAccounts({ profile, actor: 'ada', cost: 2 ** 10 }, form, 'a violet tractor sings'),
  );
  storedVisit(workspace.db);
  writeSetting(workspace.db, BACKUP_SETTINGS, { ...NO_BACKUPS, folder: disk, hour: 20 });
  milliseconds = 0;
  service = new BackupService(workspace, () => milliseconds);
});
afterEach(async () => {
  await service.stop();
  await workspace.close();
  root.remove();
});

const backups = (): string[] => readdirSync(disk).filter((name) => name.endsWith('.flamebackup'));
const audited = () => listAudit(workspace.db, 'profile').filter(({ action }) => action.startsWith('backup.'));

test('makes up for what was missed after the wait, once, in the name of the schedule', async () => {
  const opened = new Date('2026-11-28T08:00:00');
  expect(await service.look(opened)).toBe(false);
  milliseconds = AFTER_OPENING_MS + 1;
  const later = new Date(opened.getTime() + milliseconds);
  expect(await service.look(later)).toBe(true);
  expect(await service.look(later)).toBe(false);
  expect(backups()).toHaveLength(1);
  expect(audited()).toMatchObject([{ action: 'backup.made', actor: SCHEDULE }]);
  // The clock is set back a year: a success in the future counts for nothing.
  expect(await service.look(new Date('2025-11-28T08:05:00'))).toBe(true);
});

test('a failure is shown, tried again an hour later, and gone with the next success', async () => {
  milliseconds = 0;
  await service.look(new Date('2026-11-28T08:00:00'));
  milliseconds = AFTER_OPENING_MS + 1;
  const now = new Date('2026-11-28T08:03:00');
  renameSync(disk, `${disk}-away`);
  expect(await service.look(now)).toBe(true);
  expect(backupState(workspace.db).failure).toMatchObject({
    at: now.toISOString(),
    error: { code: 'BACKUP_FOLDER_UNUSABLE' },
  });
  // Where the disk was, some systems leave an empty folder.
  mkdirSync(disk);
  await expect(service.make({ actor: 'ada' }, now)).rejects.toMatchObject({ code: 'BACKUP_FOLDER_UNUSABLE' });
  expect(readdirSync(disk)).toEqual([]);
  rmdirSync(disk);
  renameSync(`${disk}-away`, disk);
  expect(await service.look(new Date(now.getTime() + AGAIN_AFTER_MS - 1))).toBe(false);
  expect(await service.look(new Date(now.getTime() + AGAIN_AFTER_MS))).toBe(true);
  expect(backupState(workspace.db).failure).toBeNull();
  expect(audited().map(({ action }) => action)).toEqual(['backup.failed', 'backup.failed', 'backup.made']);
});

test('others go on writing while it is made; the backup holds what was stored before it began, and is whole', async () => {
  for (let index = 0; index < 60; index++) storedVisit(workspace.db);
  const run = service.make({ actor: 'ada' });
  for (let index = 0; index < 30; index++) {
    storedVisit(workspace.db);
    await pause(1);
  }
  await run;
  const { backups: found } = await service.state();
  expect(found).toMatchObject([{ counts: { patients: 61 }, checked: { sound: true } }]);
  await service.verify(found[0]!.name, { actor: 'ada' });
  expect((await service.state()).backups).toMatchObject([{ checked: { sound: true } }]);
});

test('is cut short by a quit: nothing is left, nothing is called a failure', async () => {
  const run = service.make({ actor: 'ada' });
  await service.stop();
  await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(readdirSync(disk)).toEqual(['flame-backups.txt']);
  expect(backupState(workspace.db).failure).toBeNull();
  expect(audited().map(({ action }) => action)).toEqual(['backup.failed']);
});

test('a database that is closed under a backup leaves no backup', async () => {
  const { db } = workspace;
  const run = db.frozen(async (file) => {
    await pause(10);
    return file.read(Buffer.alloc(10), 0);
  });
  db.close();
  expect(await service.look(new Date())).toBe(false); // Nor does it take the engine with it.
  await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('removes what a killed restore left, and nothing else', async () => {
  const stage = (name: string, mark: object | null): string => {
    const folder = join(disk, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'flame.db'), 'x');
    if (mark !== null) writeFileSync(join(folder, 'restoring.json'), JSON.stringify(mark));
    return folder;
  };
  const mark = { flame: 'restore', computer: hostname() };
  const dead = stage('to.restoring-0a1b2c3d', { ...mark, process: 2 ** 22 + 1 });
  const living = stage('to.restoring-1a1b2c3d', { ...mark, process: process.pid });
  const elsewhere = stage('to.restoring-2a1b2c3d', { ...mark, process: 2 ** 22 + 1, computer: 'other' });
  const unmarked = stage('to.restoring-3a1b2c3d', null);
  const named = stage('visits', { ...mark, process: 2 ** 22 + 1 });
  changeBackupState(workspace.db, () => ({ restoringIn: [disk, join(root.path, 'gone')] }));
  await service.look(new Date());
  expect(existsSync(dead)).toBe(false);
  for (const folder of [living, elsewhere, unmarked, named]) expect(existsSync(folder), folder).toBe(true);
});
