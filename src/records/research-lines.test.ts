import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../shared/decision.ts';
import { NO_MEASUREMENTS, type Patient, type Visit } from '../shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../shared/ids.ts';
import type { ExportedPatient } from './exported.ts';
import { Deidentifier, LONGEST_SHIFT, researchLines, type ResearchNames } from './research-lines.ts';

const DRUGS = ['warfarin', 'metformin', 'amoxicillin', 'ibuprofen'];
const CODES = ['I10', 'E119', '22050', 'HTN', '1', '8609'];
const names: ResearchNames = {
  title: (_system, code) => (CODES.includes(code) ? `title of ${code}` : null),
  drug: (id) => ({ name: id, rxcui: [] }),
  knows: (id) => DRUGS.includes(id),
  allergens: (entry) => (entry === 'amoxicillin' ? [asId<DrugId>('amoxicillin')] : []),
};
const hidden = new Deidentifier(Buffer.alloc(32, 7));

/** A word that stands in no other part of a line: whatever holds it leaked. */
const planted = fc
  .array(fc.constantFrom('Ä', 'b', 'Q', 'x', 'Z', '9', 'γ', '-', 'K'), { minLength: 6, maxLength: 12 })
  .map((letters) => `¶${letters.join('')}`);
const day = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

const exported = fc
  .record({
    texts: fc.array(planted, { minLength: 24, maxLength: 24 }),
    day,
    saved: day,
    age: fc.integer({ min: 0, max: 120 }),
  })
  .map(({ texts, day: date, saved, age }) => {
    let next = 0;
    const secret = (): string => texts[next++ % texts.length]!;
    const drug = (): DrugId => asId<DrugId>(secret());
    const patient: Patient = {
      id: asId<PatientId>(secret()),
      name: secret(),
      sourceId: secret(),
      sex: 'F',
      birthYear: 1931,
      demo: false,
    };
    const visit: Visit = {
      id: asId<VisitId>(secret()),
      patientId: patient.id,
      sourceId: secret(),
      date,
      dateKnown: true,
      context: {
        year: Number(date.slice(0, 4)),
        age,
        sex: 'F',
        setting: 'office',
        specialty: secret(),
        reasons: ['22050', secret()],
        diagnoses: [
          { system: 'ICD-10-CM', code: 'I10' },
          { system: 'ICD-10-CM', code: secret() },
        ],
        chronic: ['HTN', secret()],
        procedures: [secret()],
        currentMedications: [asId<DrugId>('warfarin'), drug()],
        previousMedications: [drug()],
      },
      ageMonths: null,
      allergies: ['amoxicillin', secret()],
      notes: secret(),
      prescribed: [asId<DrugId>('metformin'), drug()],
      unmapped: [secret()],
      pregnancy: 'unknown',
      lactation: 'unknown',
      measurements: { ...NO_MEASUREMENTS, weight: 70 },
      medicationUse: [
        { drug: asId<DrugId>('warfarin'), dose: secret(), route: secret(), frequency: secret() },
      ],
    };
    const use = { dose: secret(), route: secret(), frequency: secret(), instructions: secret() };
    const decision = {
      id: secret(),
      savedAt: `${saved}T10:11:12.345Z`,
      alpha: 0.5,
      model: { name: secret(), version: secret() },
      knowledgeVersion: 'k1',
      proposed: [{ id: asId<DrugId>('metformin'), name: secret(), drugClass: secret() }],
      final: [],
      comment: secret(),
      chosen: [
        { drug: asId<DrugId>('metformin'), verdict: 'modified', use },
        { drug: drug(), verdict: 'added', use },
      ],
      rejected: [{ drug: asId<DrugId>('ibuprofen'), reason: 'other', note: secret(), name: secret() }],
      interactions: [{ a: drug(), b: 'warfarin', severity: 3 }],
      overrides: [
        { a: 'aspirin', b: secret(), severity: 3, reason: 'other', note: secret() },
        { a: 'ibuprofen', b: 'warfarin', severity: 3, reason: 'other', note: secret() },
      ],
      findings: [
        {
          finding: {
            state: 'not-checked',
            check: 'allergies',
            drugs: [],
            missing: 'allergy-meaning',
            entry: secret(),
          },
          override: { reason: 'other', note: secret() },
        },
      ],
      signature: { name: secret(), role: secret() },
      version: 1,
      amendment: { replaces: secret(), reason: secret() },
    } as unknown as Decision;
    const audit = [
      {
        sequence: 1,
        at: `${saved}T10:11:12.345Z`,
        actor: secret(),
        action: 'decision.saved',
        hash: secret(),
      },
    ];
    const all: ExportedPatient = {
      patient,
      visits: [{ visit, decisions: [{ decision, replaced: false, audit }], proposal: null }],
    };
    return { all, texts, date, saved, age };
  });

describe('the de-identified research export', () => {
  test('no planted identifier, name, free text, unknown code or drug, and no date survives', () => {
    fc.assert(
      fc.property(exported, ({ all, texts, date, saved, age }) => {
        // Moved, one of the two may become the other, which tells nothing.
        const moved = [date, saved].map((real) => hidden.shifted(all.patient.id, real));
        fc.pre(!moved.includes(date) && !moved.includes(saved));
        const [line] = researchLines(all, names, hidden);
        expect(line).not.toContain('¶');
        for (const text of texts) expect(line).not.toContain(text.slice(1));
        for (const real of [date, saved]) expect(line).not.toContain(real);
        expect(line).not.toMatch(/\d{2}:\d{2}:\d{2}/);
        const told = JSON.parse(line!) as {
          age: number;
          current: string[];
          allergens: string[];
          allergiesLeftOut: number;
        };
        expect(told.age).toBe(Math.min(age, 90));
        expect(told).toMatchObject({
          current: ['warfarin'],
          allergens: ['amoxicillin'],
          allergiesLeftOut: 1,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('the days of one patient stay as far apart as they were, over visits and decisions', () => {
    const days = fc.array(fc.tuple(day, day), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(exported, days, ({ all }, dates) => {
        const [first] = all.visits;
        const visits = dates.map(([date, saved]) => ({
          ...first!,
          visit: { ...first!.visit, date, context: { ...first!.visit.context, age: 50 } },
          decisions: first!.decisions.map((one) => ({
            ...one,
            decision: { ...one.decision, savedAt: `${saved}T10:11:12.345Z` },
          })),
        }));
        const told = researchLines({ ...all, visits }, names, hidden).map(
          (line) => JSON.parse(line) as { date: string; patient: string; decisions: { day: string }[] },
        );
        const moved = told.flatMap(({ date, decisions }, at) => [
          Date.parse(date) - Date.parse(dates[at]![0]),
          Date.parse(decisions[0]!.day) - Date.parse(dates[at]![1]),
        ]);
        expect(new Set(moved).size).toBe(1);
        expect(moved[0]).not.toBe(0);
        expect(new Set(told.map(({ patient }) => patient)).size).toBe(1);
      }),
    );
  });

  test('no distance between two visits tells an age above 90, and only such visits lose their days', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(exported, fc.integer({ min: 60, max: 100 }), steps, ({ all }, first, apart) => {
        const [one] = all.visits;
        let days = 0;
        const visits = apart.map((step) => {
          days += step;
          const at = new Date(Date.UTC(1990, 0, 1 + days)).toISOString().slice(0, 10);
          const context = { ...one!.visit.context, age: first + Math.floor(days / 365.25) };
          return { ...one!, visit: { ...one!.visit, date: at, context } };
        });
        type Told = { age: number; year?: number; date?: string; decisions: { day?: string }[] };
        const told = researchLines({ ...all, visits }, names, hidden).map((line) => JSON.parse(line) as Told);
        const ages = visits.map(({ visit }) => visit.context.age);
        const oldest = (at: number): boolean => ages[at]! >= 90;
        told.forEach(({ date, year, decisions }, at) => {
          expect([year === undefined, decisions[0]!.day === undefined]).toEqual(
            Array(2).fill(date === undefined),
          );
          if (date === undefined) expect(ages[at]).toBeGreaterThan(90);
          for (const earlier of told)
            if (date !== undefined && earlier.date !== undefined && oldest(at)) {
              const years = Math.floor((Date.parse(date) - Date.parse(earlier.date)) / (365.25 * 86_400_000));
              expect(earlier.age + Math.max(0, years)).toBeLessThanOrEqual(90);
            }
        });
        expect(told[0]!.date).toBeDefined();
      }),
    );
  });

  test('all days of a patient move by the same number of days, never by none, and others differently', () => {
    const shifts = Array.from({ length: 400 }, (_, index) => hidden.shiftOf(`p${index}`));
    for (const shift of shifts) expect(Math.abs(shift)).toBeGreaterThanOrEqual(1);
    for (const shift of shifts) expect(Math.abs(shift)).toBeLessThanOrEqual(LONGEST_SHIFT);
    expect(new Set(shifts).size).toBeGreaterThan(150);
    expect(shifts.some((shift) => shift > 0) && shifts.some((shift) => shift < 0)).toBe(true);
    fc.assert(
      fc.property(day, day, (a, b) => {
        const apart = (x: string, y: string): number => (Date.parse(y) - Date.parse(x)) / 86_400_000;
        expect(apart(hidden.shifted('p', a), hidden.shifted('p', b))).toBe(apart(a, b));
      }),
    );
  });

  test('under another secret everything is another', () => {
    const other = new Deidentifier(Buffer.alloc(32, 8));
    expect(other.pseudonym('patient', 'p')).not.toBe(hidden.pseudonym('patient', 'p'));
    const differing = Array.from({ length: 50 }, (_, i) => `p${i}`).filter(
      (p) => other.shiftOf(p) !== hidden.shiftOf(p),
    );
    expect(differing.length).toBeGreaterThan(45);
    expect(hidden.pseudonym('patient', 'x')).not.toBe(hidden.pseudonym('visit', 'x'));
  });
});
