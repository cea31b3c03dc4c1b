/** The editor's calls over a real port and a real database: what is stored, what is refused, what stays of the past. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOT_RECORDED } from '../../src/shared/domain.ts';
import type { EditorForm, PatientInput, VisitInput } from '../../src/shared/editing.ts';
import { FlameError } from '../../src/shared/errors.ts';
import { asId, type DecisionId, type DrugId, type PatientId, type VisitId } from '../../src/shared/ids.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import { openProfile } from '../../src/engine/profile.ts';
import { listAudit, verifyAudit } from '../../src/engine/store/audit.ts';
import { visitRevisions } from '../../src/engine/store/visit-changes.ts';
import { signedInput } from './deciding.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

const folders = new TestFolders();
let app: TestEngine;
beforeAll(async () => {
  app = await startEngine(folders);
});
afterAll(() => folders.remove());

const PATIENT: PatientInput = {
  id: asId<PatientId>('11111111-1111-7111-8111-111111111111'),
  name: 'Ann Lee',
  recordNumber: 'MRN-1',
  sex: 'F',
  birthYear: 1950,
};
const VISIT: VisitInput = {
  id: asId<VisitId>('22222222-2222-7222-8222-222222222222'),
  patientId: PATIENT.id,
  date: '2024-05-06',
  dateKnown: true,
  age: 74,
  setting: 'office',
  specialty: '8',
  reasons: ['14150'],
  diagnoses: [
    { system: 'ICD-10-CM', code: 'I4891' },
    { system: 'ICD-10-CM', code: 'I10' },
  ],
  chronic: ['HTN'],
  procedures: ['8952'],
  currentMedications: [asId<DrugId>('warfarin')],
  previousMedications: [],
  allergies: ['penicillin'],
  unmapped: ['grandmother’s tea 🍵'],
  notes: 'שלום. Dizzy.',
  ...NOT_RECORDED,
  medicationUse: [
    { drug: asId<DrugId>('warfarin'), dose: '5 mg', route: 'by mouth', frequency: 'once a day' },
  ],
};

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof FlameError)
      return `${thrown.code} ${String(thrown.details['problem'] ?? '')}`.trim();
    throw thrown;
  }
  return 'answered';
}

test('a patient and a visit from nothing to a decision, then a change that marks the decision', async () => {
  const { engine } = app;
  expect(await engine.call('patients.save', { patient: PATIENT })).toEqual({
    id: PATIENT.id,
    name: 'Ann Lee',
    sourceId: 'MRN-1',
    sex: 'F',
    birthYear: 1950,
    demo: false,
  });
  expect((await engine.call('app.status', {})).patientCount).toBe(1);
  const detail = await engine.call('visits.save', { visit: VISIT });
  expect(detail).toMatchObject({
    visit: {
      context: { year: 2024, age: 74, sex: 'F' },
      prescribed: null,
      medicationUse: VISIT.medicationUse,
    },
    titles: { specialty: { title: 'Cardiovascular diseases' }, reasons: [{ title: 'Shortness of breath' }] },
    outdated: [],
    changedAt: null,
  });

  const reply = await engine.call('recommend', { visitId: VISIT.id });
  const list = reply.grid.at(-1)!;
  const signed = await signedInput(app, reply, { alpha: list.alpha });
  const decision = await engine.call('decisions.save', signed);

  // The same content again is no change; nor are notes a change of what was recommended from.
  expect((await engine.call('visits.save', { visit: VISIT })).changedAt).toBeNull();
  const noted = await engine.call('visits.save', { visit: { ...VISIT, notes: 'Dizzy no more.' } });
  expect(noted.changedAt).not.toBeNull();
  expect(noted.outdated).toEqual([]);

  const changed = { ...VISIT, allergies: [], currentMedications: [], medicationUse: [] };
  const after = await engine.call('visits.save', { visit: changed });
  expect(after.outdated).toEqual([decision.id]);
  expect(after.decisions).toEqual([decision]);
  expect(await codeOf(engine.call('decisions.save', { ...signed, id: asId<DecisionId>('d2') }))).toBe(
    'RECOMMENDATION_STALE',
  );
  // Put back, the visit is what the decision was made for.
  expect((await engine.call('visits.save', { visit: VISIT })).outdated).toEqual([]);
});

test('what cannot be is refused with its field, and nothing of it is stored', async () => {
  const { engine } = app;
  const visit = { ...VISIT, id: asId<VisitId>('other') };
  const refusals = [
    engine.call('visits.save', { visit: { ...visit, date: '2024-02-30' } }),
    engine.call('visits.save', { visit: { ...visit, date: '2999-01-01' } }),
    engine.call('visits.save', { visit: { ...visit, age: 30 } }),
    engine.call('visits.save', { visit: { ...visit, patientId: asId<PatientId>('nobody') } }),
    engine.call('visits.save', { visit: { ...visit, currentMedications: [asId<DrugId>('notadrug')] } }),
    engine.call('patients.save', { patient: { ...PATIENT, birthYear: 3000 } }),
    engine.call('patients.save', { patient: { ...PATIENT, birthYear: 2025 } }),
    engine.call('patients.save', { patient: { ...PATIENT, id: asId<PatientId>('x'), name: 'Other' } }),
    engine.call('patients.merge', { from: PATIENT.id, into: PATIENT.id }),
  ];
  expect(await Promise.all(refusals.map(codeOf))).toEqual([
    'INVALID_INPUT date: Not a day of the calendar. Write YYYY-MM-DD, or the year alone.',
    'INVALID_INPUT date: This lies in the future.',
    'INVALID_INPUT age: Born in 1950, the patient was 73 or 74 years old.',
    'NOT_FOUND',
    'DRUG_UNKNOWN',
    'INVALID_INPUT birthYear: This lies in the future.',
    'INVALID_INPUT birthYear: A visit is recorded in 2024, before this.',
    'INVALID_INPUT recordNumber: This number belongs to Ann Lee.',
    'INVALID_INPUT a patient cannot be merged into itself',
  ]);
  expect(await codeOf(engine.call('visits.get', { visitId: visit.id }))).toBe('NOT_FOUND');
});

test('a duplicate is named, merged, and archived out of the list', async () => {
  const { engine } = app;
  const twin = { ...PATIENT, id: asId<PatientId>('twin'), recordNumber: null, name: 'LEE, Ann' };
  const { id, name, recordNumber } = twin;
  expect(await engine.call('patients.duplicates', { id, name, recordNumber })).toMatchObject([
    { same: 'name', summary: { patient: { id: PATIENT.id }, visitCount: 1, decided: true } },
  ]);
  await engine.call('patients.save', { patient: twin });
  const visit = { ...VISIT, id: asId<VisitId>('twins visit'), patientId: twin.id };
  await engine.call('visits.save', { visit });
  expect((await engine.call('patients.merge', { from: twin.id, into: PATIENT.id })).id).toBe(PATIENT.id);
  const merged = await engine.call('patients.get', { patientId: twin.id });
  expect(merged.patient.id).toBe(PATIENT.id);
  expect(merged.visits).toHaveLength(2);

  await engine.call('patients.archive', { patientId: PATIENT.id, archived: true });
  const page = { query: '', limit: 10, offset: 0 };
  expect((await engine.call('patients.list', page)).total).toBe(0);
  expect((await engine.call('patients.list', { ...page, archived: true })).total).toBe(1);
  await engine.call('patients.archive', { patientId: PATIENT.id, archived: false });
  expect((await engine.call('patients.list', { ...page, query: 'lee' })).total).toBe(1);
});

test('a draft outlives the engine and goes when its form is saved', async () => {
  const form: EditorForm = {
    kind: 'patient',
    id: asId<PatientId>('drafted'),
    isNew: true,
    name: 'x'.repeat(20_000),
    recordNumber: '',
    sex: 'unknown',
    birthYear: '3/4/50',
  };
  await app.engine.call('drafts.put', { label: 'New patient', form });
  await app.stop();
  app = await startEngine(folders);
  const [draft] = await app.engine.call('drafts.list', {});
  expect(draft).toMatchObject({ id: form.id, label: 'New patient', form });
  const patient = { ...PATIENT, id: form.id, name: 'Somebody', recordNumber: null };
  await app.engine.call('patients.save', { patient });
  expect(await app.engine.call('drafts.list', {})).toEqual([]);
});

test('90 medications, long notes, right-to-left text and emoji are stored as typed and recommended from', async () => {
  const { engine } = app;
  const currentMedications = shippedKnowledge()
    .drugs.all.filter(({ visits }) => visits > 0)
    .slice(0, 90)
    .map(({ id }) => id);
  const visit: VisitInput = {
    ...VISIT,
    id: asId<VisitId>('many'),
    currentMedications,
    medicationUse: currentMedications.map((drug) => ({
      drug,
      dose: '1 💊',
      route: 'פה',
      frequency: 'يوميا',
    })),
    allergies: ['\u202Eפניצילין', '🥜'],
    notes: '👩🏽‍⚕️ שלום مرحبا '.repeat(1000),
  };
  const stored = await engine.call('visits.save', { visit });
  expect(stored.visit).toMatchObject({
    medicationUse: visit.medicationUse,
    allergies: visit.allergies,
    notes: visit.notes,
  });
  expect(stored.currentMedications).toHaveLength(90);
  const reply = await engine.call('recommend', { visitId: visit.id });
  expect(reply.currentMedications).toHaveLength(90);
  expect(reply.warnings).toContainEqual({ kind: 'allergy-not-understood', entries: visit.allergies });
});

test('type-ahead finds titles and codes, misspelt too, in every system that it searches', async () => {
  const { engine } = app;
  const first = async (system: 'ICD-10-CM' | 'ICD-9-PROC' | 'NAMCS-REASON', text: string) =>
    (await engine.call('codes.search', { system, text, limit: 3 })).map(({ code }) => code);
  expect((await first('ICD-10-CM', 'e11.9'))[0]).toBe('E119');
  expect(await first('ICD-10-CM', 'type 2 diabtes melitus')).toContain('E11');
  expect(await first('NAMCS-REASON', 'shortnes of breath')).toContain('14150');
  expect((await first('ICD-9-PROC', 'electrocardiogram')).length).toBeGreaterThan(0);
  const lists = await engine.call('codes.lists', {});
  expect(lists.specialties).toContainEqual({ code: '8', title: 'Cardiovascular diseases' });
  expect(lists.chronic).toContainEqual({ code: 'HTN', title: 'Hypertension' });
});

test('every change stands in the audit log with what changed, and the contents before are kept', async () => {
  await app.stop();
  const { db } = await openProfile({ folder: folders.profile });
  const log = listAudit(db);
  expect(verifyAudit(db).broken).toBeNull();
  expect(
    log.filter(({ action }) => action === 'visit.changed').map(({ content }) => content['changed']),
  ).toEqual([
    ['notes'],
    ['notes', 'allergies', 'medicationUse', 'currentMedications'].sort(),
    ['allergies', 'medicationUse', 'currentMedications'].sort(),
  ]);
  expect(log.map(({ action }) => action)).toEqual(
    expect.arrayContaining([
      'patient.created',
      'patient.merged',
      'patient.archived',
      'patient.restored',
      'visit.created',
    ]),
  );
  expect(visitRevisions(db, VISIT.id).map(({ visit }) => visit.notes)).toEqual([
    VISIT.notes,
    'Dizzy no more.',
    VISIT.notes,
  ]);
  db.close();
});
