/**
 * Exports that are killed while they write: what is left of one lies in the user's folder, perhaps in clear. The next opening
 * removes it, and nothing that only looks like it.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { auditOf } from '../../src/engine/store/audit.ts';
import { noTitles, samplePatient, sampleVisit, temporaryFolder } from '../../src/engine/store/testing.ts';
import { insertVisits, type NewVisit } from '../../src/engine/store/visits.ts';
import { removeLeftDrafts } from '../../src/engine/unfinished-files.ts';
import { startChild } from './children.ts';
import { expectSound, kills, LONG, sayKills } from './killing.ts';

const PATIENTS = 300;
const folder = temporaryFolder();
const profile = join(folder.path, 'profile');
const place = join(folder.path, 'documents');

beforeAll(async () => {
  mkdirSync(place);
  const { db } = await openProfile({ folder: profile });
  const visits = Array.from({ length: PATIENTS }, (): NewVisit => {
    const patient = samplePatient();
    return { visit: sampleVisit(patient.id, { notes: 'x'.repeat(4000) }), newPatient: patient, demo: false };
  });
  insertVisits(db, visits, noTitles);
  db.close();
});
afterAll(() => {
  sayKills();
  folder.remove();
});

const drafts = (): string[] => readdirSync(place).filter((name) => name.includes('.draft-'));

/** Kills the export as soon as a part of its draft is on the disk. */
async function killWhileWriting(path: string, passphrase: string): Promise<void> {
  const child = startChild('export', [profile, path, passphrase]);
  await child.until(({ ready }) => ready === 1);
  const before = new Set(drafts());
  const isWriting = (): boolean =>
    drafts().some((name) => {
      if (before.has(name)) return false;
      const stat = statSync(join(place, name), { throwIfNoEntry: false });
      return stat !== undefined && stat.size > 0;
    });
  while (!isWriting()) await sleep(1);
  expect(child.process.kill('SIGKILL')).toBe(true);
  await child.ended;
  kills['exporting'] = (kills['exporting'] ?? 0) + 1;
}

test.each([
  ['in clear', ''],
  ['encrypted', 'long enough words'],
])(
  'what a killed export leaves, %s, is gone after the next opening, and nothing else is',
  async (_how, passphrase) => {
    // Others' files, which look like drafts of ours.
    const others = ['out.json.draft-0123456789ab', 'thesis.draft-2', 'out.json.old'];
    for (const name of others) writeFileSync(join(place, name), 'mine');
    const path = join(place, 'out.json');
    writeFileSync(path, 'before');
    let left = 0;
    for (let round = 0; round < 2 * LONG; round += 1) {
      await killWhileWriting(path, passphrase);
      left += drafts().filter((name) => !others.includes(name)).length;

      const { db } = await openProfile({ folder: profile });
      const removed = auditOf(db, 'file.draft-removed').length;
      await removeLeftDrafts(db);
      expectSound(db);
      const entries = auditOf(db, 'file.draft-removed').slice(removed);
      expect(entries.every(({ content }) => content['file'] === 'out.json')).toBe(true);
      db.close();
      expect(readdirSync(place).sort()).toEqual([...others, 'out.json'].sort());
      for (const name of others) expect(readFileSync(join(place, name), 'utf8')).toBe('mine');
    }
    // A kill can meet the moment after the file got its name; not every one does.
    expect(left).toBeGreaterThan(0);
    // The file itself is the one of before, or a whole one.
    if (passphrase === '' && readFileSync(path, 'utf8') !== 'before')
      expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(PATIENTS);
  },
);
