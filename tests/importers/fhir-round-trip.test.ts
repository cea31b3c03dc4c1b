/** A FHIR export that is imported again: the same visits, and every difference that is expected stands in `expected`. */

import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadDemo } from '../../src/engine/imports/demo.ts';
import { exportRecords } from '../../src/engine/exports/export-records.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { insertVisits, getVisit, type NewVisit } from '../../src/engine/store/visits.ts';
import { newId } from '../../src/engine/store/ids.ts';
import { noTitles, samplePatient, sampleVisit, withStore } from '../../src/engine/store/testing.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import { NO_MEASUREMENTS, type Visit } from '../../src/shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../src/shared/ids.ts';
import type { ExportFormat } from '../../src/shared/export-api.ts';
import type { ImportReport } from '../../src/shared/import-api.ts';
import { importInto } from './importing.ts';

const knowledge = shippedKnowledge();
const knows = (drug: string): boolean => knowledge.drugs.get(asId<DrugId>(drug)) !== null;
const sorted = <Item extends string>(items: readonly Item[]): Item[] => [...new Set(items)].sort();
const inAscii = (text: string): string => text.replace(/[^\S \t\r\n]/gu, ' ');

/** What a visit is after export and import; identifiers of this store aside, the only differences there may be. */
function expected(visit: Visit): unknown {
  const { context, prescribed, patientId: _patient, id, sourceId, ...rest } = visit;
  const tenth = context.diagnoses.some(({ system }) => system === 'ICD-10-CM');
  const drugs = (list: readonly DrugId[]): DrugId[] => sorted(list.filter(knows));
  const written = [...context.currentMedications, ...context.previousMedications, ...(prescribed ?? [])];
  return {
    ...rest,
    // The source's own identifier, or the one of the store that it came from.
    sourceId: sourceId ?? id,
    context: {
      ...context,
      // One system of diagnoses a visit; an import says how many codes of the other one it left out.
      diagnoses: tenth ? context.diagnoses.filter(({ system }) => system === 'ICD-10-CM') : context.diagnoses,
      // Drugs come in the order of their names; one that no table knows is an entry without an ingredient.
      currentMedications: drugs(context.currentMedications),
      previousMedications: drugs(context.previousMedications),
    },
    prescribed: prescribed && drugs(prescribed),
    unmapped: sorted([...visit.unmapped, ...written.filter((one) => !knows(one))]).map(inAscii),
    // FHIR knows no white space but space, tab and line ends.
    notes: inAscii(visit.notes),
    // Entries that say there is no allergy are left out and counted; each entry once, in the order of the patient's.
    allergies: sorted(visit.allergies.filter((entry) => !/^no known\b/i.test(entry)).map(inAscii)),
    // Directions travel as text, which is not read back.
    medicationUse: [],
  };
}

function found({ context, patientId: _patient, id: _id, ...rest }: Visit): unknown {
  return { ...rest, context, unmapped: sorted(rest.unmapped), allergies: sorted(rest.allergies) };
}

const visitIds = ({ db }: Profile): VisitId[] =>
  db.all<{ id: string }>('SELECT id FROM visits ORDER BY key').map(({ id }) => asId<VisitId>(id));

const sizeOf = ({ db }: Profile): unknown =>
  db.get('SELECT (SELECT count(*) FROM visits) AS visits, (SELECT count(*) FROM patients) AS patients');

interface Trip {
  readonly from: Profile;
  readonly to: Profile;
  readonly report: ImportReport;
  readonly again: ImportReport;
}

/** Exports a filled store, imports the file into an empty one, twice. */
async function roundTrip(
  fill: (profile: Profile) => unknown,
  { format, demo }: { format: ExportFormat; demo: boolean },
  check: (trip: Trip) => void,
): Promise<void> {
  await withStore(async (from) => {
    await fill(from);
    const path = join(from.folder, `out.${format === 'fhir-bundle' ? 'json' : 'ndjson'}`);
    await exportRecords(
      path,
      { format, from: null, to: null, demo, patientId: null, passphrase: null },
      { db: from.db, knowledge, key: from.key, actor: 'tester' },
    );
    await withStore(async (to) => {
      const report = await importInto(to, path);
      check({ from, to, report, again: await importInto(to, path) });
    });
    // Where it came from it changes nothing and makes no second patient.
    const before = sizeOf(from);
    await importInto(from, path).catch((thrown: unknown) =>
      expect(thrown).toMatchObject({ code: 'IMPORT_EMPTY' }),
    );
    if (!demo) expect(sizeOf(from)).toEqual(before);
  });
}

function compare({ from, to, report, again }: Trip): void {
  const originals = visitIds(from).map((id) => getVisit(from.db, id));
  const imported = new Map(
    visitIds(to).map((id) => {
      const visit = getVisit(to.db, id);
      return [visit.sourceId, visit];
    }),
  );
  expect(imported.size).toBe(originals.length);
  for (const visit of originals)
    expect(found(imported.get(visit.sourceId ?? visit.id)!)).toEqual(expected(visit));
  expect(report).toMatchObject({ format: 'fhir', visitsCreated: originals.length, refusedCount: 0 });
  expect(again).toMatchObject({ visitsCreated: 0, visitsSkipped: originals.length, refusedCount: 0 });
  const patients = ({ db }: Profile): unknown[] =>
    db.all(
      `SELECT coalesce(source_id, id) AS id, name, sex, (SELECT count(*) FROM visits WHERE patient = p.key) AS visits
       FROM patients p ORDER BY coalesce(source_id, id)`,
    );
  const plain = (rows: unknown[]): unknown[] =>
    rows.map((row) => ({ ...(row as object), name: inAscii((row as { name: string }).name) }));
  expect(patients(to)).toEqual(plain(patients(from)));
}

const word = fc
  .array(fc.constantFrom('a', 'B', 'é', '7', '"', '<', '=', ';', '\u00a0', '日', ' ', '\n'), {
    maxLength: 20,
  })
  .map((letters) => `x${letters.join('')}x`);
const entry = word.map((text) => text.replace(/\s+/g, ' '));
const someOf = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => fc.subarray(items);
const drugsOf = someOf(
  ...['warfarin', 'metformin', 'meclozine', 'aspirin', 'albuterol', 'not-a-drug-at-all'],
).map((list) => list.map((name) => asId<DrugId>(name)));
const numberIn = (low: number, high: number): fc.Arbitrary<number | null> =>
  fc.option(fc.integer({ min: low * 1000, max: high * 1000 }).map((value) => value / 1000));

const visit = fc.record({
  year: fc.integer({ min: 1990, max: 2030 }),
  day: fc.integer({ min: 1, max: 28 }),
  dateKnown: fc.boolean(),
  months: fc.option(fc.integer({ min: 0, max: 11 })),
  male: fc.boolean(),
  setting: fc.constantFrom(
    'office' as const,
    'inpatient' as const,
    'intensive-care' as const,
    'emergency' as const,
    'unknown' as const,
  ),
  specialty: fc.option(fc.constantFrom('1', '13')),
  reasons: someOf('22050', '10050'),
  tens: someOf('I10', 'E119', 'I4891', 'Z9989'),
  nines: someOf('25000', 'E8490', 'V270'),
  chronic: someOf('HTN', 'DIABETES'),
  procedures: someOf('8609', '0DTJ4ZZ'),
  current: drugsOf,
  previous: drugsOf,
  prescribed: fc.option(drugsOf),
  unmapped: fc.uniqueArray(entry, { maxLength: 2 }),
  allergies: fc.uniqueArray(
    fc.oneof(entry, fc.constantFrom('penicillin', 'sulfa', 'No known drug allergies')),
    { maxLength: 3 },
  ),
  notes: fc.oneof(
    fc.constant(''),
    word,
    word.map((text) => text.repeat(400)),
  ),
  pregnancy: fc.constantFrom('unknown' as const, 'pregnant' as const, 'not-pregnant' as const),
  lactation: fc.constantFrom('unknown' as const, 'lactating' as const, 'not-lactating' as const),
  creatinine: numberIn(0.1, 30),
  weight: numberIn(1, 300),
  temperature: numberIn(31, 42),
  pressure: fc.option(fc.tuple(fc.integer({ min: 120, max: 200 }), fc.integer({ min: 30, max: 110 }))),
  sourceId: fc.boolean(),
});

const population = fc.array(
  fc.record({
    visits: fc.array(visit, { minLength: 1, maxLength: 4 }),
    /** At the earliest visit; the others follow from it, since one person has one birthday. */
    age: fc.integer({ min: 0, max: 120 }),
    name: word,
    sourced: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);

type Population = typeof population extends fc.Arbitrary<infer Value> ? Value : never;

function store({ db }: Profile, people: Population): void {
  people.forEach(({ visits, age: first, name, sourced }, at) => {
    const born = Math.min(...visits.map(({ year }) => year)) - first;
    const sex = visits[0]!.male ? 'M' : 'F';
    const patient = samplePatient({
      name: name.replace(/\s+/g, ' '),
      sex,
      sourceId: sourced ? `mrn ${at}` : null,
    });
    const made = visits.map((one, index): NewVisit => {
      const id = newId<VisitId>();
      const month = String(1 + (index % 12)).padStart(2, '0');
      const { tens, nines, months } = one;
      const age = Math.min(120, one.year - born);
      const infant = age < 2 && months !== null;
      return {
        demo: false,
        ...(index === 0 ? { newPatient: patient } : {}),
        visit: sampleVisit(asId<PatientId>(patient.id), {
          id,
          sourceId: one.sourceId ? `source ${id}` : null,
          date: one.dateKnown
            ? `${one.year}-${month}-${String(one.day).padStart(2, '0')}`
            : `${one.year}-01-01`,
          dateKnown: one.dateKnown,
          ageMonths: infant ? age * 12 + months : null,
          context: {
            year: one.year,
            age,
            sex,
            setting: one.setting,
            specialty: one.specialty,
            reasons: one.reasons,
            diagnoses: [
              ...tens.map((code) => ({ system: 'ICD-10-CM' as const, code })),
              ...nines.map((code) => ({ system: 'ICD-9-CM' as const, code })),
            ],
            chronic: one.chronic,
            procedures: one.procedures,
            currentMedications: one.current,
            previousMedications: one.previous,
          },
          prescribed: one.prescribed,
          unmapped: one.unmapped,
          allergies: one.allergies,
          notes: one.notes,
          pregnancy: sex === 'M' ? 'unknown' : one.pregnancy,
          lactation: sex === 'M' ? 'unknown' : one.lactation,
          measurements: {
            ...NO_MEASUREMENTS,
            creatinine: one.creatinine,
            weight: one.weight,
            temperature: one.temperature,
            ...(one.pressure ? { systolic: one.pressure[0], diastolic: one.pressure[1] } : {}),
          },
          medicationUse: one.current
            .slice(0, 1)
            .map((drug) => ({ drug, dose: '5 mg', route: '', frequency: 'daily' })),
        }),
      };
    });
    for (const one of made) insertVisits(db, [one], noTitles);
  });
}

describe('FHIR export, imported into an empty store', () => {
  test.each(['fhir-ndjson', 'fhir-bundle'] as const)('any visits come back the same (%s)', async (format) => {
    await fc.assert(
      fc.asyncProperty(population, (people) =>
        roundTrip((profile) => store(profile, people), { format, demo: false }, compare),
      ),
      { numRuns: Number(process.env['FLAME_ROUND_TRIPS'] ?? 3) },
    );
  });

  test('the demo patients come back the same', async () => {
    const fill = ({ db }: Profile): Promise<ImportReport> =>
      loadDemo(db, resolve(import.meta.dirname, '../../resources/demo'), {
        resolveDrugs: (name) => knowledge.drugs.find(name),
        titles: noTitles,
        actor: 'tester',
      });
    await roundTrip(fill, { format: 'fhir-ndjson', demo: true }, compare);
  });

  test('what is left out is counted', async () => {
    const people: Population = fc.sample(population, { numRuns: 1, seed: 1 })[0]!;
    const one = {
      ...people[0]!.visits[0]!,
      tens: ['I10'],
      nines: ['25000', 'V270'],
      allergies: ['No known allergies'],
    };
    await roundTrip(
      (profile) => store(profile, [{ visits: [one], age: 50, name: 'Ada', sourced: false }]),
      { format: 'fhir-ndjson', demo: false },
      ({ report }) =>
        expect(report.leftOut).toEqual(
          expect.arrayContaining([
            { reason: 'ICD-9-CM code beside ICD-10-CM codes of the same visit', count: 2 },
            { reason: 'AllergyIntolerance that says there is none', count: 1 },
          ]),
        ),
    );
  });
});
