import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelled, lengthScale, placeScale, shortened } from './charts.ts';

describe('the scales of the charts', () => {
  it('keep every value within the frame, in order, zero at its start', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(values, (list) => {
        const { at, ticks } = lengthScale(list, [10, 110], 4);
        expect(at(0)).toBe(10);
        const placed = [...list].sort((a, b) => a - b).map((value) => at(value));
        expect(placed).toEqual([...placed].sort((a, b) => a - b));
        for (const place of [...placed, ...ticks.map((tick) => at(tick))]) {
          expect(place).toBeGreaterThanOrEqual(10);
          expect(place).toBeLessThanOrEqual(110 + 1e-9);
        }
      }),
    );
  });

  it('keep a value below zero within the frame, with zero between', () => {
    const { at, ticks } = lengthScale([-0.013, 0.04, 0.02], [110, 10], 3);
    expect(at(-0.013)).toBeLessThanOrEqual(110);
    expect(at(0)).toBeLessThan(110);
    expect(at(0.04)).toBeGreaterThanOrEqual(10);
    expect(ticks).toContain(0);
  });

  it('spread places evenly', () => {
    const place = placeScale(['a', 'b', 'c'], [0, 90]);
    expect([place('a'), place('b'), place('c')]).toEqual([15, 45, 75]);
    expect(placeScale(['a'], [0, 90])('a')).toBe(45);
  });

  it('leave labels out before they touch', () => {
    expect(labelled(10, 500, 50)).toBe(1);
    expect(labelled(11, 500, 50)).toBe(2);
    expect(labelled(0, 500, 50)).toBe(1);
    expect(shortened('hydrochlorothiazide', 10)).toBe('hydrochlo…');
    expect(shortened('digoxin', 10)).toBe('digoxin');
  });
});
