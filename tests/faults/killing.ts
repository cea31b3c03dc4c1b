/** What the tests that kill have in common: the kill, its count, and what a store must be after one. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { verifyAudit } from '../../src/engine/store/audit.ts';
import { changedDecisions } from '../../src/engine/store/decisions.ts';
import type { ReadableDb } from '../../src/engine/store/handle.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { countWaiting } from '../../src/engine/store/search.ts';
import type { Child } from './children.ts';

/** `npm run test:long` multiplies the kills. */
export const LONG = Number(process.env['FLAME_LONG'] ?? 1);

/** Kills by SIGKILL so far in this file, by kind. */
export const kills: Record<string, number> = {};

/** Kills at a random moment of the next `within` milliseconds. @returns false when the child had ended before */
export async function kill(what: string, child: Child, within: number): Promise<boolean> {
  await sleep(Math.random() * within);
  const isKilled = child.process.exitCode === null && child.process.kill('SIGKILL');
  await child.ended;
  if (isKilled) kills[what] = (kills[what] ?? 0) + 1;
  return isKilled;
}

export function sayKills(): void {
  console.log('killed with SIGKILL:', JSON.stringify(kills));
}

export function expectSound(db: ReadableDb): void {
  expect(verifyAudit(db).broken).toBeNull();
  expect(changedDecisions(db)).toEqual([]);
  expect(db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(db.all('PRAGMA foreign_key_check')).toEqual([]);
  // Whoever has no search document is marked as waiting for it.
  expect(
    db.get(
      `SELECT count(*) AS n FROM patients WHERE key NOT IN (SELECT rowid FROM patient_search)
         AND key NOT IN (SELECT patient FROM search_waiting)`,
    ),
  ).toEqual({ n: 0 });
}

/** Every patient is found by the search, and none waits for it. */
export function expectSearchable(db: ReadableDb): void {
  expect(countWaiting(db)).toBe(0);
  expect(db.get('SELECT count(*) AS n FROM patient_search')).toEqual({ n: countPatients(db) });
}
