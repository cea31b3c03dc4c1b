import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { verifyAudit } from '../../src/engine/store/audit.ts';
import { changedDecisions, countDecisions, getDecision } from '../../src/engine/store/decisions.ts';
import type { ReadableDb } from '../../src/engine/store/handle.ts';
import { SCHEMA_VERSION } from '../../src/engine/store/migrate.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { countWaiting } from '../../src/engine/store/search.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits, getVisit } from '../../src/engine/store/visits.ts';
import { asId, type DecisionId, type VisitId } from '../../src/shared/ids.ts';
import { startChild, type Child } from './children.ts';
import { oldProfile } from './old-profile.ts';

// A kill cannot test fsync (the system keeps the file cache); `PRAGMA synchronous` is checked in handle.test.ts.
/** `npm run test:long` multiplies the kills. */
const LONG = Number(process.env['FLAME_LONG'] ?? 1);
const limit = { timeout: 300_000 * LONG };
const root = temporaryFolder();
const kills: Record<string, number> = {};
afterAll(() => {
  root.remove();
  console.log('killed with SIGKILL:', JSON.stringify(kills));
});

/** Kills at a random moment of the next `within` milliseconds. @returns false when the child had ended before */
async function kill(what: string, child: Child, within: number): Promise<boolean> {
  await sleep(Math.random() * within);
  const isKilled = child.process.exitCode === null && child.process.kill('SIGKILL');
  await child.ended;
  if (isKilled) kills[what] = (kills[what] ?? 0) + 1;
  return isKilled;
}

function expectSound(db: ReadableDb): void {
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
function expectSearchable(db: ReadableDb): void {
  expect(countWaiting(db)).toBe(0);
  expect(db.get('SELECT count(*) AS n FROM patient_search')).toEqual({ n: countPatients(db) });
}

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
  'killed while importing FHIR: whole batches stay, no scratch file does, and the repeat completes it',
  limit,
  async () => {
    const source = join(root.path, 'fhir');
    mkdirSync(source);
    const total = 2000;
    const subject = (index: number) => ({ reference: `Patient/p${index}` });
    const icd = { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I10' }] };
    const resources: Readonly<Record<string, (index: number) => object>> = {
      Patient: (index) => ({ id: `p${index}`, gender: 'female', birthDate: '1950-01-01' }),
      Encounter: (index) => ({
        id: `e${index}`,
        status: 'finished',
        class: { code: 'AMB' },
        subject: subject(index),
        period: { start: '2020-03-01T10:00:00Z' },
      }),
      Condition: (index) => ({
        id: `c${index}`,
        subject: subject(index),
        encounter: { reference: `Encounter/e${index}` },
        code: icd,
      }),
    };
    for (const [resourceType, make] of Object.entries(resources)) {
      const lines = Array.from({ length: total }, (_, index) =>
        JSON.stringify({ resourceType, ...make(index) }),
      );
      writeFileSync(join(source, `${resourceType}.ndjson`), lines.join('\n'));
    }
    for (let turn = 0; turn < LONG; turn++) {
      const folder = join(root.path, `fhir-${turn}`);
      (await openProfile({ folder })).db.close();
      let least = 0;
      for (let round = 0; round < 4; round++) {
        const child = startChild('import', [folder, source]);
        if (round < 3) {
          await child.until(() => true).catch(() => null); // It reads.
          await kill('FHIR import', child, 400);
        } else await child.ended;
        const stored = Math.max(0, ...child.said.map(({ visitsStored }) => Number(visitsStored ?? 0)));
        const { db } = await openProfile({ folder });
        expect(countVisits(db)).toBeGreaterThanOrEqual(Math.min(total, Math.max(least, stored)));
        least = countVisits(db);
        expectSound(db);
        if (round >= 3) expectSearchable(db);
        db.close();
        expect(readdirSync(folder).filter((name) => name.endsWith('.scratch'))).toEqual([]);
      }
      expect(least).toBe(total);
    }
  },
);

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
