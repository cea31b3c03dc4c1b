/** `flame audit verify` as a process of its own, on profiles whose database file was changed with other tools. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AuditHeadKeeper } from '../../src/engine/audit/audit-head.ts';
import { openProfile, type Profile } from '../../src/engine/profile.ts';
import { appendAudit } from '../../src/engine/store/audit.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import type { AuditVerification } from '../../src/shared/audit.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

let root: ReturnType<typeof temporaryFolder>;
let profile: Profile;
let folder: string;

beforeEach(async () => {
  root = temporaryFolder();
  folder = join(root.path, 'profile');
  profile = await openProfile({ folder });
  const keeper = new AuditHeadKeeper(profile);
  for (let index = 0; index < 12; index++)
    appendAudit(profile.db, { actor: 'ada', action: 'patient.viewed', subject: `p${index}`, content: {} });
  keeper.stop();
  profile.db.close();
});
afterEach(() => root.remove());

/** Changes the closed database as somebody with the key and another program would. */
function tamper(sql: string): void {
  const raw = new Database(join(folder, 'flame.db'));
  raw.pragma("cipher = 'aegis'");
  raw.key(Buffer.from(`raw:${profile.key.bytes.toString('hex')}`));
  raw.exec(sql);
  raw.close();
}

test('an untouched log is sound, and what was noted down is still there later', async () => {
  const first = await flame(['audit', 'verify', '--profile', folder]);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('12 entries follow from one another, from the first to the last.');
  const noted = /To be noted down: (12:[0-9a-f]{64})/.exec(first.stdout)![1]!;
  const again = await flame(['audit', 'verify', '--profile', folder, '--expect', noted]);
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('Entry 12 is the one noted down.');
});

test('a changed entry is named', async () => {
  tamper("DROP TRIGGER audit_entries_stay; UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 7");
  const { code, document } = await flameJson<AuditVerification & { sound: boolean }>([
    'audit',
    'verify',
    '--profile',
    folder,
  ]);
  expect(code).toBe(1);
  expect(document).toMatchObject({ sound: false, entries: 6, broken: 7, head: 'matches' });
  const { stdout } = await flame(['audit', 'verify', '--profile', folder]);
  expect(stdout).toContain('Entry 7 does not follow from the one before');
});

test('a log whose end was cut off is told by the head file, and by what was noted down', async () => {
  const noted = /(12:[0-9a-f]{64})/.exec((await flame(['audit', 'verify', '--profile', folder])).stdout)![1]!;
  tamper('DROP TRIGGER audit_entries_remain; DELETE FROM audit_entries WHERE sequence > 9');
  const { code, document } = await flameJson<AuditVerification & { expectedHeld: boolean }>([
    'audit',
    'verify',
    '--profile',
    folder,
    '--expect',
    noted,
  ]);
  expect(code).toBe(1);
  expect(document).toMatchObject({ entries: 9, broken: null, head: 'cut', expectedHeld: false });
});

test('a note that is none is refused', async () => {
  const { code, document } = await flameJson<ErrorDocument>([
    'audit',
    'verify',
    '--profile',
    folder,
    '--expect',
    '12',
  ]);
  expect(code).toBe(1);
  expect(document.error.code).toBe('INVALID_INPUT');
});
