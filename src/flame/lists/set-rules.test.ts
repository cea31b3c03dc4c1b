import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedJaccard } from './decoding.ts';
import { mean, setPerVisit } from '../evaluation/metrics.ts';
import { chooseThreshold, expectedJaccardList, thresholdList, thresholdLists } from './set-rules.ts';

const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 25 });

describe('expected-Jaccard set', () => {
  it('agrees with the example worked by hand', () => {
    // Σp = 1.5: k=1 0.9/1.6 = 0.5625, k=2 1.3/2.2 = 0.59, k=3 1.5/3 = 0.5
    expect(expectedJaccardList([0.4, 0.9, 0.2])).toEqual([1, 0]);
  });

  it('is the best k of all, found by trying every one', () => {
    fc.assert(
      fc.property(probabilities, (p) => {
        const sorted = [...p].sort((a, b) => b - a);
        const mass = p.reduce((sum, value) => sum + value, 0);
        const ratios = sorted.map((_, i) =>
          expectedJaccard(
            sorted.slice(0, i + 1).reduce((sum, value) => sum + value, 0),
            i + 1,
            mass,
          ),
        );
        const list = expectedJaccardList(p);
        const reached = expectedJaccard(
          list.reduce((sum, drug) => sum + p[drug]!, 0),
          list.length,
          mass,
        );
        expect(reached).toBeCloseTo(Math.max(0, ...ratios), 9);
      }),
    );
  });

  it('lists no drug twice and falls in probability', () => {
    fc.assert(
      fc.property(probabilities, (p) => {
        const list = expectedJaccardList(p);
        expect(new Set(list).size).toBe(list.length);
        expect(list.every((drug, i) => i === 0 || p[list[i - 1]!]! >= p[drug]!)).toBe(true);
      }),
    );
  });
});

describe('threshold', () => {
  it('takes what is above, most probable first', () => {
    expect(thresholdList([0.2, 0.5, 0.3, 0.9], 0.25)).toEqual([3, 1, 2]);
  });

  it('is chosen to separate right from wrong on the visits given', () => {
    const scores = { visits: 2, drugs: 3, values: Float32Array.from([0.5, 0.35, 0.1, 0.1, 0.6, 0.2]) };
    const threshold = chooseThreshold(scores, [[0, 1], [1]]);
    expect(threshold).toBeGreaterThanOrEqual(0.2);
    expect(threshold).toBeLessThan(0.35);
  });

  it('is the first of the sixty with the best mean Jaccard, tried one by one', () => {
    const cell = fc.oneof(
      fc.float({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
    );
    const visit = fc.record({
      row: fc.array(cell, { minLength: 5, maxLength: 5 }),
      truth: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(visit, { minLength: 1, maxLength: 4 }), (visits) => {
        const scores = {
          visits: visits.length,
          drugs: 5,
          values: Float32Array.from(visits.flatMap(({ row }) => row)),
        };
        const truth = visits.map((one) => one.truth);
        const means = Array.from({ length: 60 }, (_, i) =>
          mean(setPerVisit(thresholdLists(scores, (i + 1) / 100), truth).jaccard),
        );
        expect(chooseThreshold(scores, truth)).toBe((means.indexOf(Math.max(...means)) + 1) / 100);
      }),
    );
  });
});
