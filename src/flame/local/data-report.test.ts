import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shippedKnowledge } from '../../knowledge/fixture.ts';
import { DEFAULT_SETTINGS } from '../../shared/finetune.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { readModelPack } from '../model-pack.ts';
import { dataReport, stabilityIndex } from './data-report.ts';
import { type DatedVisit, splitVisits } from './split-visits.ts';

const knowledge = shippedKnowledge();
const base = readModelPack(resolve(import.meta.dirname, '../../../models/flame-namcs'));
const DRUGS = [
  'lisinopril',
  'metformin',
  'aspirin',
  'atorvastatin',
  'omeprazole',
  'albuterol',
  'sertraline',
].map((name) => asId<DrugId>(name));

function visit(i: number, drugs: readonly DrugId[], patient = `p${i % 40}`): DatedVisit {
  return {
    id: `v${i}`,
    patient,
    date: `2020-${String(1 + (i % 12)).padStart(2, '0')}-10`,
    context: {
      year: 2009,
      age: 60,
      sex: 'F',
      setting: 'office',
      specialty: null,
      reasons: [],
      diagnoses: [{ system: 'ICD-9-CM', code: '4019' }],
      chronic: [],
      procedures: [],
      currentMedications: [],
      previousMedications: [],
    },
    drugs,
  };
}
const varied = (i: number): DrugId[] => DRUGS.filter((_, k) => (i * 7 + k * 3) % 5 < 2);
const many = (n: number, drugs: (i: number) => readonly DrugId[]): DatedVisit[] =>
  Array.from({ length: n }, (_, i) => visit(i, drugs(i)));
const report = (visits: readonly DatedVisit[]) =>
  dataReport({
    split: splitVisits(visits),
    leftOut: { noDrugs: 0, noProblem: 0 },
    base,
    knowledge,
    settings: DEFAULT_SETTINGS,
  });
const refusals = (visits: readonly DatedVisit[]) => report(visits).refusals.map(({ reason }) => reason);

describe('a training set', () => {
  it('of enough different visits is let through', () => {
    const found = report(many(120, varied));
    expect(found.refusals).toEqual([]);
    expect(found.coverage).toBe(1);
    expect(found.estimate.seconds).toBeGreaterThan(10);
  });
  it('of three visits is refused', () => {
    expect(refusals(many(3, varied))).toEqual(expect.arrayContaining(['too-few-visits', 'too-few-patients']));
  });
  it('of one and the same list is refused', () => {
    expect(refusals(many(120, () => DRUGS.slice(0, 5)))).toContain('same-lists');
  });
  it('full of contraindicated pairs is refused', () => {
    const worst = [...knowledge.interactions.pairs()].find(({ severity }) => severity === 4)!;
    const poison = [worst.a, worst.b];
    expect(refusals(many(120, (i) => [...varied(i), ...poison]))).toContain('contraindicated-pairs');
  });
  it('of names that no table knows is refused', () => {
    const odd = Array.from({ length: 9 }, (_, i) => asId<DrugId>(`house mixture ${i}`));
    expect(refusals(many(120, (i) => odd.slice(i % 5)))).toContain('unknown-drugs');
  });
  it('says which new drugs it would add, and which are too rare', () => {
    const rare = asId<DrugId>('rasburicase');
    const fresh = asId<DrugId>('cefepime');
    const found = report(
      many(120, (i) => [...varied(i), ...(i < 3 ? [rare] : []), ...(i % 4 ? [] : [fresh])]),
    );
    expect(found.newDrugs.map(({ drug }) => drug)).toEqual([fresh]);
    expect(found.rareDrugs).toBe(1);
  });
});

it('the stability index is 0 for equal shares, symmetric, and never negative', () => {
  const share = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.record({ site: share, base: share }), { minLength: 1 }), (rows) => {
      const turned = rows.map(({ site, base: other }) => ({ site: other, base: site }));
      expect(stabilityIndex(rows)).toBeGreaterThanOrEqual(0);
      expect(stabilityIndex(rows)).toBeCloseTo(stabilityIndex(turned), 9);
      expect(stabilityIndex(rows.map(({ site }) => ({ site, base: 2 * site })))).toBeCloseTo(0, 12);
    }),
    { numRuns: 100 },
  );
});

it('no patient stands on two sides, no visit is lost, and the held-out patients were seen last', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ patient: fc.integer({ min: 0, max: 30 }), month: fc.integer({ min: 1, max: 12 }) }),
        {
          minLength: 1,
          maxLength: 120,
        },
      ),
      (drawn) => {
        const visits = drawn.map(({ patient, month }, i) => ({
          ...visit(i, varied(i), `p${patient}`),
          date: `2020-${String(month).padStart(2, '0')}-01`,
        }));
        const { train, validation, heldOut } = splitVisits(visits);
        expect(train.length + validation.length + heldOut.length).toBe(visits.length);
        const patients = [train, validation, heldOut].map((part) => new Set(part.map((one) => one.patient)));
        for (const one of patients[0]!) expect(patients[1]!.has(one) || patients[2]!.has(one)).toBe(false);
        for (const one of patients[1]!) expect(patients[2]!.has(one)).toBe(false);
        const last = (patient: string) =>
          visits.reduce(
            (latest, one) => (one.patient === patient && one.date > latest ? one.date : latest),
            '',
          );
        const earliestHeldOut = [...patients[2]!].map(last).sort()[0] ?? '9';
        for (const one of patients[0]!) expect(last(one) <= earliestHeldOut).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
