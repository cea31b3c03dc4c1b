import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { openProfile } from '../../src/engine/profile.ts';
import { verifyAudit } from '../../src/engine/store/audit.ts';
import { changedDecisions, getDecision } from '../../src/engine/store/decisions.ts';
import type { ReadableDb } from '../../src/engine/store/handle.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits, getVisit } from '../../src/engine/store/visits.ts';
import { asId, type DecisionId, type VisitId } from '../../src/shared/ids.ts';
import { startChild, type Child } from './children.ts';

// A kill cannot test fsync (the system keeps the file cache); `PRAGMA synchronous` is checked in handle.test.ts.
const root = temporaryFolder();
afterAll(() => root.remove());

async function kill(child: Child, after: number): Promise<void> {
  await sleep(after);
  child.process.kill('SIGKILL');
  await child.ended;
}

function expectSound(db: ReadableDb): void {
  expect(verifyAudit(db).broken).toBeNull();
  expect(changedDecisions(db)).toEqual([]);
  expect(db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(db.get<{ n: number }>('SELECT count(*) AS n FROM patient_search')!.n).toBe(countPatients(db));
}

test('killed while saving, 8 times: no acknowledged decision is lost', { timeout: 300_000 }, async () => {
  const folder = join(root.path, 'saves');
  const acknowledged: { visit: VisitId; decision: DecisionId }[] = [];
  for (let round = 0; round < 8; round++) {
    const child = startChild('write', [folder, 'save']);
    await child.until(({ decision }) => decision !== undefined);
    await kill(child, round * 23);
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

test(
  'killed while importing, 4 times: whole batches stay, and the repeat completes it',
  { timeout: 300_000 },
  async () => {
    const folder = join(root.path, 'import');
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
    let least = 0;
    for (let round = 0; round < 4; round++) {
      const child = startChild('write', [folder, 'import', file]);
      await child.until(({ visitsStored }) => Number(visitsStored) > 0 || round === 3);
      if (round === 3) await child.ended;
      else await kill(child, round * 17);
      const stored = Math.max(0, ...child.said.map(({ visitsStored }) => Number(visitsStored ?? 0)));
      const { db } = await openProfile({ folder });
      expect(countVisits(db)).toBeGreaterThanOrEqual(Math.min(total, least + stored));
      expect(countVisits(db) % 500).toBe(0);
      least = countVisits(db);
      expectSound(db);
      db.close();
    }
    expect(least).toBe(total);
  },
);

test('killed during the first start, 6 times: the next start works', { timeout: 300_000 }, async () => {
  for (let round = 0; round < 6; round++) {
    const folder = join(root.path, `first-${round}`);
    const child = startChild('write', [folder, 'save']);
    await child.until(({ starting }) => starting !== undefined);
    await kill(child, round * 4);
    const { db } = await openProfile({ folder });
    expectSound(db);
    db.close();
  }
});
