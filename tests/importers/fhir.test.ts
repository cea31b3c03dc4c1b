import { describe, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { withStore } from '../../src/engine/store/testing.ts';
import { siteMappingsOf } from '../../src/engine/store/site-mappings.ts';
import {
  folderOf,
  importInto,
  storedVisits,
  SYNTHEA,
  syntheaResources,
  type PlainResource,
} from './importing.ts';

const count = (resources: readonly PlainResource[], type: string): number =>
  resources.filter(({ resourceType }) => resourceType === type).length;

/** One patient with one encounter, and whatever else. */
const patient = {
  resourceType: 'Patient',
  id: 'p',
  gender: 'female',
  birthDate: '1950-06-15',
  name: [{ text: 'Ada Example' }],
};
const encounter = {
  resourceType: 'Encounter',
  id: 'e',
  status: 'finished',
  class: { code: 'AMB' },
  subject: { reference: 'Patient/p' },
  period: { start: '2020-03-01T10:00:00Z', end: '2020-03-01T11:00:00Z' },
};
const subject = { reference: 'Patient/p' };
const at = { reference: 'Encounter/e' };
const rxnorm = (code: string) => ({ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code });
const loinc = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const bundle = (...resources: readonly object[]): string =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'collection',
    entry: resources.map((resource) => ({ resource })),
  });

test('Synthea bundles: as many patients, visits and drug entries as a plain count finds', async () => {
  const resources = syntheaResources();
  await withStore(async (profile) => {
    const report = await importInto(profile, SYNTHEA);
    expect(report).toMatchObject({
      format: 'fhir',
      linesRead: resources.length,
      patientsCreated: count(resources, 'Patient'),
      visitsCreated: count(resources, 'Encounter'),
      refusedCount: 0,
      drugs: { mentions: count(resources, 'MedicationRequest') },
    });
    for (const { name, rows } of report.tables) expect([name, rows]).toEqual([name, count(resources, name)]);
    const measured = profile.db.all<{ kind: string; n: number }>(
      'SELECT kind, count(*) AS n FROM visit_measurements GROUP BY kind ORDER BY kind',
    );
    const heights = resources.filter(
      ({ resourceType, code }) => resourceType === 'Observation' && JSON.stringify(code).includes('8302-2'),
    );
    expect(measured.find(({ kind }) => kind === 'height')?.n).toBe(heights.length);
    const again = await importInto(profile, SYNTHEA);
    expect(again).toMatchObject({
      visitsCreated: 0,
      patientsCreated: 0,
      visitsSkipped: count(resources, 'Encounter'),
      refusedCount: 0,
    });
  });
});

test('a bulk export in any order of lines is the same visits as the bundles', async () => {
  const lines = syntheaResources().map((resource) => `${JSON.stringify(resource)}\n`);
  const fromBundles = await withStore(async (profile) => {
    await importInto(profile, SYNTHEA);
    return storedVisits(profile);
  });
  await withStore(async (profile) => {
    const half = Math.floor(lines.length / 2);
    const folder = folderOf(profile, 'export', {
      '1.ndjson': lines.slice(half).reverse().join(''),
      '2.ndjson.gz': gzipSync(lines.slice(0, half).reverse().join('')),
    });
    const report = await importInto(profile, folder);
    expect(report).toMatchObject({ format: 'fhir', refusedCount: 0, visitsCreated: fromBundles.length });
    expect(storedVisits(profile)).toEqual(fromBundles);
  });
});

test('what cannot be used is refused with its line or left out with its reason, and the rest is imported', async () => {
  await withStore(async (profile) => {
    const file = folderOf(profile, 'odd', {
      'bundle.json': `{"resourceType":"Bundle","type":"transaction","entry":[
${[
  { resource: patient },
  { resource: encounter },
  { resource: { resourceType: 'Spaceship', id: 's' } },
  {
    resource: {
      resourceType: 'Condition',
      id: 'c1',
      subject,
      encounter: { reference: 'Encounter/nowhere' },
      code: { text: 'Gout' },
    },
  },
  {
    resource: {
      resourceType: 'MedicationRequest',
      id: 'm1',
      status: 'active',
      subject: { reference: 'Patient/nobody' },
      medicationCodeableConcept: { text: 'Warfarin' },
    },
  },
  {
    resource: {
      resourceType: 'MedicationRequest',
      id: 'm2',
      status: 7,
      subject,
      medicationCodeableConcept: { text: 'Warfarin' },
    },
  },
  {
    resource: {
      resourceType: 'Observation',
      id: 'o1',
      subject,
      encounter: at,
      code: loinc('29463-7'),
      valueQuantity: { value: '70', code: 'kg' },
    },
  },
  {
    resource: {
      resourceType: 'Observation',
      id: 'o2',
      subject,
      encounter: at,
      code: loinc('8302-2'),
      valueQuantity: { value: 1.7, code: 'furlong' },
    },
  },
  { resource: { ...encounter, id: 'e2', subject: { reference: 'Patient/nobody' } } },
  { fullUrl: 'urn:uuid:1' },
  {
    resource: { resourceType: 'AllergyIntolerance', id: 'a', patient: subject, code: { text: 'Penicillin' } },
  },
]
  .map((entry) => JSON.stringify(entry))
  .join(',\n')}
]}`,
    });
    const report = await importInto(profile, file);
    expect(report).toMatchObject({ visitsCreated: 1, patientsCreated: 1 });
    expect(report.refused).toEqual([
      {
        file: 'bundle.json',
        line: 7,
        problem: expect.stringMatching(/^MedicationRequest\/\S+: status/) as string,
      },
      {
        file: 'bundle.json',
        line: 8,
        problem: expect.stringMatching(/^Observation\/\S+: valueQuantity.value/) as string,
      },
      {
        file: 'bundle.json',
        line: 10,
        problem: 'Encounter: its patient nobody is not in the file, so the visit has no age',
      },
      { file: 'bundle.json', line: 11, problem: 'the entry holds no resource' },
    ]);
    expect(report.tables).toContainEqual({ name: 'Spaceship', rows: 1, used: false });
    const reasons = report.leftOut.map(({ reason }) => reason);
    expect(reasons).toContain('Observation: height in the unit "furlong", which is not known');
    expect(reasons).toContain('Condition that belongs to no encounter');
    expect(reasons).toContain('MedicationRequest that belongs to no encounter');
    expect(storedVisits(profile)).toMatchObject([
      { name: 'Ada Example', age: 69, allergies: '["Penicillin"]', measured: '[]' },
    ]);
  });
});

describe('what a resource says', () => {
  const visitOf = (resources: readonly object[], site = siteMappingsOf([])) =>
    withStore(async (profile) => {
      const file = folderOf(profile, 'one', { 'b.json': bundle(patient, encounter, ...resources) });
      const report = await importInto(profile, file, { site });
      return { report, visit: storedVisits(profile)[0] as Record<string, string> };
    });

  test('codes before words, and both are told where they differ', async () => {
    const request = {
      resourceType: 'MedicationRequest',
      status: 'active',
      intent: 'order',
      subject,
      encounter: at,
    };
    const { report, visit } = await visitOf(
      [
        {
          ...request,
          id: '1',
          medicationCodeableConcept: { coding: [rxnorm('11289')], text: 'Lasix 40 mg' },
        },
        { ...request, id: '2', medicationCodeableConcept: { coding: [rxnorm('6809')] } },
        {
          ...request,
          id: '3',
          medicationReference: { reference: '#m' },
          contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'Zocor 20 mg oral tablet' } }],
        },
        { ...request, id: '4', medicationReference: { reference: 'Medication/7' } },
        { resourceType: 'Medication', id: '7', code: { text: 'House mixture' } },
        { ...request, id: '5', doNotPerform: true, medicationCodeableConcept: { text: 'aspirin' } },
        { ...request, id: '6', intent: 'proposal', medicationCodeableConcept: { text: 'aspirin' } },
      ],
      siteMappingsOf([{ kind: 'name', written: 'House Mixture', targets: ['ibuprofen'] }]),
    );
    expect(JSON.parse(visit['drugs']!)).toEqual([
      'prescribed ibuprofen',
      'prescribed metformin',
      'prescribed simvastatin',
      'prescribed warfarin',
    ]);
    expect(report.ambiguousDrugs).toEqual([
      { name: 'Lasix 40 mg', count: 1, drugs: ['warfarin'], also: ['furosemide'] },
    ]);
    expect(report.drugs).toMatchObject({ mentions: 4, mapped: 4, throughSite: 1, throughCode: 2 });
    expect(report.leftOut.map(({ reason }) => reason)).toEqual([
      'MedicationRequest that says not to do or not done',
      'MedicationRequest with intent proposal',
    ]);
  });

  test('measurements in their units, conditions by ICD code or by the site’s table, no allergy is no allergy', async () => {
    const observation = { resourceType: 'Observation', status: 'final', subject, encounter: at };
    const snomed = (code: string, display: string) => ({
      coding: [{ system: 'http://snomed.info/sct', code, display }],
    });
    const { visit, report } = await visitOf(
      [
        { ...observation, id: '1', code: loinc('29463-7'), valueQuantity: { value: 154, code: '[lb_av]' } },
        { ...observation, id: '2', code: loinc('2160-0'), valueQuantity: { value: 97.262, code: 'umol/L' } },
        { ...observation, id: '3', code: loinc('8310-5'), valueQuantity: { value: 98.6, code: '[degF]' } },
        {
          ...observation,
          id: '4',
          code: loinc('85354-9'),
          component: [
            { code: loinc('8480-6'), valueQuantity: { value: 130, unit: 'mmHg' } },
            { code: loinc('8462-4'), valueQuantity: { value: 80, code: 'mm[Hg]' } },
          ],
        },
        {
          resourceType: 'Condition',
          id: '5',
          subject,
          encounter: at,
          code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'E11.9' }] },
        },
        {
          resourceType: 'Condition',
          id: '6',
          subject,
          encounter: at,
          code: snomed('38341003', 'Hypertension'),
        },
        {
          resourceType: 'Condition',
          id: '7',
          subject,
          encounter: at,
          code: snomed('444814009', 'Viral sinusitis'),
        },
        {
          resourceType: 'AllergyIntolerance',
          id: '8',
          patient: subject,
          code: snomed('716186003', 'No known allergy'),
        },
      ],
      siteMappingsOf([{ kind: 'snomed', written: '38341003', targets: ['I10'] }]),
    );
    expect(JSON.parse(visit['measured']!)).toEqual([
      'creatinine 1.1',
      'diastolic 80.0',
      'systolic 130.0',
      'temperature 37.0',
      'weight 69.85',
    ]);
    expect(JSON.parse(visit['diagnoses']!)).toEqual(['ICD-10-CM E119', 'ICD-10-CM I10']);
    expect(visit['notes']).toBe('Without an ICD code: Viral sinusitis');
    expect(visit['allergies']).toBe('[]');
    expect(report.unmappedConditions).toEqual([{ code: '444814009', title: 'Viral sinusitis', count: 1 }]);
  });
});

test('what only Flame’s own export says is taken where it is as Flame writes it, and otherwise counts as absent', async () => {
  const flame = 'https://flame.invalid/fhir';
  const own = (name: string, value: object) => ({ url: `${flame}/StructureDefinition/${name}`, ...value });
  const statement = (id: string, status: string, text: string, context: string) => ({
    resourceType: 'MedicationStatement',
    id,
    status,
    subject,
    context: { reference: `Encounter/${context}` },
    medicationCodeableConcept: { text },
  });
  const later = { ...encounter, period: { start: '2021-03-01', end: '2021-03-01' } };
  const text = bundle(
    patient,
    {
      ...later,
      id: 'whole',
      identifier: [{ system: `${flame}/identifier/visit`, value: 'visit 7' }, 'nonsense', null],
      extension: [
        own('complete-record', { valueBoolean: true }),
        own('age-in-years', { valueInteger: 71 }),
        own('setting', { valueCode: 'intensive-care' }),
        own('notes', { valueString: 'as written' }),
        { url: 'https://elsewhere.example/x', valueReference: 7 },
      ],
    },
    {
      ...later,
      id: 'damaged',
      identifier: { system: `${flame}/identifier/visit`, value: 7 },
      extension: [
        own('complete-record', { valueBoolean: true }),
        own('age-in-years', { valueString: 'old' }),
        own('age-in-months', { valueInteger: 900 }),
        own('setting', { valueCode: 'moon' }),
        own('allergy', { valueReference: { reference: 7 } }),
        own('notes', { valueString: ['x'] }),
      ],
    },
    { ...later, id: 'strange', extension: 'text', identifier: 7 },
    statement('s1', 'active', 'warfarin', 'whole'),
    statement('s2', 'completed', 'digoxin', 'whole'),
    statement('s3', 'active', 'metformin', 'damaged'),
  );
  await withStore(async (profile) => {
    const report = await importInto(profile, folderOf(profile, 'own', { 'own.json': text }));
    expect(report).toMatchObject({ visitsCreated: 3, refusedCount: 0 });
    const [damaged, strange, whole] = storedVisits(profile) as Record<string, unknown>[];
    expect(whole).toMatchObject({
      source_id: 'visit 7',
      age: 71,
      setting: 'intensive-care',
      notes: 'as written',
      drugs: '["current warfarin","previous digoxin"]',
    });
    expect(damaged).toMatchObject({
      source_id: 'fhir-damaged',
      age: 70,
      setting: 'office',
      notes: '',
      drugs: '["current metformin"]',
    });
    expect(strange).toMatchObject({ source_id: 'fhir-strange', age: 70 });
    expect(strange!['drugs']).toContain('current metformin');
  });
});
