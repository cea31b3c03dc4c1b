import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BELIEVED, isCalendarDay } from './check-input.ts';
import { NO_MEASUREMENTS } from './domain.ts';
import { LONGEST_LIST, LONGEST_NOTE, type PatientForm, type VisitForm } from './editing.ts';
import { asId, type DrugId, type PatientId, type VisitId } from './ids.ts';
import { problemWords } from './problem-words.ts';
import { monthsText, readPatientForm, readVisitForm } from './read-form.ts';

const TODAY = '2026-11-23';
const WHO = { birthYear: 1950, sex: 'F', today: TODAY, storedDate: null } as const;

const patientForm = (change: Partial<PatientForm> = {}): PatientForm => ({
  kind: 'patient',
  id: asId<PatientId>('p'),
  isNew: true,
  name: 'Ann Lee',
  recordNumber: '',
  sex: 'F',
  birthYear: '1950',
  ...change,
});

const typedNothing = Object.fromEntries(
  Object.keys(NO_MEASUREMENTS).map((field) => [field, '']),
) as VisitForm['measurements'];

const visitForm = (change: Partial<VisitForm> = {}): VisitForm => ({
  kind: 'visit',
  id: asId<VisitId>('v'),
  patientId: asId<PatientId>('p'),
  isNew: true,
  date: '2026-11-20',
  age: '',
  setting: 'office',
  specialty: '',
  reasons: [],
  diagnoses: [{ system: 'ICD-10-CM', code: 'I10', title: 'Hypertension' }],
  chronic: [],
  procedures: [],
  medications: [],
  previous: [],
  allergies: [],
  unmapped: [],
  pregnancy: 'unknown',
  lactation: 'unknown',
  measurements: typedNothing,
  notes: '',
  ...change,
});

const patientSays = (change: Partial<PatientForm>): string[] =>
  readPatientForm(patientForm(change), TODAY).problems.map(({ field, code }) => `${field}: ${code}`);
const visitSays = (
  change: Partial<VisitForm>,
  who: Partial<typeof WHO | { birthYear: null }> = {},
): string[] =>
  readVisitForm(visitForm(change), { ...WHO, ...who }).problems.map(({ field, code }) => `${field}: ${code}`);

describe('patients', () => {
  test.each([
    [{ name: '   ' }, ['name: missing']],
    [{ name: 'x'.repeat(301) }, ['name: too-long']],
    [{ birthYear: '2027' }, ['birthYear: in-the-future']],
    [{ birthYear: '1890' }, ['birthYear: too-early']],
    [{ birthYear: '1950.5' }, ['birthYear: not-whole']],
    [{ birthYear: 'about 1950' }, ['birthYear: not-a-number']],
    [{ birthYear: '' }, []],
    [{ birthYear: '2026' }, []],
  ])('%j', (change, problems) => {
    expect(patientSays(change)).toEqual(problems);
  });

  test('names keep what is visible: other scripts, emoji; line breaks and half characters go', () => {
    const read = readPatientForm(patientForm({ name: ' عليّ\n\u0007🔥 \uD83D', recordNumber: ' 7 ' }), TODAY);
    expect(read.input).toMatchObject({ name: 'عليّ 🔥 \uFFFD', recordNumber: '7', birthYear: 1950 });
  });
});

describe('visits', () => {
  test.each([
    [{ date: '2026-02-30' }, ['date: not-a-date']],
    [{ date: 'yesterday' }, ['date: not-a-date']],
    [{ date: '' }, ['date: not-a-date']],
    [{ date: '2026-11-24' }, ['date: in-the-future']],
    [{ date: '2027' }, ['date: in-the-future']],
    [{ date: '1949-12-31' }, ['date: before-birth']],
    [{ date: '2026' }, []],
    [{ date: '2024-02-29' }, []],
    [{ age: '60' }, ['age: contradicts-birth-year']],
    [{ age: '75' }, []],
    [{ age: '76' }, []],
    [{ age: '77' }, ['age: contradicts-birth-year']],
    [{ age: 'old' }, ['age: not-a-number']],
    [{ age: '7.5' }, ['age: not-whole']],
    [{ notes: 'x'.repeat(10_000) }, []],
    [{ notes: 'x'.repeat(LONGEST_NOTE + 1) }, ['notes: too-long']],
    [{ allergies: Array.from({ length: LONGEST_LIST + 1 }, (_, i) => `a${i}`) }, ['allergies: too-many']],
  ])('%j', (change, problems) => {
    expect(visitSays(change)).toEqual(problems);
  });

  test('without a birth year the age must be given; without a readable date it is not asked for twice', () => {
    expect(visitSays({}, { birthYear: null })).toEqual(['age: missing']);
    expect(visitSays({ age: '40' }, { birthYear: null })).toEqual([]);
    expect(visitSays({ age: '140' }, { birthYear: null })).toEqual(['age: out-of-range']);
  });

  test('a stored date stays, also one that was shifted into the future', () => {
    const read = readVisitForm(visitForm({ date: '2180-05-06', age: '60' }), {
      ...WHO,
      birthYear: null,
      storedDate: '2180-05-06',
    });
    expect(read).toMatchObject({ problems: [], input: { date: '2180-05-06' } });
  });

  test('the age follows from the birth year, the year alone from the date', () => {
    expect(readVisitForm(visitForm({ date: ' 2020 ' }), WHO).input).toMatchObject({
      date: '2020-01-01',
      dateKnown: false,
      age: 70,
    });
  });

  test('measurements: decimal commas count, units and beliefs are checked', () => {
    const measured = (change: Partial<VisitForm['measurements']>) => ({
      measurements: { ...typedNothing, ...change },
    });
    const read = readVisitForm(visitForm(measured({ creatinine: '1,3', weight: ' 70.5 ' })), WHO);
    expect(read.input?.measurements).toEqual({ ...NO_MEASUREMENTS, creatinine: 1.3, weight: 70.5 });
    expect(visitSays(measured({ creatinine: '97' }))).toEqual(['creatinine: out-of-range']); // µmol/L
    expect(visitSays(measured({ temperature: '98.6' }))).toEqual(['temperature: out-of-range']); // °F
    expect(visitSays(measured({ creatinine: '1.1 mg/dL' }))).toEqual(['creatinine: not-a-number']);
    expect(visitSays(measured({ creatinine: '-1' }))).toEqual(['creatinine: out-of-range']);
    expect(visitSays(measured({ systolic: '80', diastolic: '120' }))).toEqual([
      'diastolic: not-below-systolic',
    ]);
    for (const [field, [least, most]] of Object.entries(BELIEVED)) {
      expect(visitSays(measured({ [field]: String(least) }))).toEqual([]);
      expect(visitSays(measured({ [field]: String(most) }))).toEqual([]);
    }
  });

  test('pregnancy beside a recorded male sex is said and can be stored', () => {
    const read = readVisitForm(visitForm({ pregnancy: 'pregnant' }), { ...WHO, sex: 'M' });
    expect(read.problems).toMatchObject([{ field: 'pregnancy', code: 'male', warning: true }]);
    expect(read.input?.pregnancy).toBe('pregnant');
  });

  test('90 medications are stored, with what is known of how they are taken', () => {
    const medications = Array.from({ length: 90 }, (_, i) => ({
      drug: { id: asId<DrugId>(`drug ${i}`), name: `Drug ${i}`, drugClass: null },
      dose: i === 7 ? ' 5 mg ' : '',
      route: '',
      frequency: '',
    }));
    const { input, problems } = readVisitForm(visitForm({ medications }), WHO);
    expect(problems).toEqual([]);
    expect(input?.currentMedications).toHaveLength(90);
    expect(input?.medicationUse).toEqual([{ drug: 'drug 7', dose: '5 mg', route: '', frequency: '' }]);
  });

  test('whatever is typed is answered: an input or a reason against it, in words', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const parts = fc.record({ date: text, age: text, notes: text, creatinine: text, allergy: text });
    fc.assert(
      fc.property(parts, ({ date, age, notes, creatinine, allergy }) => {
        const measurements = { ...typedNothing, creatinine };
        const read = readVisitForm(visitForm({ date, age, notes, allergies: [allergy], measurements }), WHO);
        expect(read.input === null).toBe(read.problems.length > 0);
        for (const found of read.problems) expect(problemWords(found)).not.toMatch(/[{}]|undefined/);
      }),
    );
  });
});

test('calendar days are those of the calendar', () => {
  const days = [
    '2024-02-29',
    '2023-02-29',
    '2023-13-01',
    '2023-00-10',
    '2023-1-1',
    '0000-01-01',
    '+02023-01-01',
  ];
  expect(days.filter(isCalendarDay)).toEqual(['2024-02-29', '0000-01-01']);
});

describe('the age of an infant', () => {
  const ageOf = (age: string): unknown => {
    const { input } = readVisitForm(visitForm({ age }), { ...WHO, birthYear: null });
    return input && [input.age, input.ageMonths];
  };

  test.each([
    ['7 mo', [0, 7]],
    ['0 m', [0, 0]],
    ['23months', [1, 23]],
    ['18 Monate', [1, 18]],
    ['24 mo', [2, null]],
    ['3 weeks', [0, 0]],
    ['9 Wochen', [0, 2]],
    ['10 d', [0, 0]],
    ['1', [1, null]],
    ['7 moons', null],
    ['7.5', null],
  ])('is read from "%s"', (typed, read) => expect(ageOf(typed)).toEqual(read));

  test('survives being shown and read again, for every month', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), (months) => {
        expect(ageOf(monthsText(months))).toEqual([Math.floor(months / 12), months]);
      }),
    );
  });

  test('has to agree with the birth year like any other', () => {
    expect(visitSays({ age: '7 mo' })).toEqual(['age: contradicts-birth-year']);
  });
});
