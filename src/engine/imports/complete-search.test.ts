import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Patient } from '../../shared/domain.ts';
import { completeSearch } from './complete-search.ts';
import { openProfile } from '../profile.ts';
import type { WritableDb } from '../store/handle.ts';
import { findLikelySame, mergePatients } from '../store/patient-changes.ts';
import { listPatients } from '../store/patients.ts';
import { countWaiting } from '../store/search.ts';
import { noTitles, samplePatient, sampleVisit, withStore } from '../store/testing.ts';
import { insertVisits, type NewVisit } from '../store/visits.ts';

const search = (db: WritableDb, query: string) => {
  const { total, patients, waiting } = listPatients(db, { query, limit: 500, offset: 0 }, noTitles);
  return { total, waiting, names: patients.map(({ patient }) => patient.name) };
};

const WORDS = ['zebra', 'quince', 'marble', 'walnut', 'copper', 'velvet'];

/** Batches of visits of a few patients, each visit with one word in its notes. */
const batches = fc.array(
  fc.array(fc.record({ who: fc.nat(7), word: fc.constantFrom(...WORDS) }), { minLength: 1, maxLength: 12 }),
  { minLength: 1, maxLength: 6 },
);

function visitsOf(people: readonly Patient[], known: Set<number>, batch: { who: number; word: string }[]) {
  return batch.map(({ who, word }): NewVisit => {
    const patient = people[who]!;
    const isNew = !known.has(who);
    known.add(who);
    const visit = sampleVisit(patient.id, { notes: word });
    return { visit, demo: false, ...(isNew ? { newPatient: patient } : {}) };
  });
}

test('searching after the documents were completed finds what a store finds that wrote them at once', async () => {
  await withStore(async ({ db: later }) => {
    await withStore(async ({ db: now }) => {
      let turn = 0;
      await fc.assert(
        fc.asyncProperty(batches, async (list) => {
          turn += 1;
          const people = Array.from({ length: 8 }, (_, n) => samplePatient({ name: `Turn${turn} Nr${n}` }));
          for (const [db, when] of [
            [now, 'now'],
            [later, 'later'],
          ] as const) {
            const known = new Set<number>();
            for (const batch of list) insertVisits(db, visitsOf(people, known, batch), noTitles, when);
          }
          expect(countWaiting(later)).toBe(new Set(list.flat().map(({ who }) => who)).size);
          // Nobody is missed in silence.
          const early = search(later, `Turn${turn}`);
          expect(early.total + early.waiting).toBeGreaterThanOrEqual(search(now, `Turn${turn}`).total);
          await completeSearch(later);
          expect(countWaiting(later)).toBe(0);
          for (const word of [`Turn${turn}`, ...WORDS])
            expect(search(later, word).names.sort()).toEqual(search(now, word).names.sort());
        }),
        { numRuns: 15 },
      );
    });
  });
});

test('what is interrupted is marked on the disk and completed after the next opening', async () => {
  await withStore(async ({ db, folder }) => {
    const people = Array.from({ length: 600 }, (_, n) => samplePatient({ name: `Nobody ${n}` }));
    insertVisits(
      db,
      people.map((newPatient) => ({ visit: sampleVisit(newPatient.id), newPatient, demo: false })),
      noTitles,
      'later',
    );
    expect(search(db, 'nobody')).toEqual({ total: 0, waiting: 600, names: [] });
    expect(search(db, '').total).toBe(600);
    let slices = 0;
    await completeSearch(db, () => slices++ === 1);
    const half = search(db, 'nobody');
    expect(half.total).toBeGreaterThan(0);
    expect([half.total + half.waiting, half.waiting > 0]).toEqual([600, true]);
    db.close();
    const again = await openProfile({ folder });
    expect(search(again.db, 'nobody').waiting).toBe(half.waiting);
    const told: number[] = [];
    await completeSearch(again.db, undefined, (share) => told.push(share));
    expect(search(again.db, 'nobody')).toMatchObject({ total: 600, waiting: 0 });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    again.db.close();
  });
});

test('a patient that waits is told to be the same, and loses the mark when merged', async () => {
  await withStore(async ({ db }) => {
    const [one, same] = [samplePatient({ name: 'Éva Kiss' }), samplePatient({ name: 'kiss, eva' })];
    const visits = [one, same].map((newPatient) => ({
      visit: sampleVisit(newPatient.id),
      newPatient,
      demo: false,
    }));
    insertVisits(db, visits, noTitles, 'later');
    expect(findLikelySame(db, one)).toEqual([{ id: same.id, same: 'name' }]);
    mergePatients(db, same.id, one.id);
    expect(countWaiting(db)).toBe(0);
    await completeSearch(db);
    expect(search(db, 'kiss')).toEqual({ total: 1, waiting: 0, names: ['Éva Kiss'] });
  });
});
