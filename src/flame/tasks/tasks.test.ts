import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { completionPerVisit, hiddenRank, hideOne } from './completion.ts';
import { rowsWithCurrent } from './current-medications.ts';
import { errorFinding, foreignDrugs, insertErrors, rocArea } from './error-finding.ts';

const DRUGS = 12;
const drugList = fc.uniqueArray(fc.integer({ min: 0, max: DRUGS - 1 }), { minLength: 2, maxLength: 6 });
const manyLists = fc.array(drugList, { minLength: 1, maxLength: 8 });

describe('completion', () => {
  it('agrees with the example worked by hand', () => {
    // drug 1 is shown and does not count; 4 and 0 score above the hidden drug 2, drug 3 ties but comes later
    const scores = [0.5, 0.9, 0.3, 0.3, 0.8];
    expect(hiddenRank(scores, 2, [1])).toBe(3);
    expect(hiddenRank(scores, 3, [1])).toBe(4);
    expect(hiddenRank(scores, 4, [1])).toBe(1);
    const found = completionPerVisit(
      { visits: 2, drugs: 5, values: Float32Array.from([...scores, ...scores]) },
      { hidden: Uint16Array.of(2, 4), shown: [[1], [1]] },
    );
    expect(Array.from(found.recallAt1)).toEqual([0, 1]);
    expect(Array.from(found.recallAt5)).toEqual([1, 1]);
    expect(Array.from(found.reciprocalRank)).toEqual([1 / 3, 1]);
  });

  it('hides one drug of each list and shows the rest, the same for the same seed', () => {
    fc.assert(
      fc.property(manyLists, fc.integer({ min: 1, max: 99 }), (lists, seed) => {
        const { hidden, shown } = hideOne(lists, seed);
        lists.forEach((list, i) => {
          expect([...shown[i]!, hidden[i]!].sort()).toEqual([...list].sort());
        });
        expect(hideOne(lists, seed)).toEqual({ hidden, shown });
      }),
    );
  });

  it('hides every drug of a list about equally often', () => {
    const counts = [0, 0, 0, 0];
    for (const drug of hideOne(
      Array.from({ length: 4000 }, () => [0, 1, 2, 3]),
      1,
    ).hidden)
      counts[drug]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('error finding', () => {
  it('inserts a proposed drug that the list does not hold, and leaves visits without one out', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(drugList, drugList), { minLength: 1, maxLength: 8 }), (pairs) => {
        const [truth, proposed] = [pairs.map(([list]) => list), pairs.map(([, list]) => list)];
        const cases = insertErrors(truth, proposed, 3);
        const usable = pairs.flatMap(([list, extra], i) => (extra.every((d) => list.includes(d)) ? [] : [i]));
        expect(Array.from(cases.visits)).toEqual(usable);
        usable.forEach((visit, i) => {
          expect(proposed[visit]).toContain(cases.inserted[i]);
          expect(truth[visit]).not.toContain(cases.inserted[i]);
          expect(cases.lists[i]).toEqual([...truth[visit]!, cases.inserted[i]!].sort((a, b) => a - b));
          expect(cases.starts[i + 1]! - cases.starts[i]!).toBe(cases.lists[i]!.length);
        });
      }),
    );
  });

  it('draws foreign drugs by their use, never one of the list', () => {
    const counts = [0, 0, 0, 0];
    const truth = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? [0] : [3]));
    foreignDrugs(truth, [600, 300, 0, 100], 1).forEach(([drug], i) => {
      expect(truth[i]).not.toContain(drug);
      counts[drug!]! += 1;
    });
    // without drug 0: 300 to 100 of 2000; without drug 3: 600 to 300 of 2000
    [1333, 1500 + 667, 0, 500].forEach((expected, drug) =>
      expect(Math.abs(counts[drug]! - expected)).toBeLessThan(120),
    );
  });

  it('agrees with the example worked by hand', () => {
    const cases = insertErrors(
      [
        [0, 1],
        [2, 3],
      ],
      [[4], [5]],
      1,
    );
    // visit 1: own 0.1, 0.4, inserted 0.3 → 1/2; visit 2: own 0.2, 0.2, inserted 0.9 → 1
    const { pooled, perVisit } = errorFinding(Float64Array.of(0.1, 0.4, 0.3, 0.2, 0.2, 0.9), cases);
    expect(Array.from(perVisit)).toEqual([0.5, 1]);
    // inserted 0.3 stands above 3 of the 4 own drugs, 0.9 above all
    expect(pooled).toBeCloseTo((3 + 4) / 8, 12);
  });

  it('has an interval around the pooled area', () => {
    const truth = Array.from({ length: 300 }, (_, i) => [i % 5, 5 + (i % 3)]);
    const cases = insertErrors(
      truth,
      truth.map(() => [9]),
      1,
    );
    const removal = Float64Array.from({ length: 900 }, (_, i) => ((i * 7919) % 101) + (i % 3 === 2 ? 30 : 0));
    const { pooled, pooledInterval } = errorFinding(removal, cases);
    expect(pooledInterval.low).toBeLessThan(pooled);
    expect(pooledInterval.high).toBeGreaterThan(pooled);
    expect(pooledInterval.high - pooledInterval.low).toBeLessThan(0.15);
  });

  it('is the share of pairs in order, counted slowly, ties half', () => {
    const item = fc.record({ score: fc.integer({ min: 0, max: 6 }), positive: fc.boolean() });
    fc.assert(
      fc.property(fc.array(item, { minLength: 2, maxLength: 40 }), (items) => {
        const [yes, no] = [items.filter((i) => i.positive), items.filter((i) => !i.positive)];
        fc.pre(yes.length > 0 && no.length > 0);
        let ordered = 0;
        for (const a of yes)
          for (const b of no) ordered += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
        const area = rocArea(
          Float64Array.from(items, (i) => i.score),
          Uint8Array.from(items, (i) => Number(i.positive)),
        );
        expect(area).toBeCloseTo(ordered / (yes.length * no.length), 12);
      }),
    );
  });
});

describe('current medications of encoded visits', () => {
  it('join the visit’s own features with weight 1; drugs without a feature stay out', () => {
    const rows = rowsWithCurrent(
      { starts: Uint32Array.of(0, 1, 3), ids: Uint16Array.of(0, 1, 0), weights: Float32Array.of(1, 0.5, 1) },
      {
        features: ['age:40', 'age:45', 'current:aspirin'],
        formulary: ['lisinopril', 'aspirin'].map((name) => asId<DrugId>(name)),
      },
      [1, 0],
      [[0, 1], []],
    );
    expect(rows[0]).toEqual({ ids: [1, 0, 2], weights: [0.5, 1, 1] });
    expect(rows[1]).toEqual({ ids: [0], weights: [1] });
  });
});
