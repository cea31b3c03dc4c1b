import '../testing/browser.ts';
import { describe, expect, test, vi } from 'vitest';
import { FlameError } from '../../shared/errors.ts';
import type { Draft } from '../../shared/editing.ts';
import { asId, type DecisionId } from '../../shared/ids.ts';
import { NO_USE } from '../../shared/decision.ts';
import { fakeEngine, type FakeEngine } from '../testing/fake-engine.ts';
import * as fixtures from '../testing/fixtures.ts';
import { editVisit, newPatient, newVisit, resumeDraft } from './open-editor.ts';
import type { PatientEditor } from './patient-editor.svelte.ts';
import type { VisitEditor } from './visit-editor.svelte.ts';
import { followUpForm, formOfVisit } from './visit-form.ts';

const drafts = async (engine: FakeEngine): Promise<readonly Draft[]> => await engine.call('drafts.list', {});
const named = (engine: FakeEngine, name: string): PatientEditor => {
  const editor = newPatient(engine);
  editor.change({ name }, 'name', { typed: true });
  return editor;
};
async function during(work: (advance: (ms: number) => Promise<unknown>) => Promise<void>): Promise<void> {
  vi.useFakeTimers();
  try {
    await work((ms) => vi.advanceTimersByTimeAsync(ms));
  } finally {
    vi.useRealTimers();
  }
}

describe('drafts', () => {
  test('typing without a pause is stored all the same, at most a quarter of a second old', async () => {
    await during(async (advance) => {
      const engine = fakeEngine();
      const editor = newPatient(engine);
      for (let letters = 1; letters <= 30; letters += 1) {
        editor.change({ name: 'x'.repeat(letters) }, 'name', { typed: true });
        await advance(100);
      }
      const [draft] = await drafts(engine);
      expect(draft?.form).toMatchObject({ name: expect.stringMatching(/^x{27,}$/) as string });
      await advance(300);
      expect((await drafts(engine))[0]?.form).toMatchObject({ name: 'x'.repeat(30) });
      expect(editor.drafts.pending).toBe(false);
    });
  });

  test('while the engine is gone the newest content waits, is said to, and is stored when it is back', async () => {
    await during(async (advance) => {
      const engine = fakeEngine();
      engine.say('restarting');
      const editor = named(engine, 'Ann');
      await advance(1000);
      expect(editor.drafts.failed).toBe(true);
      editor.change({ name: 'Anna' }, 'name', { typed: true });
      engine.say('ready');
      await advance(2500);
      expect((await drafts(engine))[0]?.form).toMatchObject({ name: 'Anna' });
      expect([editor.drafts.failed, editor.drafts.pending]).toEqual([false, false]);
    });
  });

  test('a refused save keeps the draft going; a save and a discard end it', async () => {
    await during(async (advance) => {
      const engine = fakeEngine();
      const { 'patients.save': answer } = engine.handlers;
      engine.handlers['patients.save'] = () => {
        throw new FlameError('STORE_UNAVAILABLE', { problem: 'disk full' });
      };
      const editor = named(engine, 'Ann');
      expect(await editor.save()).toBeNull();
      expect(editor.problem?.code).toBe('STORE_UNAVAILABLE');
      await advance(300);
      expect(await drafts(engine)).toHaveLength(1);
      engine.handlers['patients.save'] = answer;
      expect(await editor.save()).toMatchObject({ name: 'Ann' });
      const puts = () => engine.calls.filter(({ method }) => method === 'drafts.put').length;
      const before = puts();
      editor.change({ name: 'typed after the save' }, 'name', { typed: true });
      await advance(3000);
      expect(puts()).toBe(before);

      const other = named(engine, 'Bo');
      await other.discard();
      await advance(3000);
      expect((await drafts(engine)).map(({ label }) => label)).not.toContain('Bo');
    });
  });

  test('a stored visit with a draft is opened at its draft', async () => {
    const engine = fakeEngine();
    const first = (await editVisit(engine, fixtures.VISIT_ID)) as VisitEditor;
    first.change({ notes: 'half typed' }, 'notes', { typed: true });
    await first.drafts.flush();
    const again = (await editVisit(engine, fixtures.VISIT_ID)) as VisitEditor;
    expect(again.form.notes).toBe('half typed');
    expect(again.drafts.savedAt).not.toBeNull();
    const [draft] = await drafts(engine);
    expect((await resumeDraft(engine, draft!)).form).toEqual(first.form);
  });
});

describe('patients', () => {
  test('a save means the form as it was: what is typed while duplicates are looked up keeps it open', async () => {
    const engine = fakeEngine();
    const editor = named(engine, 'Ann');
    const saving = editor.save();
    editor.change({ birthYear: '1980' }, 'birthYear', { typed: true });
    expect(await saving).toBeNull();
    expect(engine.calls.map(({ method }) => method)).not.toContain('patients.save');
    expect(await editor.save()).toMatchObject({ birthYear: 1980 });
  });

  test('somebody of the same name is another person only when that is said, and for that name only', async () => {
    const engine = fakeEngine();
    const [summary] = fixtures.PATIENTS;
    engine.handlers['patients.duplicates'] = () => [{ summary: summary!, same: 'name' }];
    const editor = named(engine, 'Ann');
    expect(await editor.save()).toBeNull();
    expect(editor.undecided).toBe(true);
    editor.sayDifferentPerson(true);
    editor.change({ name: 'Anna' }, 'name', { typed: true });
    expect(editor.undecided).toBe(true);
    editor.sayDifferentPerson(true);
    expect(await editor.save()).toMatchObject({ name: 'Anna' });
  });

  test('a record number that is taken stands at its field and is not saved', async () => {
    const engine = fakeEngine();
    const [summary] = fixtures.PATIENTS;
    engine.handlers['patients.duplicates'] = () => [{ summary: summary!, same: 'record-number' }];
    const editor = named(engine, 'Ann');
    editor.change({ recordNumber: '7' }, 'record number', { typed: true });
    expect(await editor.save()).toBeNull();
    expect(editor.shownProblems('recordNumber')).toMatchObject([{ code: 'taken' }]);
    expect(engine.calls.some(({ method }) => method === 'patients.save')).toBe(false);
  });

  test('a problem is shown once its field was left or a save was tried, not while it is typed', async () => {
    const editor = newPatient(fakeEngine());
    editor.change({ birthYear: '30' }, 'birth year', { typed: true });
    expect(editor.shownProblems('birthYear')).toEqual([]);
    editor.leave('birthYear');
    expect(editor.shownProblems('birthYear')).toHaveLength(1);
    expect(editor.shownProblems('name')).toEqual([]);
    await editor.save();
    expect(editor.shownProblems('name')).toMatchObject([{ code: 'missing' }]);
  });
});

describe('visits', () => {
  test('a new visit starts from the last: allergies, conditions, and what is taken since, once each', async () => {
    const editor = await newVisit(fakeEngine(), fixtures.PATIENT.id);
    expect(editor.form).toMatchObject({
      isNew: true,
      allergies: ['penicillin', 'shellfish'],
      chronic: ['HTN'],
      diagnoses: [],
      notes: '',
    });
    expect(editor.form.medications.map(({ drug }) => drug.id)).toEqual(['warfarin', 'furosemide', 'digoxin']);
    expect(editor.form.previous.map(({ id }) => id)).toEqual(['warfarin', 'furosemide', 'digoxin']);
    expect(editor.carriedFrom).toBe('2009-03-14');
  });

  test('what was decided counts, not what the record says, and how it is taken goes along', async () => {
    const use = { drug: fixtures.drugId('warfarin'), dose: '5 mg', route: 'by mouth', frequency: 'daily' };
    const decision = await fakeEngine().call('decisions.save', {
      id: asId<DecisionId>('d1'),
      visitId: fixtures.VISIT_ID,
      recommendationId: fixtures.RECOMMENDATION.id,
      alpha: 0,
      chosen: [
        ...fixtures.GRID[0]!.list.map((drug) => ({ drug, verdict: 'accepted', use: NO_USE }) as const),
        {
          drug: fixtures.drugId('omeprazole'),
          verdict: 'added',
          use: { ...NO_USE, dose: '20 mg', frequency: 'once a day' },
        },
      ],
      rejected: [],
      overrides: [],
      findingOverrides: [],
      comment: '',
      signature: { name: 'Ada Example', role: '' },
      amendment: null,
    });
    const visit = { ...fixtures.DETAIL.visit, medicationUse: [use] };
    const { medications } = followUpForm({ ...fixtures.DETAIL, visit, decisions: [decision] }, '2026-01-01');
    const decided = decision.final.map(({ id }) => id).filter((id) => id !== 'warfarin');
    expect(decided).toContain('omeprazole');
    expect(medications.map(({ drug }) => drug.id)).toEqual(['warfarin', ...decided]);
    expect(medications.map(({ dose }) => dose)).toEqual([
      '5 mg',
      ...decided.map((id) => (id === 'omeprazole' ? '20 mg' : '')),
    ]);
  });

  test('a stored visit saved without a change is sent as it was', async () => {
    const engine = fakeEngine();
    const editor = (await editVisit(engine, fixtures.VISIT_ID)) as VisitEditor;
    expect(editor.form).toEqual(formOfVisit(fixtures.DETAIL));
    expect(await editor.save()).not.toBeNull();
    const sent = engine.calls.find(({ method }) => method === 'visits.save')?.params;
    const { visit } = fixtures.DETAIL;
    expect(sent).toMatchObject({
      visit: {
        id: visit.id,
        date: visit.date,
        dateKnown: visit.dateKnown,
        age: visit.context.age,
        diagnoses: visit.context.diagnoses,
        previousMedications: visit.context.previousMedications,
        notes: visit.notes,
      },
    });
  });

  test('the kidney function follows what is typed', async () => {
    const editor = (await editVisit(fakeEngine(), fixtures.VISIT_ID)) as VisitEditor;
    expect(editor.gfr).toBeNull();
    const type = (creatinine: string): void =>
      editor.change({ measurements: { ...editor.form.measurements, creatinine } }, 'creatinine');
    type('1,2');
    const decimalComma = editor.gfr;
    type('1.2');
    expect(decimalComma).toBe(editor.gfr);
    expect(editor.gfr).toBeGreaterThan(30);
    type('high');
    expect(editor.gfr).toBeNull();
  });
});
