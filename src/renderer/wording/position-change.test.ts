import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interaction, Severity } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { pairChange, pairsByName } from './position-change.ts';

const DRUGS = ['a', 'b', 'c', 'd', 'e'].map((name) => asId<DrugId>(name));
const [a, b, c, d] = DRUGS as [DrugId, DrugId, DrugId, DrugId];
const pair = (one: DrugId, other: DrugId, severity: Severity): Interaction => ({
  a: one,
  b: other,
  severity,
  disputed: false,
  sources: [],
});
const TABLE = [pair(a, b, 3), pair(a, c, 2), pair(b, c, 1), pair(c, d, 4)];

describe('pairChange', () => {
  it('names the pairs that go with a drug and those that come with another, most severe first', () => {
    const { gone, come } = pairChange([a, b], [a, c], [d], TABLE);
    expect(pairsByName(gone, (drug) => drug)).toBe('a + b (avoid combination)');
    expect(come).toEqual([TABLE[3], TABLE[1]]);
  });

  it('leaves out minor pairs and pairs among what is taken already', () => {
    expect(pairChange([], [b], [c, d], TABLE)).toEqual({ gone: [], come: [] });
  });

  it('is the same change read backwards, and none from a list to itself', () => {
    const lists = fc.subarray(DRUGS);
    fc.assert(
      fc.property(lists, lists, lists, (from, to, current) => {
        const { gone, come } = pairChange(from, to, current, TABLE);
        expect(pairChange(to, from, current, TABLE)).toEqual({ gone: come, come: gone });
        expect(pairChange(from, from, current, TABLE)).toEqual({ gone: [], come: [] });
      }),
    );
  });
});
