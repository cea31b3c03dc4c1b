/** The age in months of infants, from every source that tells the day of birth. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { infantMonths, yearsBetween } from '../../src/records/sources/codes.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { withStore } from '../../src/engine/store/testing.ts';
import { folderOf, importInto } from './importing.ts';

const ages = ({ db }: Profile) => db.all('SELECT age, age_months FROM visits ORDER BY date');

test('months are completed months, under two years only, and only where both days are known', () => {
  const day = (year: number) =>
    fc.date({
      min: new Date(Date.UTC(year, 0)),
      max: new Date(Date.UTC(year + 2, 11, 31)),
      noInvalidDate: true,
    });
  fc.assert(
    fc.property(day(2019), day(2020), (birth, visit) => {
      const [born, at] = [birth.toISOString().slice(0, 10), visit.toISOString().slice(0, 10)];
      const years = yearsBetween(born, at);
      // How many monthly birthdays have passed, counted one by one; one that a month lacks is not there yet.
      let completed = -1;
      for (let month = 0; month <= 48; month += 1) {
        const [first, last] = [new Date(birth), new Date(birth)];
        first.setUTCDate(1);
        first.setUTCMonth(first.getUTCMonth() + month);
        const key = `${first.toISOString().slice(0, 7)}-${last.toISOString().slice(8, 10)}`;
        if (key <= at) completed = month;
      }
      const expected = completed >= 0 && completed < 24 ? { age_months: completed } : {};
      expect(infantMonths(born, at, years ?? 0)).toEqual(expected);
    }),
  );
  expect(infantMonths('2020-01', '2020-05-01', 0)).toEqual({});
  expect(infantMonths('2020-01-10', '2020-05', 0)).toEqual({});
  expect(infantMonths('2020-01-10', '2020-05-01', 1)).toEqual({});
});

test('FHIR, CSV and MIMIC-III carry them into the store, and an import is recognised when repeated', async () => {
  const subject = { reference: 'Patient/p' };
  const encounter = (id: string, start: string) => ({
    resource: {
      resourceType: 'Encounter',
      id,
      status: 'finished',
      class: { code: 'AMB' },
      subject,
      period: { start },
    },
  });
  const entry = [
    { resource: { resourceType: 'Patient', id: 'p', gender: 'female', birthDate: '2020-01-31' } },
    encounter('a', '2020-01-31T10:00:00Z'),
    encounter('b', '2021-12-30T10:00:00Z'),
    encounter('c', '2022-01-31T10:00:00Z'),
  ];
  await withStore(async (profile) => {
    const folder = folderOf(profile, 'fhir', {
      'b.json': JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }),
    });
    expect(await importInto(profile, folder)).toMatchObject({ visitsCreated: 3, refusedCount: 0 });
    expect(ages(profile)).toEqual([
      { age: 0, age_months: 0 },
      { age: 1, age_months: 22 },
      { age: 2, age_months: null },
    ]);
    expect(await importInto(profile, folder)).toMatchObject({ visitsSkipped: 3, refusedCount: 0 });
  });
  await withStore(async (profile) => {
    const folder = folderOf(profile, 'csv', {
      'c.csv':
        'visit,date,birth_date,age,sex\n1,2024-03-05,2023-10-06,,F\n2,2024-03-06,,0,F\n3,2024-03-07,2023-10-06,4,F\n',
    });
    await importInto(profile, folder, { format: 'csv' });
    expect(ages(profile)).toEqual([
      { age: 0, age_months: 4 },
      { age: 0, age_months: null },
      { age: 4, age_months: null },
    ]);
  });
  await withStore(async (profile) => {
    const folder = folderOf(profile, 'mimic', {
      'PATIENTS.csv': 'SUBJECT_ID,GENDER,DOB\n1,F,2150-01-01 00:00:00\n',
      'ADMISSIONS.csv': 'SUBJECT_ID,HADM_ID,ADMITTIME\n1,11,2150-01-01 08:00:00\n1,12,2150-04-01 08:00:00\n',
      'DIAGNOSES_ICD.csv': 'SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,11,1,V3000\n1,12,1,4660\n',
      'PROCEDURES_ICD.csv': 'SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,11,1,9955\n',
      'PRESCRIPTIONS.csv':
        'SUBJECT_ID,HADM_ID,STARTDATE,DRUG_TYPE,DRUG,NDC\n1,12,2150-04-01 00:00:00,MAIN,Ampicillin,\n',
    });
    await importInto(profile, folder);
    expect(ages(profile)).toEqual([
      { age: 0, age_months: 0 },
      { age: 0, age_months: 3 },
    ]);
  });
});
