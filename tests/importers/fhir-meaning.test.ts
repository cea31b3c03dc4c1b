/** What a FHIR file says was not so, or may be somebody else's, never becomes a drug or a diagnosis of the patient. */

import { describe, expect, test } from 'vitest';
import { withStore } from '../../src/engine/store/testing.ts';
import { folderOf, importInto, storedVisits } from './importing.ts';

const subject = { reference: 'Patient/p' };
const at = { reference: 'Encounter/e' };
const patient = { resourceType: 'Patient', id: 'p', gender: 'female', birthDate: '1950-06-15' };
const encounter = {
  resourceType: 'Encounter',
  id: 'e',
  status: 'finished',
  class: { code: 'AMB' },
  subject,
  period: { start: '2020-03-01T10:00:00Z', end: '2020-03-01T11:00:00Z' },
};
const concept = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code }],
});
const gout = { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'M10.9' }], text: 'Gout' };
const condition = { resourceType: 'Condition', id: 'c', subject, encounter: at, code: gout };
const procedure = {
  resourceType: 'Procedure',
  id: 'c',
  status: 'completed',
  subject,
  encounter: at,
  code: { coding: [{ system: 'http://www.cms.gov/Medicare/Coding/ICD10', code: '0SRD0J9' }] },
};
const drug = { subject, medicationCodeableConcept: { text: 'warfarin' } };
const request = {
  ...drug,
  resourceType: 'MedicationRequest',
  id: 'c',
  status: 'active',
  intent: 'order',
  encounter: at,
};
const statement = {
  ...drug,
  resourceType: 'MedicationStatement',
  id: 'c',
  status: 'active',
  effectivePeriod: { start: '2019-01-01' },
};
const given = {
  ...drug,
  resourceType: 'MedicationAdministration',
  id: 'c',
  status: 'completed',
  context: at,
  effectiveDateTime: '2020-03-01T10:30:00Z',
};
const allergy = {
  resourceType: 'AllergyIntolerance',
  id: 'c',
  patient: subject,
  code: { text: 'Penicillin' },
};
const certainty = (code: string) => ({
  coding: [
    {
      system: 'http://fhir.de/CodeSystem/bfarm/icd-10-gm',
      code: 'M10.9',
      extension: [
        {
          url: 'http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit',
          valueCoding: { code },
        },
      ],
    },
  ],
});

const imported = (...resources: readonly object[]) =>
  withStore(async (profile) => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'searchset',
      link: [{ relation: 'self', url: 'https://ehr.example/fhir?page=1' }],
      entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
    };
    const folder = folderOf(profile, 'one', { 'b.json': JSON.stringify(bundle) });
    const report = await importInto(profile, folder);
    return { report, visits: storedVisits(profile) as Record<string, string>[] };
  });
const said = async (...resources: readonly object[]) => {
  const { report, visits } = await imported(patient, encounter, ...resources);
  const { diagnoses, procedures, drugs, allergies, measured } = visits[0]!;
  const held = [diagnoses, procedures, drugs, allergies, measured].flatMap(
    (list) => JSON.parse(list!) as string[],
  );
  return { held, told: report.leftOut.map(({ reason }) => reason), refused: report.refused };
};

describe('what counts', () => {
  test.each([
    ['a diagnosis', condition, ['ICD-10-CM M109']],
    ['a provisional one', { ...condition, verificationStatus: concept('provisional') }, ['ICD-10-CM M109']],
    ['one that a German practice is certain of', { ...condition, code: certainty('G') }, ['ICD-10-CM M109']],
    ['a procedure', procedure, ['0SRD0J9']],
    ['an order', request, ['prescribed warfarin']],
    ['a filler order', { ...request, intent: 'filler-order', status: 'Completed' }, ['prescribed warfarin']],
    [
      'an order with an empty text beside the name of its code',
      {
        ...request,
        medicationCodeableConcept: { text: '', coding: [{ code: '7', display: 'Zocor 20 mg' }] },
      },
      ['prescribed simvastatin'],
    ],
    ['a statement', statement, ['current warfarin']],
    ['a drug that was given', given, ['prescribed warfarin']],
    ['an allergy', allergy, ['Penicillin']],
    [
      'all but one allergy',
      { ...allergy, code: { text: 'No known allergies except penicillin' } },
      ['No known allergies except penicillin'],
    ],
  ])('%s', async (_what, resource, held) => {
    expect(await said(resource)).toMatchObject({ held, told: [], refused: [] });
  });
});

describe('what does not count, and is told', () => {
  const text = (words: string) => ({ text: words });
  test.each([
    ['refuted', { ...condition, verificationStatus: concept('refuted') }],
    ['entered in error', { ...condition, verificationStatus: concept('entered-in-error') }],
    [
      'refuted, behind a code of the site’s own',
      {
        ...condition,
        verificationStatus: { coding: [{ code: 'RO' }, ...concept('refuted').coding] },
      },
    ],
    ['ruled out, in words', { ...condition, verificationStatus: text('Ruled Out') }],
    ['one of several', { ...condition, verificationStatus: concept('differential') }],
    ['ruled out by a German practice', { ...condition, code: certainty('A') }],
    ['a procedure that is being prepared', { ...procedure, status: 'preparation' }],
    ['a procedure not done', { ...procedure, status: 'not-done' }],
    ['a procedure not done, as STU3 says', { ...procedure, notDone: true }],
    ['an order of an unknown status', { ...request, status: 'revoked' }],
    ['an order cancelled in capitals', { ...request, status: 'CANCELLED' }],
    ['a plan', { ...request, intent: 'plan' }],
    ['an unknown intent', { ...request, intent: 'directive' }],
    ['an order not to give', { ...request, doNotPerform: true }],
    ['an order not to give, by a text', { ...request, doNotPerform: 'true' }],
    ['a drug meant for later', { ...statement, status: 'intended' }],
    ['a drug not taken', { ...statement, status: 'not-taken' }],
    ['a drug not taken, as STU3 says', { ...statement, taken: 'n' }],
    ['a drug not given', { ...given, status: 'not-done' }],
    ['a drug not given, as STU3 says', { ...given, notGiven: true }],
    ['a refuted allergy', { ...allergy, verificationStatus: text('Entered in error') }],
    ['no allergy, in short', { ...allergy, code: text('NKDA') }],
  ])('%s', async (_what, resource) => {
    const { held, told, refused } = await said(resource);
    expect(held).toEqual([]);
    expect(told).toHaveLength(1);
    expect(refused).toEqual([]);
  });

  test('a medication that was entered in error is no drug, wherever it stands', async () => {
    const wrong = {
      resourceType: 'Medication',
      id: 'm',
      status: 'entered-in-error',
      code: { text: 'warfarin' },
    };
    const { medicationCodeableConcept: _words, ...bare } = request;
    const referring = { ...bare, medicationReference: { reference: 'Medication/m' } };
    expect(await said(referring, wrong)).toMatchObject({
      held: [],
      told: ['Medication that is referred to and not in the file', 'Medication with status entered-in-error'],
    });
    const holding = { ...bare, contained: [wrong], medicationReference: { reference: '#m' } };
    expect(await said(holding)).toMatchObject({
      held: [],
      told: ['MedicationRequest without a medication'],
    });
    expect(await said(referring, { ...wrong, status: 'active' })).toMatchObject({
      held: ['prescribed warfarin'],
    });
  });

  test.each([
    'aspirin (discontinued)',
    'STOP aspirin',
    'no aspirin',
    'aspirin 81 mg - patient refused',
    'allergic to aspirin',
  ])('“%s” is no drug, whatever its code, and stays in words', async (text) => {
    const coding = [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '1191' }];
    for (const concept of [{ text }, { text, coding }]) {
      const order = { ...request, medicationCodeableConcept: concept };
      const { visits } = await imported(patient, encounter, order);
      expect(visits).toMatchObject([{ drugs: '[]', unmapped: JSON.stringify([text]) }]);
    }
  });

  test('a limit is no measurement', async () => {
    const observation = {
      resourceType: 'Observation',
      id: 'o',
      status: 'final',
      subject,
      encounter: at,
      code: { coding: [{ system: 'http://loinc.org', code: '2160-0' }] },
      valueQuantity: { value: 0.5, comparator: '<', code: 'mg/dL' },
    };
    expect(await said(observation)).toMatchObject({
      held: [],
      told: ['Observation: creatinine that is only a limit (<)'],
    });
  });

  test('what could turn the meaning round is refused by name', async () => {
    const url = 'https://ehr.example/StructureDefinition/not-to-be-given';
    const modified = { ...request, modifierExtension: [{ url, valueBoolean: true }] };
    const { held, refused } = await said(modified);
    expect(held).toEqual([]);
    expect(refused).toMatchObject([
      {
        problem: `MedicationRequest/c: modifierExtension ${url} is not known, and may say the opposite`,
      },
    ]);
  });

  test('an appointment that nobody kept is no visit', async () => {
    const { report } = await imported(patient, encounter, { ...encounter, id: 'n', status: 'no-show' });
    expect(report).toMatchObject({
      visitsCreated: 1,
      leftOut: [{ reason: 'Encounter with status no-show', count: 1 }],
    });
  });

  test('R5 is told as R5', async () => {
    const { report } = await imported(patient, encounter, {
      ...encounter,
      id: 'five',
      class: [{ coding: [{ code: 'AMB' }] }],
      actualPeriod: encounter.period,
    });
    expect(report.refused).toMatchObject([
      { problem: 'Encounter/five: is written as FHIR R5 writes it; export it as R4 (4.0.1)' },
    ]);
  });
});

test('a page of a search says that there are more, told once a page', async () => {
  await withStore(async (profile) => {
    const page = (more: boolean, ...resources: readonly object[]) => ({
      resourceType: 'Bundle',
      type: 'searchset',
      total: 2,
      link: [{ relation: more ? 'next' : 'self', url: 'https://ehr.example/fhir?page=2' }],
      entry: resources.map((resource) => ({ resource })),
    });
    const first = page(true, patient);
    const folder = folderOf(profile, 'pages', {
      '1.json': JSON.stringify(first),
      '2.json': JSON.stringify(page(false, encounter), null, 2),
      '3.ndjson': `${JSON.stringify(condition)}\n${JSON.stringify(first)}\n`,
    });
    const report = await importInto(profile, folder);
    expect(report).toMatchObject({
      visitsCreated: 1,
      refusedCount: 0,
      leftOut: [
        {
          reason: 'Bundle that is one page of several: it names a next one, which has to be imported as well',
          count: 2,
        },
      ],
    });
  });
});

describe('whose it is', () => {
  test('two people of two servers under one identifier are not made one', async () => {
    const twins = [patient, { ...patient, birthDate: '1984-01-02' }, encounter];
    await expect(imported(...twins)).rejects.toMatchObject({
      code: 'IMPORT_EMPTY',
      details: {
        problem: expect.stringContaining('two people of different sex or birth date are called p') as string,
      },
    });
  });

  test('two versions of one person are', async () => {
    const { visits } = await imported({ ...patient, gender: 'unknown' }, patient, encounter);
    expect(visits).toHaveLength(1);
  });

  test('a group of the same identifier is no patient', async () => {
    const { held, refused } = await said({ ...condition, subject: { reference: 'Group/p' } });
    expect(held).toEqual([]);
    expect(refused).toMatchObject([{ problem: 'Condition/c: names no patient by a reference' }]);
  });

  test('a later file with somebody else under a stored identifier is refused', async () => {
    await withStore(async (profile) => {
      const line = (visit: string, change: object) =>
        JSON.stringify({ visit, patient: '1', date: '2020-03-01', age: 70, sex: 'F', dx: [], ...change });
      const files = {
        'first.jsonl': line('a', {}),
        'second.jsonl': [
          line('b', { date: '2021-02-01', age: 71 }),
          line('c', { sex: 'M' }),
          line('d', { age: 34 }),
          line('e', { date: '2024-02-01', age: 90 }),
        ].join('\n'),
      };
      const folder = folderOf(profile, 'lines', files);
      await importInto(profile, `${folder}/first.jsonl`);
      const report = await importInto(profile, `${folder}/second.jsonl`);
      expect(report).toMatchObject({ visitsCreated: 2, refusedCount: 2, patientsCreated: 0 });
      expect(report.refused.map(({ line }) => line)).toEqual([2, 3]);
      expect(report.refused[0]!.problem).toContain('may be somebody else');
    });
  });
});

test('times without a zone, leap seconds and dates of a month mean the same wherever they are read', async () => {
  const before = { ...statement, effectivePeriod: { start: '2019-12-31T23:59:60Z', end: '2020-03' } };
  expect(await said(before)).toMatchObject({ held: ['current warfarin'] });
  const over = { ...statement, effectivePeriod: { start: '2019', end: '2020-02' } };
  expect(await said(over)).toMatchObject({ held: [] });
  const later = { ...statement, effectivePeriod: { start: '2020-03-02T00:30:00' } };
  expect(await said(later)).toMatchObject({ held: [] });
});
