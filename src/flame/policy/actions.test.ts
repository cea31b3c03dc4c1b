import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../shared/recommendation.ts';
import { ActionSpace } from './actions.ts';

describe('actions', () => {
  it('number additions, removals and stop without overlap', () => {
    const space = new ActionSpace(5);
    const ids = [0, 1, 2, 3, 4].flatMap((drug) => [space.add(drug), space.remove(drug)]);
    expect(new Set([...ids, space.stop]).size).toBe(space.size);
    for (let drug = 0; drug < 5; drug += 1) {
      expect(space.decode(space.add(drug))).toEqual({ kind: 'add', drug });
      expect(space.decode(space.remove(drug))).toEqual({ kind: 'remove', drug });
    }
    expect(space.decode(space.stop)).toEqual({ kind: 'stop' });
  });

  it('join the paper’s two generations as (M_p ∪ add) \\ remove', () => {
    expect(applyEdits([1, 2, 3], [4, 2], [3])).toEqual([1, 2, 4]);
    const drugs = fc.uniqueArray(fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(drugs, drugs, drugs, (start, added, removed) => {
        const joined = applyEdits(start, added, removed);
        for (let drug = 0; drug < 10; drug += 1)
          expect(joined.includes(drug)).toBe(
            (start.includes(drug) || added.includes(drug)) && !removed.includes(drug),
          );
        expect(new Set(joined).size).toBe(joined.length);
      }),
    );
  });
});
