import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { ImportProgress } from '../../shared/import-api.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { importVisits, type ImportOptions } from './import-visits.ts';
import type { Profile } from '../profile.ts';
import { listAudit } from '../store/audit.ts';
import { countPatients, demoLoaded, listPatients } from '../store/patients.ts';
import { noTitles, withStore } from '../store/testing.ts';
import { countVisits, getVisit } from '../store/visits.ts';

const record = (change: Record<string, unknown>): Record<string, unknown> => ({
  year: 2020,
  age: 50,
  sex: 'F',
  dx_system: 'ICD-9-CM',
  dx: ['250.00'],
  drugs: ['metformin'],
  ...change,
});
const lines = (records: readonly unknown[]): string =>
  records.map((one) => `${JSON.stringify(one)}\n`).join('');

function importText(profile: Profile, content: string | Buffer, change: Partial<ImportOptions> = {}) {
  const file = join(profile.folder, '..', 'visits.jsonl');
  writeFileSync(file, content);
  return importVisits(profile.db, {
    file,
    resolveDrugs: (name) => (name.startsWith('mystery') ? null : [asId<DrugId>(name)]),
    titles: { titleOf: (_system, code) => (code === '25000' ? 'Diabetes mellitus' : null) },
    actor: 'tester',
    ...change,
  });
}

test('good lines are stored, bad ones named; drugs and codes that no table knows are counted', async () => {
  await withStore(async (profile) => {
    const { db } = profile;
    const content = [
      lines([record({ visit: 'a', patient: 'p1', name: 'Ada', date: '2020-05-01' })]),
      'not json\n\n',
      lines([
        record({ visit: 'b', patient: 'p1', year: 2021, age: 51, drugs: ['mystery', 'digoxin'] }),
        record({ visit: 'c', dx: ['999', '25000'], current: ['mystery', 'mystery elixir'] }),
        record({ visit: 'd', age: 500 }),
        record({ visit: 'e', name: 'Zoë', drugs: undefined }),
      ]),
    ].join('');
    const report = await importText(profile, content);
    expect(report).toEqual({
      file: 'visits.jsonl',
      format: 'visits',
      dryRun: false,
      linesRead: 6,
      tables: [{ name: 'visits', rows: 6, used: true }],
      patientsCreated: 3,
      visitsCreated: 4,
      visitsSkipped: 0,
      refused: [
        { line: 2, problem: 'is not JSON: one complete JSON object a line is expected' },
        { line: 6, problem: 'age is above 130' },
      ],
      refusedCount: 2,
      leftOut: [],
      drugs: {
        mentions: 6,
        mapped: 3,
        throughSite: 0,
        throughCode: 0,
        setAside: 0,
        unmapped: 3,
        nameless: 0,
      },
      unresolvedDrugs: [
        { name: 'mystery', kind: 'name', count: 2 },
        { name: 'mystery elixir', kind: 'name', count: 1 },
      ],
      ambiguousDrugs: [],
      unknownCodes: [{ code: '999', count: 1 }],
      unmappedConditions: [],
      cancelled: false,
    });
    const find = (query: string) => listPatients(db, { query, limit: 9, offset: 0 }, noTitles).patients;
    expect(
      find('')
        .map(({ patient }) => patient.name)
        .sort(),
    ).toEqual(['Ada', 'Visit c', 'Zoë']);
    expect(find('diabetes')).toHaveLength(3);
    expect(find('ada digoxin')).toMatchObject([
      { visitCount: 2, patient: { sourceId: 'p1', birthYear: 1970, sex: 'F', demo: false } },
    ]);
    expect(getVisit(db, find('zoe')[0]!.lastVisitId!)).toMatchObject({ prescribed: null, sourceId: 'e' });
    expect(getVisit(db, find('ada')[0]!.lastVisitId!).unmapped).toEqual(['mystery']);
    expect(listAudit(db)).toMatchObject([
      { actor: 'tester', action: 'visits.import-started', subject: 'visits.jsonl' },
      { actor: 'tester', action: 'visits.imported', subject: 'visits.jsonl', content: { visitsCreated: 4 } },
    ]);
  });
});

test('a second import stores nothing twice, and a changed visit under a known identifier is refused', async () => {
  await withStore(async (profile) => {
    const records = ['a', 'b', 'c'].map((visit) => record({ visit, patient: 'p' }));
    await importText(profile, lines(records));
    const again = await importText(
      profile,
      gzipSync(lines([...records, record({ visit: 'd', patient: 'p' })])),
    );
    expect(again).toMatchObject({ visitsCreated: 1, visitsSkipped: 3, patientsCreated: 0, refusedCount: 0 });
    const changed = await importText(
      profile,
      lines([records[0], record({ visit: 'b', patient: 'p', age: 51 })]),
    );
    expect(changed).toMatchObject({ visitsCreated: 0, visitsSkipped: 1, refusedCount: 1 });
    expect(changed.refused[0]).toEqual({
      line: 2,
      problem: 'visit b is stored already with other content; it was not changed',
    });
    // The same within one file, before anything is stored.
    const twice = await importText(
      profile,
      lines([record({ visit: 'x' }), record({ visit: 'x' }), record({ visit: 'x', age: 1 })]),
    );
    expect(twice).toMatchObject({ visitsCreated: 1, visitsSkipped: 1, refusedCount: 1 });
    expect(countVisits(profile.db)).toBe(5);
    // Demo patients live apart from the site's own.
    const demo = await importText(profile, lines(records), { demo: true });
    expect(demo).toMatchObject({ visitsCreated: 3, patientsCreated: 1 });
    expect(demoLoaded(profile.db)).toBe(true);
    expect(countPatients(profile.db)).toBe(3);
  });
});

test('progress is told after each batch; cancelling stops between two, and what is stored stays', async () => {
  await withStore(async (profile) => {
    const content = lines(Array.from({ length: 2300 }, (_, index) => record({ visit: `v${index}` })));
    const progress: ImportProgress[] = [];
    const controller = new AbortController();
    const report = await importText(profile, content, {
      signal: controller.signal,
      onProgress: (one) => {
        progress.push(one);
        if (progress.length === 2) controller.abort();
      },
    });
    expect(report).toMatchObject({ visitsCreated: 1000, linesRead: 1000, cancelled: true });
    expect(countVisits(profile.db)).toBe(1000);
    expect(progress.map(({ visitsStored }) => visitsStored)).toEqual([500, 1000]);
    progress.length = 0;
    const rest = await importText(profile, content, { onProgress: (one) => void progress.push(one) });
    expect(rest).toMatchObject({ visitsCreated: 1300, visitsSkipped: 1000, cancelled: false });
    const fractions = progress.map(({ fraction }) => fraction!);
    expect(fractions.at(-1)).toBe(1);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    const stopped = await importText(profile, content, { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ linesRead: 0, cancelled: true });
  });
});

test('other work is done between batches', async () => {
  await withStore(async (profile) => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await importText(
      profile,
      lines(Array.from({ length: 3000 }, (_, index) => record({ visit: `v${index}` }))),
    );
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

test('a file without a usable visit, or none at all, is an error that names the first bad line', async () => {
  await withStore(async (profile) => {
    await expect(importText(profile, 'name,age\nAda,50\n')).rejects.toMatchObject({
      code: 'IMPORT_EMPTY',
      details: {
        file: 'visits.jsonl',
        refused: 2,
        problem: expect.stringMatching(/^line 1: is not JSON.*and 1 more refused/) as string,
      },
    });
    await expect(importText(profile, '\n')).rejects.toMatchObject({ code: 'IMPORT_EMPTY' });
    await expect(importText(profile, '', { file: '/nowhere/x.jsonl' })).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
      details: { file: 'x.jsonl' }, // No folder: the page shows this.
    });
    expect(basename(profile.db.file)).toBe('flame.db');
    expect(listAudit(profile.db)).toEqual([]);
  });
});

test('only the first 100 refused lines are listed; all are counted', async () => {
  await withStore(async (profile) => {
    const report = await importText(profile, `${'x\n'.repeat(250)}${lines([record({ visit: 'a' })])}`);
    expect(report.refused).toHaveLength(100);
    expect(report.refusedCount).toBe(250);
  });
});
