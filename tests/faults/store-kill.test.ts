import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { countDecisions, getDecision } from '../../src/engine/store/decisions.ts';
import { SCHEMA_VERSION } from '../../src/engine/store/migrate.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits, getVisit } from '../../src/engine/store/visits.ts';
import { asId, type DecisionId, type VisitId } from '../../src/shared/ids.ts';
import { startChild } from './children.ts';
import { expectSearchable, expectSound, kill, kills, LONG, sayKills } from './killing.ts';
import { oldProfile } from './old-profile.ts';

// A kill cannot test fsync (the system keeps the file cache); `PRAGMA synchronous` is checked in handle.test.ts.
const limit = { timeout: 300_000 * LONG };
const root = temporaryFolder();
afterAll(() => {
  root.remove();
  sayKills();
});

test('killed while saving: no acknowledged decision is lost', limit, async () => {
  const folder = join(root.path, 'saves');
  const acknowledged: { visit: VisitId; decision: DecisionId }[] = [];
  for (let round = 0; round < 8 * LONG; round++) {
    const child = startChild('write', [folder, 'save']);
    await child.until(({ decision }) => decision !== undefined);
    await kill('save', child, 150);
    for (const { visit, decision } of child.said) {
      if (visit === undefined || decision === undefined) continue;
      acknowledged.push({
        visit: asId<VisitId>(String(visit)),
        decision: asId<DecisionId>(String(decision)),
      });
    }
    const { db } = await openProfile({ folder });
    for (const { visit, decision } of acknowledged) {
      expect(getDecision(db, decision).visitId).toBe(getVisit(db, visit).id);
    }
    expectSound(db);
    db.close();
  }
  expect(acknowledged.length).toBeGreaterThan(8);
});

test('killed while importing: whole batches stay, and the repeat completes it', limit, async () => {
  const file = join(root.path, 'visits.jsonl');
  const total = 6000;
  const record = (index: number): string =>
    JSON.stringify({
      visit: `v${index}`,
      year: 2020,
      age: 50,
      sex: 'F',
      dx_system: 'ICD-9-CM',
      dx: ['25000'],
      drugs: ['metformin'],
    });
  writeFileSync(file, Array.from({ length: total }, (_, index) => `${record(index)}\n`).join(''));
  for (let turn = 0; turn < LONG; turn++) {
    const folder = join(root.path, `import-${turn}`);
    let least = 0;
    for (let round = 0; least < total; round++) {
      const child = startChild('write', [folder, 'import', file]);
      await child.until(({ starting }) => starting !== undefined);
      if (round < 3) {
        if (round > 0) await child.until(({ visitsStored }) => visitsStored !== undefined).catch(() => null);
        await kill('import', child, 250);
      } else await child.ended;
      const stored = Math.max(0, ...child.said.map(({ visitsStored }) => Number(visitsStored ?? 0)));
      const { db } = await openProfile({ folder });
      expect(countVisits(db)).toBeGreaterThanOrEqual(Math.min(total, least + stored));
      expect(countVisits(db) % 500).toBe(0);
      least = countVisits(db);
      expectSound(db);
      if (round >= 3) expectSearchable(db);
      db.close();
    }
    expect(least).toBe(total);
  }
});

test(
  'killed while migrating: the old content or the new one, and the next start completes it',
  limit,
  async () => {
    const rows = 10_000;
    const made = join(root.path, 'migrate-made');
    oldProfile(made, rows);
    // How long a whole migration takes here, so that the kills fall all over it.
    const whole = join(root.path, 'migrate-whole');
    cpSync(made, whole, { recursive: true });
    const first = startChild('write', [whole, 'open']);
    await first.until(({ starting }) => starting !== undefined);
    const started = performance.now();
    await first.until(({ opened }) => opened !== undefined);
    const took = performance.now() - started;
    await first.ended;
    // Some end before their kill: the machine may have been slower a moment ago.
    for (let round = 0, killed = 0; killed < 4 * LONG && round < 12 * LONG; round++) {
      const folder = join(root.path, `migrate-${round}`);
      cpSync(made, folder, { recursive: true });
      const child = startChild('write', [folder, 'open']);
      await child.until(({ starting }) => starting !== undefined);
      if (await kill('migration', child, took * 0.7)) killed += 1;
      const { db } = await openProfile({ folder });
      expect(db.get('PRAGMA user_version')).toEqual({ user_version: SCHEMA_VERSION });
      expect([countPatients(db), countVisits(db), countDecisions(db)]).toEqual([rows, rows, rows]);
      // Every drug of every decision got its row, once.
      expect(db.get('SELECT count(*) AS n FROM decision_drugs')).toEqual({ n: 2 * rows });
      expect(db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(db.all('PRAGMA foreign_key_check')).toEqual([]);
      db.close();
      rmSync(folder, { recursive: true });
    }
    expect(kills['migration']).toBeGreaterThan(0);
  },
);

test('killed during the first start: the next start works', limit, async () => {
  for (let round = 0; round < 4 * LONG; round++) {
    const folder = join(root.path, `first-${round}`);
    mkdirSync(folder);
    const child = startChild('write', [folder, 'save']);
    await child.until(({ starting }) => starting !== undefined);
    await kill('first start', child, 30);
    const { db } = await openProfile({ folder });
    expectSound(db);
    db.close();
  }
});
