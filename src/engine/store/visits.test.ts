import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Patient, Visit } from '../../shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../shared/ids.ts';
import { newId } from './ids.ts';
import { demoLoaded, findPatientBySource, getPatient, insertPatient, listPatients } from './patients.ts';
import type { Titles } from './search.ts';
import { noTitles, samplePatient, sampleVisit, withStore } from './testing.ts';
import { countVisits, findVisitBySource, getVisit, insertVisits, listVisits } from './visits.ts';

const code = fc.stringMatching(/^[A-Z0-9]{1,7}$/);
const drug = fc.stringMatching(/^[a-z]{3,20}$/).map((name) => asId<DrugId>(name));
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const sex = fc.constantFrom('F', 'M', 'unknown' as const);
const measured = fc.option(fc.double({ min: 0, max: 1000, noNaN: true }));
const list = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<Item[]> => fc.array(item, { maxLength: 5 });

const patient: fc.Arbitrary<Patient> = fc.record({
  id: fc.constant(null).map(() => newId<PatientId>()),
  name: text,
  sourceId: fc.option(fc.uuid()),
  sex,
  birthYear: fc.option(fc.integer({ min: 1850, max: 2200 })),
  demo: fc.boolean(),
});

const content: fc.Arbitrary<Omit<Visit, 'patientId'>> = fc
  .record({
    id: fc.constant(null).map(() => newId<VisitId>()),
    sourceId: fc.option(fc.uuid()),
    date: fc
      .date({ min: new Date('1900-01-01'), max: new Date('2199-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
    dateKnown: fc.boolean(),
    ageMonths: fc.option(fc.integer({ min: 0, max: 23 })),
    context: fc.record({
      year: fc.integer({ min: 1900, max: 2200 }),
      age: fc.integer({ min: 0, max: 130 }),
      sex,
      setting: fc.constantFrom('office', 'inpatient', 'intensive-care', 'emergency', 'unknown' as const),
      specialty: fc.option(code),
      reasons: list(code),
      diagnoses: list(fc.record({ system: fc.constantFrom('ICD-9-CM', 'ICD-10-CM' as const), code })),
      chronic: list(code),
      procedures: list(code),
      currentMedications: list(drug),
      previousMedications: list(drug),
    }),
    allergies: list(text),
    notes: fc.string({ unit: 'grapheme', maxLength: 300 }),
    prescribed: fc.option(list(drug)),
    unmapped: list(text),
    pregnancy: fc.constantFrom('pregnant', 'not-pregnant', 'unknown' as const),
    lactation: fc.constantFrom('lactating', 'not-lactating', 'unknown' as const),
    measurements: fc.record({
      creatinine: measured,
      weight: measured,
      height: measured,
      systolic: measured,
      diastolic: measured,
      heartRate: measured,
      temperature: measured,
    }),
    medicationUse: list(fc.record({ drug, dose: text, route: text, frequency: fc.string() })),
  })
  .map((visit) =>
    visit.ageMonths === null
      ? visit
      : { ...visit, context: { ...visit.context, age: Math.floor(visit.ageMonths / 12) } },
  );

test('a visit and its patient come back as they were stored', async () => {
  await withStore(({ db }) => {
    fc.assert(
      fc.property(patient, fc.array(content, { minLength: 1, maxLength: 3 }), (who, contents) => {
        const visits: Visit[] = contents.map((one) => ({ ...one, patientId: who.id }));
        insertVisits(
          db,
          visits.map((visit, index) => ({
            visit,
            demo: who.demo,
            ...(index === 0 ? { newPatient: who } : {}),
          })),
          noTitles,
        );
        expect(getPatient(db, who.id)).toEqual(who);
        for (const visit of visits) expect(getVisit(db, visit.id)).toEqual(visit);
        expect(listVisits(db, who.id, noTitles)).toHaveLength(visits.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('lists', () => {
  const titles: Titles = {
    titleOf: (_system, code) =>
      ({ '25000': 'Diabetes mellitus', I10: 'Essential hypertension' })[code] ?? null,
  };

  test('patients come latest visit first, in pages, with their last diagnoses in words', async () => {
    await withStore(({ db }) => {
      const patients = Array.from({ length: 7 }, (_, index) => samplePatient({ name: `P${index}` }));
      insertVisits(
        db,
        patients.map((newPatient, index) => ({
          visit: sampleVisit(newPatient.id, { date: `200${index}-01-01` }),
          newPatient,
          demo: false,
        })),
        titles,
      );
      insertPatient(db, samplePatient({ name: 'No visit yet' }));
      const page = (offset: number) => listPatients(db, { query: '', limit: 3, offset }, titles);
      const names = [0, 3, 6, 9].map((offset) => page(offset).patients.map(({ patient }) => patient.name));
      expect(names).toEqual([['P6', 'P5', 'P4'], ['P3', 'P2', 'P1'], ['P0', 'No visit yet'], []]);
      expect(page(0).total).toBe(8);
      expect(page(0).patients[0]).toMatchObject({
        visitCount: 1,
        lastVisitDate: '2006-01-01',
        lastDiagnoses: ['Diabetes mellitus', 'Essential hypertension'],
        decided: false,
      });
      expect(page(6).patients[1]).toMatchObject({ visitCount: 0, lastVisitDate: null, lastVisitId: null });
    });
  });

  test('a visit without a recorded list is open: its count is null, not zero', async () => {
    await withStore(({ db }) => {
      const newPatient = samplePatient();
      const open = sampleVisit(newPatient.id, { prescribed: null, date: '2010-01-02' });
      const empty = sampleVisit(newPatient.id, { prescribed: [], date: '2010-01-01' });
      insertVisits(
        db,
        [
          { visit: open, newPatient, demo: false },
          { visit: empty, demo: false },
        ],
        titles,
      );
      expect(listVisits(db, newPatient.id, titles).map(({ prescribedCount }) => prescribedCount)).toEqual([
        null,
        0,
      ]);
      expect(getVisit(db, open.id).prescribed).toBeNull();
    });
  });

  test('demo patients and the site’s own with the same identifier are different people', async () => {
    await withStore(({ db }) => {
      expect(demoLoaded(db)).toBe(false);
      const own = samplePatient({ sourceId: '1', name: 'own' });
      const demo = samplePatient({ sourceId: '1', name: 'demo', demo: true });
      insertVisits(
        db,
        [own, demo].map((newPatient) => ({
          visit: sampleVisit(newPatient.id, { sourceId: 'v1' }),
          newPatient,
          demo: newPatient.demo,
        })),
        titles,
      );
      expect(findPatientBySource(db, '1', true)).toEqual(demo);
      expect(findPatientBySource(db, '1', false)).toEqual(own);
      expect(findVisitBySource(db, 'v1', true)?.id).not.toBe(findVisitBySource(db, 'v1', false)?.id);
      expect(demoLoaded(db)).toBe(true);
    });
  });
});

test('a visit of an unknown patient is refused and nothing of its batch stays', async () => {
  await withStore(({ db }) => {
    const newPatient = samplePatient();
    const good = { visit: sampleVisit(newPatient.id), newPatient, demo: false };
    const orphan = { visit: sampleVisit(newId<PatientId>()), demo: false };
    expect(() => insertVisits(db, [good, orphan], noTitles)).toThrow(/patient was not found/);
    expect(countVisits(db)).toBe(0);
    expect(() => getVisit(db, good.visit.id)).toThrow(/visit was not found/);
  });
});
