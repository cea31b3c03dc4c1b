import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import type { WritableDb } from './handle.ts';
import { insertPatient, listPatients } from './patients.ts';
import { searchQuery, type Titles } from './search.ts';
import { setArchived } from './patient-changes.ts';
import { noTitles, samplePatient, sampleVisit, withStore } from './testing.ts';
import { insertVisits } from './visits.ts';

const titles: Titles = {
  titleOf: (_system, code) =>
    ({ '25000': 'Diabetes mellitus', I10: 'Essential hypertension', E8120: 'Motor vehicle accident' })[
      code
    ] ?? null,
  drugNameOf: (drug) => (drug === 'meclozine' ? 'meclizine' : drug),
};

const found = (db: WritableDb, query: string): string[] =>
  listPatients(db, { query, limit: 50, offset: 0 }, titles).patients.map(({ patient }) => patient.name);

test('patients are found by name, identifiers, diagnoses, codes, drugs and notes, over all their visits', async () => {
  await withStore(({ db }) => {
    const zoe = samplePatient({ sourceId: 'MRN-0042' });
    const first = sampleVisit(zoe.id, { sourceId: 'namcs-1995-3', prescribed: [asId<DrugId>('meclozine')] });
    insertVisits(db, [{ visit: first, newPatient: zoe, demo: false }], titles);
    const accident = { ...first.context, diagnoses: [{ system: 'ICD-9-CM', code: 'E8120' }] as const };
    insertVisits(
      db,
      [{ visit: sampleVisit(zoe.id, { context: accident, notes: 'Whiplash' }), demo: false }],
      titles,
    );
    insertPatient(db, samplePatient({ name: 'Somebody Else' }));
    const queries = [
      'zoe', 'ZOË', 'mueller muller', 'muller', 'angstrom', 'Müller-Å', 'mrn-0042', '0042', 'namcs-1995-3',
      'diab', 'hypertension zoe', '250.00', '25000', '2500', 'E812.0', 'meclizine', 'meclozine', 'warf digox',
      'metformin', 'dizzy', 'whiplash diabetes', 'motor mellitus',
    ]; // prettier-ignore
    const missed = queries.filter((query) => found(db, query).join() !== zoe.name);
    expect(missed).toEqual(['mueller muller']);
    expect(found(db, 'else')).toEqual(['Somebody Else']);
    expect(found(db, 'zoe else')).toEqual([]);
    expect(found(db, '!!!')).toEqual([]);
    expect(found(db, ' \t')).toHaveLength(2);
  });
});

test('nothing typed is query syntax: every text is answered', async () => {
  await withStore(({ db }) => {
    insertPatient(db, samplePatient({ name: 'AND OR NOT NEAR name' }));
    const nasty = [
      '"',
      '""',
      '*',
      'a*b',
      '^a',
      'name:x',
      'NEAR(a b)',
      'a AND',
      'NOT',
      '-a',
      '(',
      "'; DROP--",
      '\0',
      'a\0b',
    ];
    for (const query of nasty) expect(() => found(db, query)).not.toThrow();
    for (const query of ['AND', 'or', 'NEAR', 'not AND']) expect(found(db, query)).toHaveLength(1);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (query) => {
        expect(() => found(db, query)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
});

test('every word of a name finds it, also cut short', async () => {
  await withStore(({ db }) => {
    const word = fc.stringMatching(/^[\p{L}\p{N}]{2,12}$/u);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), fc.nat(), (words, cut) => {
        const patient = samplePatient({ name: words.join(' ') });
        insertPatient(db, patient);
        const typed = words[cut % words.length]!;
        const letters = Array.from(typed);
        const shortened = letters.slice(0, 1 + (cut % letters.length)).join('');
        const total = listPatients(db, { query: `${typed} ${shortened}`, limit: 1000, offset: 0 }, titles);
        expect(total.patients.some((row) => row.patient.id === patient.id)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

test('a query keeps at most 16 words and knows a text without words from no text', () => {
  expect(searchQuery('ab '.repeat(100))?.split(' AND ')).toHaveLength(16);
  expect(searchQuery('  ')).toBeNull();
  expect(searchQuery('--')).toBe('');
});

test('one letter is the beginning of a name or a word of its own', async () => {
  await withStore(({ db }) => {
    const words = { titleOf: () => 'Vitamin D deficiency', drugNameOf: () => null };
    const add = (name: string): void => {
      const newPatient = samplePatient({ name });
      insertVisits(db, [{ visit: sampleVisit(newPatient.id), newPatient, demo: false }], words);
    };
    for (const name of ['Ada Dorn', 'Bo Émile', 'J Klein']) add(name);
    const names = (query: string): string[] =>
      listPatients(db, { query, limit: 10, offset: 0 }, words)
        .patients.map(({ patient }) => patient.name)
        .sort();
    expect(names('d')).toEqual(['Ada Dorn', 'Bo Émile', 'J Klein']); // all of them lack vitamin D
    expect(names('vitamin d')).toHaveLength(3);
    expect(names('é')).toEqual(['Bo Émile']);
    expect(names('k')).toEqual(['J Klein']);
    expect(names('j klein')).toEqual(['J Klein']);
    expect(names('f')).toEqual([]); // "deficiency" begins with d, and no name with f
  });
});

test(
  'many hits are listed as few are: in order, paged, archived ones apart',
  { timeout: 120_000 },
  async () => {
    await withStore(({ db }) => {
      const add = (_: unknown, index: number) => {
        const newPatient = samplePatient({ name: `Common Name${index}` });
        const date = `20${String(10 + (index % 15))}-0${1 + (index % 9)}-01`;
        insertVisits(
          db,
          [{ visit: sampleVisit(newPatient.id, { date }), newPatient, demo: false }],
          noTitles,
        );
        if (index % 100 === 0) setArchived(db, newPatient.id, '2026-01-01T00:00:00.000Z');
        return newPatient.id;
      };
      const ids = db.transaction(() => Array.from({ length: 1300 }, add));
      const page = (query: string, offset: number, archived = false) =>
        listPatients(db, { query, limit: 400, offset, archived }, noTitles);
      for (const query of ['common', 'common name']) {
        const all = [0, 400, 800, 1200].flatMap((offset) => page(query, offset).patients);
        expect(page(query, 0).total).toBe(1287);
        expect(all.map(({ patient }) => patient.id)).toEqual(
          [0, 400, 800, 1200].flatMap((offset) => page('', offset).patients).map(({ patient }) => patient.id),
        );
        expect(new Set(all.map(({ patient }) => patient.id)).size).toBe(1287);
        expect(page(query, 0, true).total).toBe(13);
        expect(
          page(query, 0, true)
            .patients.map(({ patient }) => patient.id)
            .sort(),
        ).toEqual(ids.filter((_, index) => index % 100 === 0).sort());
      }
    });
  },
);
