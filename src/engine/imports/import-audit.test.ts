import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shippedKnowledge } from '../../knowledge/fixture.ts';
import type { Profile } from '../profile.ts';
import { listAudit, verifyAudit } from '../store/audit.ts';
import { listRuns } from '../store/import-runs.ts';
import { noTitles, withStore } from '../store/testing.ts';
import { countVisits } from '../store/visits.ts';
import { noteInterrupted } from './import-audit.ts';
import { importPicked, listStoppedRuns, type PickedImport } from './import-picked.ts';

function fileOf({ folder }: Profile, visits: number): string {
  const path = join(folder, '..', 'clinic.jsonl');
  const line = (n: number) =>
    JSON.stringify({ visit: `v${n}`, year: 2009, age: 50, sex: 'F', dx_system: 'ICD-9-CM' });
  writeFileSync(path, Array.from({ length: visits }, (_, n) => `${line(n)}\n`).join(''));
  return path;
}

function importFile({ db, folder }: Profile, path: string, change: Partial<PickedImport> = {}) {
  return importPicked(db, {
    path,
    format: null,
    dryRun: false,
    drugs: shippedKnowledge().drugs,
    site: { look: () => null },
    titles: noTitles,
    actor: 'Ada',
    scratch: folder,
    ...change,
  });
}

const imports = ({ db }: Profile) => listAudit(db).filter(({ action }) => action.startsWith('visits.import'));

test('the first visits are stored together with the entry that says who imports what', async () => {
  await withStore(async (profile) => {
    const path = fileOf(profile, 1200);
    const seen: number[] = [];
    await importFile(profile, path, { onProgress: () => seen.push(imports(profile).length) });
    expect(new Set(seen)).toEqual(new Set([1, 2])); // One entry from the first batch on, whatever their number.
    const [run, fingerprint] = [expect.any(String), expect.stringMatching(/^[0-9a-f]{64}$/)] as string[];
    expect(imports(profile)).toMatchObject([
      {
        actor: 'Ada',
        action: 'visits.import-started',
        subject: 'clinic.jsonl',
        content: { import: run, fingerprint, format: 'visits' },
      },
      {
        action: 'visits.imported',
        content: { import: run, visitsCreated: 1200, patientsCreated: 1200, cancelled: false },
      },
    ]);
    // Nothing is stored a second time, so nothing began.
    await importFile(profile, path);
    expect(imports(profile).map(({ action }) => action)).toEqual([
      'visits.import-started',
      'visits.imported',
      'visits.imported',
    ]);
    await importFile(profile, path, { dryRun: true });
    expect(imports(profile)).toHaveLength(3);
  });
});

test('visits that could not be stored leave no entry that they were', async () => {
  await withStore(async (profile) => {
    const { db } = profile;
    db.run("CREATE TRIGGER refused BEFORE UPDATE ON import_runs BEGIN SELECT RAISE(ABORT, 'full'); END");
    await expect(importFile(profile, fileOf(profile, 10))).rejects.toThrow();
    expect([countVisits(db), imports(profile)]).toEqual([0, []]);
  });
});

test('one that was cancelled and goes on has both parts in the log, each by who did it', async () => {
  await withStore(async (profile) => {
    const path = fileOf(profile, 1200);
    const stop = new AbortController();
    await importFile(profile, path, { signal: stop.signal, onProgress: () => stop.abort() });
    await importFile(profile, path, { actor: 'Ben' });
    expect(imports(profile).map(({ actor, action, content }) => [actor, action, content])).toMatchObject([
      ['Ada', 'visits.import-started', {}],
      ['Ada', 'visits.imported', { visitsCreated: 500, cancelled: true }],
      ['Ben', 'visits.import-started', { resumedAfter: 500 }],
      ['Ben', 'visits.imported', { visitsCreated: 1200, resumedAfter: 500, cancelled: false }],
    ]);
    expect(new Set(imports(profile).map(({ content }) => content['import'])).size).toBe(1);
    expect(verifyAudit(profile.db).broken).toBeNull();
  });
});

test('one under way is neither stopped nor begun again; a killed one is counted once by who finds it', async () => {
  await withStore(async (profile) => {
    const { db } = profile;
    const path = fileOf(profile, 6000); // The second import looks at it while the first goes on.
    const looks: unknown[] = [];
    await importFile(profile, path, {
      onProgress: () => {
        if (looks.length > 0) return;
        looks.push(listRuns(db).length, listStoppedRuns(db).length);
        looks.push(importFile(profile, path).catch((thrown: unknown) => thrown));
        // The store as a kill at this moment leaves it.
        db.run('CREATE TABLE killed AS SELECT * FROM import_runs');
      },
    });
    expect(looks.slice(0, 2)).toEqual([1, 0]);
    expect(await looks[2]).toMatchObject({ code: 'STORE_BUSY' });
    expect(imports(profile)).toHaveLength(2);

    db.run('INSERT INTO import_runs SELECT * FROM killed');
    const [run] = listStoppedRuns(db);
    noteInterrupted(db, run!, 'Ben');
    expect(imports(profile)).toHaveLength(2); // Its end is in the log.
    const other = { ...run!, id: 'from a version that noted no start' };
    noteInterrupted(db, other, 'Ben');
    noteInterrupted(db, other, 'Ben');
    expect(imports(profile).slice(2)).toMatchObject([
      {
        actor: 'Ben',
        action: 'visits.import-interrupted',
        content: { import: other.id, visitsCreated: 500 },
      },
    ]);
  });
});
