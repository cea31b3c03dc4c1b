import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { listRuns } from '../../src/engine/store/import-runs.ts';
import { listAudit } from '../../src/engine/store/audit.ts';
import { siteMappingsOf } from '../../src/engine/store/site-mappings.ts';
import { withStore } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { folderOf, importInto, MIMIC, storedVisits } from './importing.ts';

const table = (name: string): string[][] =>
  readFileSync(join(MIMIC, `${name}.csv`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
const csv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.join(',')}\n`).join('');

const expected = await withStore(async (profile) => {
  const report = await importInto(profile, MIMIC);
  return {
    report,
    visits: storedVisits(profile),
    scratch: readdirSync(profile.folder).filter((name) => name.endsWith('.scratch')),
  };
});

test('MIMIC-IV: every admission is a visit, every order row is accounted for', () => {
  const orders = table('prescriptions').slice(1);
  const fluids = orders.filter(([, , kind]) => kind === 'BASE').length;
  const { report, visits, scratch } = expected;
  expect(report).toMatchObject({
    format: 'mimic-iv',
    visitsCreated: 14,
    patientsCreated: 6,
    refusedCount: 0,
  });
  expect(report.drugs.mentions).toBe(orders.length - fluids);
  const { mapped, setAside, unmapped } = report.drugs;
  expect(mapped + setAside + unmapped).toBe(report.drugs.mentions);
  expect(visits).toHaveLength(table('admissions').length - 1);
  expect(scratch).toEqual([]);
});

test('the case and order of columns, the order of rows and gzip do not matter', async () => {
  await withStore(async (profile) => {
    const names = ['patients', 'admissions', 'diagnoses_icd', 'procedures_icd', 'prescriptions'];
    const files = names.map((name) => {
      const [head = [], ...rows] = table(name).map((row) => [...row].reverse());
      const text = csv([head.map((column) => column.toUpperCase()), ...rows.reverse()]);
      return [`${name.toUpperCase()}.csv.gz`, gzipSync(text.replaceAll('\n', '\r\n'))] as const;
    });
    const report = await importInto(profile, folderOf(profile, 'release', Object.fromEntries(files)));
    expect(report).toMatchObject({
      format: 'mimic-iv',
      visitsCreated: 14,
      refusedCount: 0,
      drugs: expected.report.drugs,
    });
    expect(storedVisits(profile)).toEqual(expected.visits);
  });
});

test('MIMIC-III: the age comes from the birth that is shifted with it, ages above 89 stand as 90', async () => {
  await withStore(async (profile) => {
    const folder = folderOf(profile, 'mimic3', {
      'PATIENTS.csv':
        '"ROW_ID","SUBJECT_ID","GENDER","DOB","DOD","EXPIRE_FLAG"\n1,2,"M",2138-07-17 00:00:00,,0\n2,3,"F",1880-01-01 00:00:00,,0\n',
      'ADMISSIONS.csv':
        '"ROW_ID","SUBJECT_ID","HADM_ID","ADMITTIME","DISCHTIME","DIAGNOSIS"\n1,2,100,2188-07-16 07:15:00,,"NEWBORN, TWIN"\n2,3,101,2180-05-06 22:16:00,,"SEPSIS"\n3,9,102,2180-05-06 22:16:00,,""\n4,3,103,soon,,""\n',
      'DIAGNOSES_ICD.csv':
        '"ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE"\n1,2,100,2,"4019"\n2,2,100,1,"25000"\n3,3,101,1,"99591"\n4,3,101,2,""\n',
      'PROCEDURES_ICD.csv': '"ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE"\n1,2,100,1,"9955"\n',
      'PRESCRIPTIONS.csv':
        '"ROW_ID","SUBJECT_ID","HADM_ID","ICUSTAY_ID","STARTDATE","ENDDATE","DRUG_TYPE","DRUG","NDC","ROUTE"\n1,2,100,,2188-07-16,,"MAIN","Furosemide","00517570425","IV"\n2,2,100,,2188-07-16,,"BASE","NS","0","IV"\n3,3,101,,2180-05-07,,"MAIN","Mystery","63323038810","IV"\n',
    });
    const site = siteMappingsOf([{ kind: 'ndc', written: '63323-388-10', targets: ['ceftriaxone'] }]);
    const report = await importInto(profile, folder, { site });
    expect(report).toMatchObject({
      format: 'mimic-iii',
      visitsCreated: 2,
      drugs: { mentions: 2, mapped: 2, throughSite: 1 },
    });
    expect(report.refused).toEqual([
      { file: 'ADMISSIONS.csv', line: 4, problem: 'patient 9 is not in patients' },
      { file: 'ADMISSIONS.csv', line: 5, problem: 'admittime is no time: soon' },
    ]);
    expect(storedVisits(profile)).toMatchObject([
      {
        source_id: 'mimic-iii-100',
        age: 49,
        date: '2188-07-16',
        diagnoses: '["ICD-9-CM 25000","ICD-9-CM 4019"]',
        procedures: '["9955"]',
        drugs: '["prescribed furosemide"]',
      },
      { source_id: 'mimic-iii-101', age: 90, drugs: '["prescribed ceftriaxone"]' },
    ]);
  });
});

describe('an import', () => {
  test('that is dry stores nothing and finds the same', async () => {
    await withStore(async (profile) => {
      const dry = await importInto(profile, MIMIC, { dryRun: true });
      expect({ ...dry, dryRun: false }).toEqual(expected.report);
      expect(countVisits(profile.db)).toBe(0);
      expect(listAudit(profile.db)).toEqual([]);
    });
  });

  test('that is repeated, under another mapping table too, stores nothing twice', async () => {
    await withStore(async (profile) => {
      await importInto(profile, MIMIC);
      const site = siteMappingsOf([{ kind: 'name', written: 'Acetaminophen', targets: [] }]);
      const again = await importInto(profile, MIMIC, { site });
      expect(again).toMatchObject({
        visitsCreated: 0,
        visitsSkipped: 14,
        patientsCreated: 0,
        refusedCount: 0,
      });
      expect(again.drugs.setAside).toBe(
        table('prescriptions').filter(([, , , drug]) => drug === 'Acetaminophen').length,
      );
      expect(storedVisits(profile)).toEqual(expected.visits);
    });
  });

  test('that lacks a table or a column says which', async () => {
    await withStore(async (profile) => {
      const some = { 'patients.csv': csv(table('patients')), 'admissions.csv': csv(table('admissions')) };
      await expect(importInto(profile, folderOf(profile, 'a', some))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        details: { problem: 'the folder holds no table diagnoses_icd (diagnoses_icd.csv or .csv.gz)' },
      });
      const cut = { ...some, 'admissions.csv': csv(table('admissions').map((row) => row.slice(1))) };
      await expect(importInto(profile, folderOf(profile, 'b', cut))).rejects.toMatchObject({
        details: {
          problem: expect.stringMatching(/^admissions.csv has no column subject_id; its/) as string,
        },
      });
      const alone = { 'patients.csv': some['patients.csv'] };
      await expect(importInto(profile, folderOf(profile, 'c', alone))).rejects.toMatchObject({
        details: { problem: 'the folder holds no table admissions (admissions.csv or .csv.gz)' },
      });
    });
  });

  test('that is cancelled leaves no scratch file behind', async () => {
    await withStore(async (profile) => {
      const report = await importInto(profile, MIMIC, { signal: AbortSignal.abort() });
      expect(report).toMatchObject({ cancelled: true, visitsCreated: 0 });
      expect(readdirSync(profile.folder).filter((name) => name.endsWith('.scratch'))).toEqual([]);
    });
  });
});

test('an import that was cancelled goes on where it stopped, and ends as if it had not', async () => {
  await withStore(async (profile) => {
    const records = Array.from({ length: 1800 }, (_, n) => ({
      visit: `v${n}`,
      patient: `p${n % 90}`,
      year: 2020,
      age: 50,
      sex: 'F',
      dx_system: 'ICD-10-CM',
      dx: ['I10', 'ZZ99'],
      drugs: ['aspirin', 'House mixture'],
    }));
    const folder = folderOf(profile, 'lines', {
      'visits.jsonl': records.map((one) => `${JSON.stringify(one)}\n`).join(''),
    });
    const file = join(folder, 'visits.jsonl');
    const abort = new AbortController();
    const part = await importInto(profile, file, { signal: abort.signal, onProgress: () => abort.abort() });
    expect(part).toMatchObject({ cancelled: true, visitsCreated: 500 });
    expect(listRuns(profile.db)).toMatchObject([{ handled: 500, visitsCreated: 500, patientsCreated: 90 }]);
    const rest = await importInto(profile, file);
    expect(rest).toMatchObject({
      resumedAfter: 500,
      visitsCreated: 1800,
      visitsSkipped: 0,
      patientsCreated: 90,
      linesRead: 1800,
    });
    expect(rest.unknownCodes).toEqual([{ code: 'ZZ99', count: 1800 }]);
    expect(rest.drugs).toMatchObject({ mentions: 3600, unmapped: 1800 });
    expect(countVisits(profile.db)).toBe(1800);
    expect(listRuns(profile.db)).toEqual([]);
    expect(await importInto(profile, file)).toMatchObject({ visitsCreated: 0, visitsSkipped: 1800 });
  });
});
