import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClinicHabits, HABIT_LIMIT, scoresWithHabits } from './clinic-habits.ts';

const probability = fc.double({ min: 0, max: 1, noNaN: true });
const visit = fc.record({
  probabilities: fc.array(probability, { minLength: 4, maxLength: 4 }),
  list: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
});

describe('clinic habits', () => {
  it('moves odds as worked by hand', () => {
    const habits = new ClinicHabits(2, 1);
    for (let i = 0; i < 5; i += 1) habits.observe([0.2, 0.4], i < 3 ? [0] : []);
    // Drug 0: 3 seen, 1 expected: (3 + 1)/(1 + 1) = 2. Drug 1: none seen, 2 expected: 1/3.
    expect(habits.factor(0)).toBeCloseTo(2, 12);
    expect(habits.factor(1)).toBeCloseTo(1 / 3, 12);
    const [first, second] = habits.adjust([0.5, 0.5]);
    expect(first).toBeCloseTo(2 / 3, 6);
    expect(second).toBeCloseTo(1 / 4, 6);
  });

  it('takes what was left as proposed at a quarter, and what was changed at its word', () => {
    const habits = new ClinicHabits(4, 1);
    for (let i = 0; i < 4; i += 1) habits.observe([0.4, 0.4, 0.4, 0.4], [0, 1], [0, 2]);
    // Kept 4(¼ + ¾·0.4), added 4, removed 0, never thought of 4(¾·0.4); expected 1.6 each.
    const hand = [(2.2 + 1) / 2.6, 5 / 2.6, 1 / 2.6, (1.2 + 1) / 2.6];
    hand.forEach((factor, drug) => expect(habits.factor(drug)).toBeCloseTo(factor, 12));
    for (let i = 0; i < 4; i += 1) habits.forget([0.4, 0.4, 0.4, 0.4], [0, 1], [0, 2]);
    hand.forEach((_, drug) => expect(habits.factor(drug)).toBeCloseTo(1, 12));
  });

  it('changes nothing before the first decision, and keeps certain drugs certain', () => {
    fc.assert(
      fc.property(fc.array(probability, { minLength: 4, maxLength: 4 }), (probabilities) => {
        const adjusted = new ClinicHabits(4).adjust(probabilities);
        probabilities.forEach((p, drug) => expect(adjusted[drug]).toBeCloseTo(p, 6));
      }),
    );
  });

  it('keeps probabilities in [0, 1], is bounded, and forgets what it observed', () => {
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 60 }), visit, (visits, last) => {
        const habits = new ClinicHabits(4);
        for (const { probabilities, list } of visits) habits.observe(probabilities, list);
        const before = [0, 1, 2, 3].map((drug) => habits.factor(drug));
        for (const factor of before) {
          expect(factor).toBeLessThanOrEqual(HABIT_LIMIT);
          expect(factor).toBeGreaterThanOrEqual(1 / HABIT_LIMIT);
        }
        for (const p of habits.adjust(last.probabilities)) {
          expect(p).toBeGreaterThanOrEqual(0);
          expect(p).toBeLessThanOrEqual(1);
        }
        habits.observe(last.probabilities, last.list);
        habits.forget(last.probabilities, last.list);
        before.forEach((factor, drug) => expect(habits.factor(drug)).toBeCloseTo(factor, 6));
      }),
    );
  });
});

describe('scores with habits', () => {
  it('use only earlier visits of the same clinician, never the visit itself', () => {
    const table = { visits: 3, drugs: 1, values: Float32Array.from([0.5, 0.5, 0.5]) };
    const of = (truth: number[][], clinicians: number[]): number[] =>
      Array.from(scoresWithHabits(table, { truth, clinicians }, 0.5).values);
    // (1 + 0.5)/(0.5 + 0.5) = 1.5, so 0.5 becomes 0.6; the third visit is another clinician's.
    expect(of([[0], [], []], [7, 7, 8])).toEqual([0.5, expect.closeTo(0.6, 6), 0.5]);
    expect(of([[0], [0], [0]], [7, 7, 8])).toEqual([0.5, expect.closeTo(0.6, 6), 0.5]);
  });
});
