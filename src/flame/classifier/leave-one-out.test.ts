import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { Classifier } from './classifier.ts';
import { entriesOf, leaveOneOut, type ScoredVisit, withoutEntry } from './leave-one-out.ts';
import { SHIPPED_PACK } from '../model-pack.ts';

const ROOT = join(import.meta.dirname, '../../..');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
const drug = (name: string): DrugId => asId<DrugId>(name);

const CONTEXT: ClinicalContext = {
  year: 2024,
  age: 61,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: ['22050', '16400'],
  diagnoses: [
    { system: 'ICD-10-CM', code: 'E119' },
    { system: 'ICD-10-CM', code: 'I10' },
    { system: 'ICD-10-CM', code: 'E119' },
  ],
  chronic: ['HYPLIPID'],
  procedures: ['8952'],
  currentMedications: [drug('aspirin'), drug('warfarin')],
  previousMedications: [drug('metformin')],
};

let classifier: Classifier;
beforeAll(async () => {
  classifier = await Classifier.open(join(ROOT, 'models', SHIPPED_PACK), knowledge);
});
afterAll(() => classifier.close());

const score = async (visits: readonly ScoredVisit[]) =>
  (await classifier.score(visits.map(({ context }) => context))).map(({ probabilities }) => probabilities);
const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe('leaveOneOut', () => {
  it('equals scoring each blanked visit by itself', async () => {
    const calls: number[] = [];
    const { entries, whole, without, blank } = await leaveOneOut({ context: CONTEXT, note: '' }, (visits) => {
      calls.push(visits.length);
      return score(visits);
    });
    expect(calls).toEqual([entries.length + 2]);
    // Two diagnoses, two reasons, a flag, a procedure, three drugs, age, sex, specialty: the repeated code counts once.
    expect(entries).toHaveLength(12);
    expect(entries).toEqual(entriesOf(CONTEXT));
    const alone = async (context: ClinicalContext) => (await score([{ context, note: '' }]))[0]!;
    expect(largestGap(whole, await alone(CONTEXT))).toBeLessThan(1e-6);
    for (const [i, entry] of entriesOf(CONTEXT).entries())
      expect(largestGap(without[i]!, await alone(withoutEntry(CONTEXT, entry)))).toBeLessThan(1e-6);
    expect(largestGap(blank, await alone(entriesOf(CONTEXT).reduce(withoutEntry, CONTEXT)))).toBeLessThan(
      1e-6,
    );
  });

  it('finds that diabetes calls for metformin and does not call for omeprazole', async () => {
    // Without the metformin of last time, which would speak for itself.
    const { entries, whole, without } = await leaveOneOut(
      { context: { ...CONTEXT, previousMedications: [] }, note: '' },
      score,
    );
    const diabetes = entries.findIndex(
      (entry) => entry.kind === 'diagnosis' && entry.diagnosis.code === 'E119',
    );
    const change = (name: string): number => {
      const at = classifier.formulary.indexOf(drug(name));
      return whole[at]! - without[diabetes]![at]!;
    };
    expect(change('metformin')).toBeGreaterThan(0.1);
    expect(Math.abs(change('omeprazole'))).toBeLessThan(0.05);
  });

  it('changes nothing by an entry that the model cannot read, wherever it stands', async () => {
    const unreadable = { system: 'ICD-10-CM', code: 'U99X' } as const;
    await fc.assert(
      fc.asyncProperty(fc.nat(3), async (place) => {
        const context: ClinicalContext = {
          ...CONTEXT,
          diagnoses: CONTEXT.diagnoses.toSpliced(place, 0, unreadable),
          currentMedications: [...CONTEXT.currentMedications, drug('nobody knows it')],
        };
        const { entries, whole, without } = await leaveOneOut({ context, note: '' }, score);
        const [encoded] = await classifier.score([context]);
        expect(encoded!.unknownCodes).toEqual(['U99X']);
        for (const [i, entry] of entries.entries()) {
          const unknown =
            (entry.kind === 'diagnosis' && entry.diagnosis.code === 'U99X') ||
            (entry.kind === 'current-medication' && entry.drug === 'nobody knows it');
          if (unknown) expect(largestGap(whole, without[i]!)).toBe(0);
        }
      }),
      { numRuns: 4 },
    );
  });

  it('blanks the note last where there is one', async () => {
    const notes: string[] = [];
    const { entries } = await leaveOneOut({ context: CONTEXT, note: 'some words' }, (visits) => {
      notes.push(...visits.map(({ note }) => note));
      return score(visits);
    });
    expect(entries).toEqual([...entriesOf(CONTEXT), { kind: 'note' }]);
    const kept = entriesOf(CONTEXT).map(() => 'some words');
    expect(notes).toEqual(['some words', '', ...kept, '']); // whole, blank, each entry, the note
  });

  it('names every entry once, and blanking them all leaves none that says anything', () => {
    const nothing = entriesOf(CONTEXT).reduce(withoutEntry, CONTEXT);
    expect(nothing).toMatchObject({
      sex: 'unknown',
      specialty: null,
      reasons: ['', ''],
      chronic: [],
      procedures: [''],
      currentMedications: [],
      previousMedications: [],
    });
    expect(nothing.diagnoses.map(({ code }) => code)).toEqual(['', '', '']);
    expect(nothing.age).toBeNaN();
    expect(
      entriesOf({ ...CONTEXT, age: Number.NaN, sex: 'unknown', specialty: null }).map(({ kind }) => kind),
    ).not.toContain('age');
  });
});
