import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FlameError } from '../../shared/errors.ts';
import { setUpAccounts } from '../access/accounts.ts';
import { openProfile, type Profile } from '../profile.ts';
import { storedVisit, temporaryFolder } from '../store/testing.ts';
import { openBackup } from './backup-file.ts';
import { makeBackup } from './make-backup.ts';
import { restoreBackup } from './restore-backup.ts';
import { DEFAULT_RETENTION } from '../../shared/backup-api.ts';
import { backupsToRemove } from './retention.ts';

const SECRET = 'a violet tractor sings';
const ADA = { who: { account: 'ada' }, secret: SECRET } as const;
const OPTIONS = { actor: 'ada', appVersion: 'test' } as const;
let root: ReturnType<typeof temporaryFolder>;
let profile: Profile;
beforeEach(async () => {
  root = temporaryFolder();
  profile = await openProfile({ folder: join(root.path, 'profile') });
  storedVisit(profile.db);
});
afterEach(() => {
  profile.db.close();
  root.remove();
});

const codeOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
    return 'done';
  } catch (thrown) {
    return thrown instanceof FlameError ? thrown.code : thrown;
  }
};
const setUp = () =>
  setUpAccounts(
    { profile, actor: 'ada', cost: 2 ** 10 },
    { name: 'Ada', title: '', roles: ['administrator'] },
    SECRET,
  );

describe('a backup', () => {
  test('needs somebody who can open it, and shows nothing to anybody else', async () => {
    expect(await codeOf(() => makeBackup(profile, root.path, OPTIONS))).toBe('BACKUP_NEEDS_SECRET');
    await setUp();
    const { file } = await makeBackup(profile, root.path, OPTIONS);
    const content = readFileSync(file);
    for (const word of ['Müller', 'warfarin', '25000', 'dizzy', '"patients"', 'penicillin'])
      expect(content.includes(word), word).toBe(false);
    expect(await codeOf(() => openBackup(file, { ...ADA, secret: 'wrong' }))).toBe('BACKUP_SECRET_WRONG');
    expect(await codeOf(() => openBackup(file, { ...ADA, who: { account: 'ben' } }))).toBe(
      'BACKUP_SECRET_WRONG',
    );
    const { manifest } = await openBackup(file, ADA);
    expect(manifest).toMatchObject({ madeBy: 'ada', appVersion: 'test', counts: { patients: 1, visits: 1 } });
  });

  test('that was changed or cut is refused, and nothing is written', async () => {
    await setUp();
    const { file } = await makeBackup(profile, root.path, OPTIONS);
    const good = readFileSync(file);
    const target = join(root.path, 'restored');
    const restore = async (content: Buffer): Promise<unknown> => {
      writeFileSync(file, content);
      return await codeOf(async () =>
        restoreBackup(file, await openBackup(file, ADA), target, { actor: 'ada' }),
      );
    };
    for (const at of [100, 5000, 20_000, good.length - 40]) {
      const changed = Buffer.from(good);
      changed[at] = changed[at]! ^ 0x10;
      expect(await restore(changed), String(at)).toBe('BACKUP_DAMAGED');
    }
    for (const length of [0, 10, 4096, good.length - 1])
      expect(await restore(good.subarray(0, length)), String(length)).toBe('BACKUP_DAMAGED');
    expect(readdirSync(root.path).filter((name) => name.startsWith('restored'))).toEqual([]);
    expect(await restore(good)).toBe('done');
    expect(await restore(good)).toBe('RESTORE_PLACE_USED'); // the folder holds something now
  });
});

describe('retention', () => {
  const now = new Date('2026-11-28T12:00:00Z');
  const times = fc
    .array(fc.integer({ min: -10, max: 800 * 24 }), { minLength: 1, maxLength: 200 })
    .map((hours) => [...new Set(hours)].map((hour) => new Date(now.getTime() - hour * 3_600_000)));

  test('keeps the newest, every one from the future, and the newest of each of the last days', () => {
    fc.assert(
      fc.property(times, (found) => {
        const removed = backupsToRemove(found, DEFAULT_RETENTION, now);
        const kept = found.filter((time) => !removed.has(time.getTime()));
        expect(kept).toContainEqual(found.toSorted((a, b) => b.getTime() - a.getTime())[0]);
        expect(found.filter((time) => time > now && removed.has(time.getTime()))).toEqual([]);
        const past = kept.filter((time) => time <= now);
        expect(past.length).toBeLessThanOrEqual(7 + 5 + 12 + 1);
        const days = [
          ...new Set(found.filter((time) => time <= now).map((time) => time.toISOString().slice(0, 10))),
        ];
        for (const day of days.toSorted().slice(-7))
          expect(kept.some((time) => time.toISOString().startsWith(day))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
