/** Disks that fail under a backup and under a restore: full from the start, full midway, read-only, limited; nothing half is left. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setUpAccounts } from '../../src/engine/access/accounts.ts';
import { backUp } from '../../src/engine/backup/back-up.ts';
import { openBackup } from '../../src/engine/backup/backup-file.ts';
import { backupState } from '../../src/engine/backup/backup-settings.ts';
import { restoreBackup } from '../../src/engine/backup/restore-backup.ts';
import { openProfile, type Profile } from '../../src/engine/profile.ts';
import { listAudit } from '../../src/engine/store/audit.ts';
import { countStore } from '../../src/engine/store/copy.ts';
import { noTitles, samplePatient, sampleVisit, temporaryFolder } from '../../src/engine/store/testing.ts';
import { insertVisits, type NewVisit } from '../../src/engine/store/visits.ts';
import { startChild } from './children.ts';
import { secretNumber } from './secrets.ts';

const PATIENTS = 800;
const ADA = { who: { account: 'Ada' }, secret: secretNumber(0) } as const;
let root: ReturnType<typeof temporaryFolder>;
let profile: Profile;
let disk: string;
beforeEach(async () => {
  root = temporaryFolder();
  disk = join(root.path, 'disk');
  mkdirSync(disk);
  profile = await openProfile({ folder: join(root.path, 'profile') });
  const visits = Array.from({ length: PATIENTS }, (): NewVisit => {
    const patient = samplePatient();
    return { visit: sampleVisit(patient.id, { notes: 'x'.repeat(4000) }), newPatient: patient, demo: false };
  });
  insertVisits(profile.db, visits, noTitles);
  const form = { name: 'Ada', title: '', roles: ['administrator'] } as const;
  await setUpAccounts({ profile, actor: 'ada', cost: 2 ** 10 }, form, ADA.secret);
});
afterEach(() => {
  profile.db.close();
  root.remove();
});

const mount = (...options: string[]): boolean =>
  process.platform === 'linux' &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', disk]).status === 0;
const unmount = (): void => void spawnSync('umount', [disk]);
/** Takes every byte that is left. */
function fillUp(): void {
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(64 * 1024 * 1024));
  } catch {
    // Full now.
  }
}
let hour = 0;
const backup = (onProgress?: (part: number) => void) =>
  backUp(profile, disk, {
    actor: 'ada',
    appVersion: 'test',
    keep: { daily: 1, weekly: 0, monthly: 0 },
    now: new Date(Date.UTC(2026, 0, 1, (hour += 1))),
    onProgress,
  });
const backupsThere = (): string[] => readdirSync(disk).filter((name) => name.includes('.flamebackup'));
const lastAudit = () => listAudit(profile.db, 'profile').at(-1);

test('a disk that is full, fills up or cannot be written: the backup before stays, and the next succeeds', async (context) => {
  if (!mount('size=9m')) {
    context.skip('no small disk could be mounted here; the limit on a file’s size below stands for it');
    return;
  }
  try {
    const first = (await backup()).file;
    expect(backupsThere()).toHaveLength(1);
    await expect(backup()).rejects.toMatchObject({ code: 'BACKUP_NO_SPACE' });
    expect(backupState(profile.db).failure?.error.code).toBe('BACKUP_NO_SPACE');
    expect(mount('remount', 'size=20m')).toBe(true);
    let isFilled = false;
    const filling = backup(() => {
      if (!isFilled) fillUp();
      isFilled = true;
    });
    await expect(filling).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
    expect(backupsThere()).toEqual([first.split('/').at(-1)]);
    expect(lastAudit()).toMatchObject({ action: 'backup.failed', content: { code: 'FILE_NOT_WRITABLE' } });
    rmSync(join(disk, 'filler'));
    expect(mount('remount', 'ro')).toBe(true);
    await expect(backup()).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
    expect(mount('remount', 'rw')).toBe(true);
    expect((await openBackup(first, ADA)).manifest.counts.patients).toBe(PATIENTS);
    expect((await backup()).removed).toEqual([first.split('/').at(-1)]);
    expect(backupState(profile.db).failure).toBeNull();
  } finally {
    unmount();
  }
});

test('a restore onto such a disk: a code, nothing left on it, and room makes it work', async (context) => {
  const kept = join(root.path, 'kept');
  mkdirSync(kept);
  const { file } = await backUp(profile, kept, { actor: 'ada', appVersion: 'test', keep: null });
  if (!mount('size=2m')) {
    context.skip(
      'no small disk could be mounted here: what a full disk does to a restore is not tested here',
    );
    return;
  }
  try {
    const opened = await openBackup(file, ADA);
    const target = join(disk, 'restored');
    const restore = (onProgress?: () => void) =>
      restoreBackup(file, opened, target, { actor: 'ada', onProgress });
    await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_NO_SPACE' });
    expect(readdirSync(disk)).toEqual([]);
    expect(mount('remount', 'size=20m')).toBe(true);
    let isFilled = false;
    const filling = restore(() => {
      if (!isFilled) fillUp();
      isFilled = true;
    });
    await expect(filling).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(readdirSync(disk)).toEqual(['filler']);
    rmSync(join(disk, 'filler'));
    expect(mount('remount', 'ro')).toBe(true);
    await expect(restore()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(mount('remount', 'rw')).toBe(true);
    await restore();
    const restored = await openProfile({ folder: target, credential: ADA });
    expect(countStore(restored.db).patients).toBe(PATIENTS);
    restored.db.close();
  } finally {
    unmount();
  }
});

test.skipIf(process.platform === 'win32')(
  'a file that may not grow: no draft, the failure written down, the database whole',
  async () => {
    profile.db.close();
    const child = startChild('keys', [profile.folder, 'backup', disk], { fileLimit: 1024 });
    await child.ended;
    expect(child.said).toEqual([{ turn: 0 }]);
    expect(readdirSync(disk)).toEqual([]);
    profile = await openProfile({ folder: profile.folder, credential: ADA });
    expect(countStore(profile.db).patients).toBe(PATIENTS);
    expect(lastAudit()).toMatchObject({ action: 'backup.failed', content: { code: 'FILE_NOT_WRITABLE' } });
  },
);
