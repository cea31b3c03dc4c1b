import { describe, expect, test } from 'vitest';
import type { EditorForm } from '../../shared/editing.ts';
import { asId, type DrugId, type PatientId } from '../../shared/ids.ts';
import { getDecision, saveDecision } from './decisions.ts';
import { discardDraft, freeDrafts, giveDrafts, listDrafts, NOBODYS, putDraft } from './drafts.ts';
import { newId } from './ids.ts';
import { changePatient, findLikelySame, isArchived, mergePatients, setArchived } from './patient-changes.ts';
import { countPatients, findPatientBySource, getPatient, insertPatient, listPatients } from './patients.ts';
import { saveRecommendation } from './recommendations.ts';
import {
  noTitles,
  sampleDecision,
  samplePatient,
  sampleRecommendation,
  sampleVisit,
  withStore,
} from './testing.ts';
import { changeVisit, visitChangedAt, visitRevisions } from './visit-changes.ts';
import { getVisit, insertVisits, listVisits } from './visits.ts';
import type { WritableDb } from './handle.ts';

const names = (db: WritableDb, query = '', archived = false): string[] =>
  listPatients(db, { query, limit: 50, offset: 0, archived }, noTitles).patients.map(
    ({ patient }) => patient.name,
  );

function withVisit(db: WritableDb, patient = samplePatient(), change = {}) {
  const visit = sampleVisit(patient.id, change);
  insertVisits(db, [{ visit, newPatient: patient, demo: patient.demo }], noTitles);
  return { patient, visit };
}

describe('patients', () => {
  test('a corrected patient is found under the new name and no longer under the old', async () => {
    await withStore(({ db }) => {
      const { patient } = withVisit(db);
      const corrected = {
        ...patient,
        name: 'Dana Öz',
        sourceId: 'MRN-7',
        sex: 'M' as const,
        birthYear: null,
      };
      changePatient(db, corrected);
      expect(getPatient(db, patient.id)).toEqual(corrected);
      expect([names(db, 'oz'), names(db, 'mrn-7'), names(db, 'zoe')]).toEqual([['Dana Öz'], ['Dana Öz'], []]);
    });
  });

  test('an archived patient leaves the list and the search, and comes back whole', async () => {
    await withStore(({ db }) => {
      const { patient, visit } = withVisit(db);
      setArchived(db, patient.id, '2026-01-01T00:00:00.000Z');
      expect([names(db), names(db, 'zoe'), names(db, 'zoe', true)]).toEqual([[], [], [patient.name]]);
      expect(isArchived(db, patient.id)).toBe(true);
      expect(countPatients(db)).toBe(1);
      expect(getVisit(db, visit.id)).toEqual(visit);
      setArchived(db, patient.id, null);
      expect([names(db), names(db, '', true), isArchived(db, patient.id)]).toEqual([
        [patient.name],
        [],
        false,
      ]);
    });
  });

  test('a merge moves visits with their decisions, and both identifiers lead to the patient that stays', async () => {
    await withStore(({ db }) => {
      const one = withVisit(db, samplePatient({ name: 'Ann Lee', sourceId: 'A1' }), { date: '2010-05-05' });
      const two = withVisit(db, samplePatient({ name: 'Ann Leigh', sourceId: 'B2' }), { date: '2012-01-01' });
      const recommendation = sampleRecommendation(two.visit.id);
      saveRecommendation(db, recommendation);
      const decision = sampleDecision(recommendation);
      saveDecision(db, decision, 'test');

      expect(mergePatients(db, two.patient.id, one.patient.id)).toEqual([two.visit.id]);
      expect(listVisits(db, one.patient.id, noTitles).map(({ id }) => id)).toEqual([
        two.visit.id,
        one.visit.id,
      ]);
      expect(getVisit(db, two.visit.id).patientId).toBe(one.patient.id);
      expect(getDecision(db, decision.id)).toEqual(decision);
      expect(getPatient(db, two.patient.id)).toEqual(one.patient);
      expect(findPatientBySource(db, 'B2', false)).toEqual(one.patient);
      expect(names(db)).toEqual(['Ann Lee']);
      expect([names(db, 'B2'), names(db, 'leigh')]).toEqual([['Ann Lee'], []]);
      expect(countPatients(db)).toBe(1);
      expect(listPatients(db, { query: '', limit: 1, offset: 0 }, noTitles).patients[0]).toMatchObject({
        lastVisitDate: '2012-01-01',
        visitCount: 2,
        decided: true,
      });
    });
  });

  test('the number of a merged patient may become the number of the one that stays', async () => {
    await withStore(({ db }) => {
      const [one, two] = ['A1', 'B2'].map((sourceId) => samplePatient({ name: sourceId, sourceId }));
      for (const patient of [one!, two!]) insertPatient(db, patient);
      mergePatients(db, two!.id, one!.id);
      const renamed = { ...one!, sourceId: 'B2' };
      changePatient(db, renamed);
      expect(['A1', 'B2'].map((number) => findPatientBySource(db, number, false))).toEqual([
        renamed,
        renamed,
      ]);
    });
  });

  test('a merge of the merged leads every identifier to the last one', async () => {
    await withStore(({ db }) => {
      const [a, b, c] = ['A', 'B', 'C'].map((sourceId) => samplePatient({ name: sourceId, sourceId }));
      for (const patient of [a!, b!, c!]) insertPatient(db, patient);
      mergePatients(db, a!.id, b!.id);
      mergePatients(db, b!.id, c!.id);
      expect(findPatientBySource(db, 'A', false)).toEqual(c);
      expect(getPatient(db, a!.id)).toEqual(c);
      expect(names(db, 'A')).toEqual(['C']);
    });
  });

  test('the likely same: same number first, same name in any writing, demo patients never', async () => {
    await withStore(({ db }) => {
      const make = (name: string, sourceId: string | null, demo = false): PatientId => {
        const patient = samplePatient({ name, sourceId, demo });
        insertPatient(db, patient);
        return patient.id;
      };
      const sameName = make('ÁLVAREZ,  José', null);
      const sameNumber = make('Somebody Else', 'MRN-1');
      make('José Álvarez', 'MRN-1', true);
      make('José Álvarez Ruiz', null);
      make('🔥', null);
      make('أحمد علي', null);
      const look = (name: string, sourceId: string | null) =>
        findLikelySame(db, { id: newId<PatientId>(), name, sourceId, demo: false });
      expect(look('Jose Alvarez', 'MRN-1')).toEqual([
        { id: sameNumber, same: 'record-number' },
        { id: sameName, same: 'name' },
      ]);
      expect(look('علي أحمد', null)).toHaveLength(1);
      expect(look('🔥', null)).toHaveLength(1);
      expect(look('🌊', null)).toEqual([]);
      expect(look('', null)).toEqual([]);
      expect(findLikelySame(db, { id: sameName, name: 'José Álvarez', sourceId: null, demo: false })).toEqual(
        [],
      );
    });
  });
});

describe('visits', () => {
  test('a changed visit reads as changed, and every content before is kept', async () => {
    await withStore(({ db }) => {
      const { patient, visit } = withVisit(db);
      expect(visitChangedAt(db, visit.id)).toBeNull();
      const second = {
        ...visit,
        date: '2011-02-03',
        notes: 'ᴇmoji 🔥 and עברית',
        context: {
          ...visit.context,
          year: 2011,
          diagnoses: [],
          currentMedications: [asId<DrugId>('digoxin')],
        },
        measurements: { ...visit.measurements, creatinine: null, weight: 71 },
        medicationUse: [],
        pregnancy: 'pregnant' as const,
      };
      expect(changeVisit(db, second, noTitles, '2026-01-01T00:00:00.000Z')).toBe(1);
      expect(getVisit(db, visit.id)).toEqual(second);
      expect(changeVisit(db, visit, noTitles, '2026-01-02T00:00:00.000Z')).toBe(2);
      expect(getVisit(db, visit.id)).toEqual(visit);
      expect(visitChangedAt(db, visit.id)).toBe('2026-01-02T00:00:00.000Z');
      expect(visitRevisions(db, visit.id)).toEqual([
        { revision: 1, replacedAt: '2026-01-01T00:00:00.000Z', visit },
        { revision: 2, replacedAt: '2026-01-02T00:00:00.000Z', visit: second },
      ]);
      expect(listPatients(db, { query: 'digoxin', limit: 9, offset: 0 }, noTitles).total).toBe(1);
      expect(getPatient(db, patient.id)).toEqual(patient);
      for (const change of ["UPDATE visit_revisions SET content = '{}'", 'DELETE FROM visit_revisions'])
        expect(() => db.run(change)).toThrow(/cannot be/);
    });
  });

  test('the list is sorted by the date that a visit was changed to', async () => {
    await withStore(({ db }) => {
      const early = withVisit(db, samplePatient({ name: 'early' }), { date: '2001-01-01' });
      withVisit(db, samplePatient({ name: 'late' }), { date: '2002-01-01' });
      expect(names(db)).toEqual(['late', 'early']);
      changeVisit(db, { ...early.visit, date: '2003-01-01' }, noTitles, 't');
      expect(names(db)).toEqual(['early', 'late']);
      changeVisit(db, { ...early.visit, date: '2000-01-01' }, noTitles, 't');
      expect(names(db)).toEqual(['late', 'early']);
    });
  });
});

test('a draft is kept as typed, one for each form, until it is discarded', async () => {
  await withStore(({ db }) => {
    const form: EditorForm = {
      kind: 'patient',
      id: newId<PatientId>(),
      isNew: true,
      name: '  \u202Eعلي 🔥\0',
      recordNumber: '',
      sex: 'unknown',
      birthYear: 'nineteen',
    };
    putDraft(db, NOBODYS, { id: form.id, label: 'x', form, savedAt: '2026-01-01T00:00:00.000Z' });
    const later = { ...form, name: 'Ali' };
    putDraft(db, NOBODYS, { id: form.id, label: 'Ali', form: later, savedAt: '2026-01-02T00:00:00.000Z' });
    const other = { ...form, id: newId<PatientId>() };
    putDraft(db, NOBODYS, { id: other.id, label: 'y', form: other, savedAt: '2026-01-01T00:00:00.000Z' });
    expect(listDrafts(db, NOBODYS)).toEqual([
      { id: form.id, label: 'Ali', form: later, savedAt: '2026-01-02T00:00:00.000Z' },
      { id: other.id, label: 'y', form: other, savedAt: '2026-01-01T00:00:00.000Z' },
    ]);
    db.run("INSERT INTO drafts VALUES ('z', 'from a later version', '{\"kind\":\"x\"}', '2027', '')");
    expect(listDrafts(db, NOBODYS)).toHaveLength(2);
    discardDraft(db, NOBODYS, form.id);
    expect(listDrafts(db, NOBODYS).map(({ id }) => id)).toEqual([other.id]);
    expect(db.all("SELECT 1 FROM drafts WHERE id = 'z'")).toHaveLength(1);
  });
});

test('a draft is its account’s alone, everybody’s once that account is gone', async () => {
  await withStore(({ db }) => {
    const id = newId<PatientId>();
    const form: EditorForm = {
      kind: 'patient',
      id,
      isNew: false,
      name: 'Ali',
      recordNumber: '',
      sex: 'unknown',
      birthYear: '',
    };
    const put = (owner: string, label: string): void =>
      putDraft(db, owner, { id, label, form, savedAt: '2026-01-01T00:00:00.000Z' });
    const labels = (owner: string): string[] => listDrafts(db, owner).map(({ label }) => label);
    put(NOBODYS, 'before accounts');
    giveDrafts(db, 'ada');
    expect([labels('ada'), labels('ben'), labels(NOBODYS)]).toEqual([['before accounts'], [], []]);
    put('ben', 'Ben’s');
    put('ada', 'Ada’s');
    expect([labels('ada'), labels('ben')]).toEqual([['Ada’s'], ['Ben’s']]);
    expect(discardDraft(db, 'ben', id)).toBe(true);
    expect(discardDraft(db, 'ben', id)).toBe(false);
    expect(labels('ada')).toEqual(['Ada’s']);
    putDraft(db, NOBODYS, { id, label: 'emergency, before', form, savedAt: '2025-12-31T00:00:00.000Z' });
    freeDrafts(db, 'ada');
    expect(labels('ben')).toEqual(['Ada’s']);
    put('ben', 'taken over');
    expect([labels('ben'), labels('ada')]).toEqual([['taken over'], []]);
  });
});
