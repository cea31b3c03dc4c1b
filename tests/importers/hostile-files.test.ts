import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/engine/profile.ts';
import { listAudit } from '../../src/engine/store/audit.ts';
import { listRuns } from '../../src/engine/store/import-runs.ts';
import { withStore } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { ERROR_WORDING, FlameError } from '../../src/shared/errors.ts';
import { folderOf, importInto, storedVisits } from './importing.ts';

const line = (visit: string, change: object = {}): string =>
  `${JSON.stringify({ visit, patient: visit, date: '2021-05-06', age: 50, sex: 'F', drugs: ['lisinopril'], ...change })}\n`;

const patient = { resourceType: 'Patient', id: 'a', birthDate: '1950-02-03', gender: 'female' };
const encounter = (id: string, change: object = {}) => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { code: 'AMB' },
  subject: { reference: 'Patient/a' },
  period: { start: '2020-05-06' },
  ...change,
});
const bundle = (...resources: readonly unknown[]): string =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'collection',
    entry: resources.map((resource) => ({ resource })),
  });

/** What an import of one file is refused with, as a person reads it. */
async function refusal(profile: Profile, name: string, content: string | Buffer): Promise<string> {
  const folder = folderOf(profile, 'refused', { [name]: content });
  const thrown: unknown = await importInto(profile, join(folder, name)).catch((error: unknown) => error);
  rmSync(folder, { recursive: true });
  if (!(thrown instanceof FlameError)) throw new Error(`${name} was taken`, { cause: thrown });
  expect(ERROR_WORDING[thrown.code].action.length).toBeGreaterThan(20);
  return thrown.message;
}

test('a file that holds no visit is refused in words that say why, and nothing is stored', async () => {
  await withStore(async (profile) => {
    const header = 'visit,date,age,sex\n';
    for (const [name, content, words] of [
      ['empty.jsonl', '', 'is empty'],
      ['blank.jsonl', '\n\n  \n', 'is empty'],
      ['header.csv', header, 'it has no rows'],
      ['table.json', header, 'line 1: is not JSON'],
      ['array.json', `[${line('a').trim()}]`, 'is one JSON array; write one object a line'],
      ['resources.json', JSON.stringify([patient, encounter('e')]), 'or for FHIR a Bundle'],
      ['no-encounter.json', bundle(patient), 'what it holds (Patient 1) makes none'],
      [
        'r5.json',
        bundle(patient, encounter('e', { class: [{ text: 'x' }] })),
        'Encounter/e: is written as FHIR R5 writes it',
      ],
      ['utf16.csv', Buffer.from(`\uFEFF${header}`, 'utf16le'), 'UTF-16 text; save it as UTF-8'],
      ['macintosh.csv', `${header}1,2020-01-02,50,F\n`.replaceAll('\n', '\r'), 'save it as “CSV UTF-8”'],
      ['twice.csv.gz', gzipSync(gzipSync(header)), 'packed with gzip twice; unpack it once'],
      [
        'renamed.csv',
        header.replace('visit', 'EncounterID'),
        'has no column visit; its columns are encounterid, date, age, sex',
      ],
      ['same.csv', header.replace('age', 'date'), 'names the column date twice in its first line'],
      [
        'shortened.csv',
        `${header}1.23457E+11,2020-01-02,50,F\n`,
        'line 2: the identifier 1.23457E+11 was shortened by a spreadsheet',
      ],
      ['archive.csv', Buffer.from('PK\u0003\u0004 rest'), 'ZIP archive; unpack it first'],
      [
        'prototype.jsonl',
        line('a', JSON.parse('{"__proto__":{"age":1}}') as object).replace(
          '{"visit"',
          '{"__proto__":{"age":1},"visit"',
        ),
        'line 1:',
      ],
    ] as const)
      expect([name, await refusal(profile, name, content)]).toEqual([name, expect.stringContaining(words)]);
    expect([countVisits(profile.db), listRuns(profile.db), listAudit(profile.db)]).toEqual([0, [], []]);
  });
});

describe('letters that are no UTF-8', () => {
  const csv =
    'visit,date,age,name\nv1,2020-01-02,50,Müller\nv2,2020-01-02,50,Meier\nv3,2020-01-02,50,\uFFFD\n';

  test('refuse their row of a CSV; what a source wrote in proper UTF-8 stays as it is', async () => {
    await withStore(async (profile) => {
      const folder = folderOf(profile, 'letters', {
        'latin1.csv': Buffer.from(csv.replace('\uFFFD', 'Ada'), 'latin1'),
        'utf8.csv': csv,
      });
      const report = await importInto(profile, join(folder, 'latin1.csv'));
      expect(report.refused).toEqual([
        { file: 'latin1.csv', line: 2, problem: expect.stringContaining('save the file as UTF-8') as string },
      ]);
      expect(storedVisits(profile)).toMatchObject([{ name: 'Meier' }, { name: 'Ada' }]);
      const again = await importInto(profile, join(folder, 'utf8.csv'));
      expect(again).toMatchObject({ visitsCreated: 1, visitsSkipped: 1, refusedCount: 1 });
      expect(storedVisits(profile)).toMatchObject([{ name: 'Müller' }, { name: 'Meier' }, { name: 'Ada' }]);
    });
  });

  test('refuse their entry of a Bundle', async () => {
    await withStore(async (profile) => {
      const text = bundle(patient, encounter('e1'), { ...encounter('e2'), type: [{ text: 'Prüfung' }] });
      const folder = folderOf(profile, 'letters', { 'latin1.json': Buffer.from(text, 'latin1') });
      const report = await importInto(profile, join(folder, 'latin1.json'));
      expect(report).toMatchObject({ visitsCreated: 1, refusedCount: 1 });
      expect(report.refused[0]!.problem).toContain('is not UTF-8 text');
    });
  });
});

test('days that are none and years far away refuse their visit and say so', async () => {
  await withStore(async (profile) => {
    const start = (id: string, day: string) => encounter(id, { period: { start: day } });
    const folder = folderOf(profile, 'days', {
      'a.json': bundle(
        patient,
        ...['0000-00-00', '2020-13-45', '2999-01-01', '1940-01-01'].map((day, n) => start(`e${n}`, day)),
        start('good', '2020-06'),
      ),
    });
    const { refused, visitsCreated } = await importInto(profile, folder);
    expect(visitsCreated).toBe(1);
    expect(refused.map(({ problem }) => problem).sort()).toEqual([
      'Encounter: its patient a was born later, so the visit has no age',
      'Encounter: period.start is no day of the calendar: 0000-00-00',
      'Encounter: period.start is no day of the calendar: 2020-13-45',
      expect.stringContaining('year is above 2300'),
    ]);
  });
});

describe('a folder', () => {
  test('with links: to files they are read, to folders they are not, nowhere they are nothing', async () => {
    await withStore(async (profile) => {
      const folder = folderOf(profile, 'linked', { 'x.txt.bak': '' });
      const real = folderOf(profile, 'real', { 'a.json': bundle(patient, encounter('e1')) });
      symlinkSync(join(real, 'a.json'), join(folder, 'a.json'));
      symlinkSync('..', join(folder, 'back'));
      symlinkSync('nowhere.json', join(folder, 'b.json'));
      expect(await importInto(profile, folder)).toMatchObject({ visitsCreated: 1, refusedCount: 0 });
      symlinkSync('loop', join(real, 'loop'));
      await expect(importInto(profile, join(real, 'loop'))).rejects.toMatchObject({
        code: 'FILE_NOT_READABLE',
      });
    });
  });

  test.skipIf(process.platform === 'win32')('or a pipe in place of a file is refused at once', async () => {
    await withStore(async (profile) => {
      const pipe = join(folderOf(profile, 'pipes', {}), 'pipe.jsonl');
      execFileSync('mkfifo', [pipe]);
      await expect(importInto(profile, pipe)).rejects.toMatchObject({
        details: { problem: 'pipe.jsonl is neither a file nor a folder' },
      });
    });
  });

  test('whose file vanishes while it is read stores nothing and can be imported again', async () => {
    await withStore(async (profile) => {
      // Ten thousand resources before it, so that reading has begun and not ended.
      const many = Array.from({ length: 10_000 }, (_, n) => JSON.stringify(encounter(`e${n}`)));
      const files = {
        'a.ndjson': [JSON.stringify(patient), ...many].join('\n'),
        'b.ndjson': JSON.stringify(encounter('z')),
      };
      const folder = folderOf(profile, 'vanishing', files);
      let gone = false;
      const half = importInto(profile, folder, {
        onProgress: () => {
          if (!gone) rmSync(join(folder, 'b.ndjson'));
          gone = true;
        },
      });
      await expect(half).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
      expect([gone, countVisits(profile.db), listRuns(profile.db)]).toEqual([true, 0, []]);
    });
  });
});

test('an import that ends in an error leaves what it stored, says so in the audit log, and goes on later', async () => {
  await withStore(async (profile) => {
    const visits = Array.from({ length: 700 }, (_, n) => line(`v${n}`)).join('');
    const folder = folderOf(profile, 'broken', {
      'visits.jsonl': gzipSync(Buffer.concat([Buffer.from(visits), Buffer.alloc(24 * 1024 * 1024)])),
    });
    await expect(importInto(profile, join(folder, 'visits.jsonl'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('unpacks to more than 250 times its size') as string,
    });
    expect(countVisits(profile.db)).toBe(500);
    expect(listRuns(profile.db)).toMatchObject([{ handled: 500, visitsCreated: 500 }]);
    expect(listAudit(profile.db)).toMatchObject([
      { action: 'visits.import-started' },
      { action: 'visits.imported', content: { visitsCreated: 500, patientsCreated: 500, cancelled: true } },
    ]);
    folderOf(profile, 'broken', { 'visits.jsonl': visits });
    const whole = await importInto(profile, join(folder, 'visits.jsonl'));
    expect(whole).toMatchObject({ visitsCreated: 200, visitsSkipped: 500 });
  });
});

test('the same visit in two files: equal it is stored once, different it is refused and the first stays', async () => {
  await withStore(async (profile) => {
    const folder = folderOf(profile, 'twice', {
      'a.jsonl': line('v1') + line('v2'),
      'b.jsonl': line('v1', { age: 51 }) + line('v2') + line('v3') + line('v3'),
    });
    await importInto(profile, join(folder, 'a.jsonl'));
    const report = await importInto(profile, join(folder, 'b.jsonl'));
    expect(report).toMatchObject({ visitsCreated: 1, visitsSkipped: 2, refusedCount: 1 });
    expect(report.refused[0]).toMatchObject({
      line: 1,
      problem: expect.stringContaining('it was not changed') as string,
    });
    expect(storedVisits(profile)).toMatchObject([{ age: 50 }, { age: 50 }, { age: 50 }]);
  });
});

test('what a spreadsheet leaves in a table is passed over or told, never guessed', async () => {
  await withStore(async (profile) => {
    const rows = [
      'visit,date,age,sex,setting,dx_system,dx,weight,allergies,,',
      '1,2020-01-02,50,2,ER,ICD-10-CM,E11.40+; G63.2*,"70,5",NKDA,,',
      '2,2020-01-02,50,U,office,ICD-10-CM,I10,70.5,No known allergies except latex,,',
      'Total,,,,,,,,,,',
    ];
    const file = join(folderOf(profile, 'sheet', { 'sheet.csv': rows.join('\r\n') }), 'sheet.csv');
    const report = await importInto(profile, file);
    expect(report.refused).toEqual([
      { file: 'sheet.csv', line: 4, problem: 'date is missing, and so is year' },
    ]);
    expect(report.leftOut.map(({ reason }) => reason).sort()).toEqual([
      'allergies: an entry that says there is none',
      'setting "er": is none of office, inpatient, intensive-care, emergency, unknown',
      'sex "2": is none of F, M, unknown',
      'weight: no number with a decimal point, or outside what is believed',
    ]);
    expect(storedVisits(profile)).toMatchObject([
      {
        sex: 'unknown',
        setting: 'unknown',
        diagnoses: '["ICD-10-CM E1140","ICD-10-CM G632"]',
        measured: '[]',
      },
      { sex: 'unknown', setting: 'office', allergies: '["No known allergies except latex"]' },
    ]);
  });
});

test('identifiers that differ only in half a surrogate pair are one identifier, and the second visit is refused', async () => {
  await withStore(async (profile) => {
    const visits = ['x\uD800', 'x\uDC00'].map((visit, at) => line(visit, { name: visit, notes: String(at) }));
    const file = join(folderOf(profile, 'halves', { 'halves.jsonl': visits.join('') }), 'halves.jsonl');
    const report = await importInto(profile, file);
    expect(report).toMatchObject({ visitsCreated: 1, patientsCreated: 1, refusedCount: 1 });
    expect(report.refused[0]!.problem).toContain('is stored already with other content');
    expect(storedVisits(profile)).toMatchObject([{ source_id: 'x\uFFFD', name: 'x\uFFFD' }]);
    expect(await importInto(profile, file)).toMatchObject({
      visitsCreated: 0,
      visitsSkipped: 1,
      refusedCount: 1,
    });
  });
});
