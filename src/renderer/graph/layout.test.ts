import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { BELOW, layoutGraph, type LayoutInput, worldOf } from './layout.ts';

const id = (n: number): DrugId => asId<DrugId>(`drug-${n}`);
const input = (count: number, pairs: readonly (readonly [number, number])[]): LayoutInput => ({
  nodes: Array.from({ length: count }, (_, n) => ({ id: id(n), labelWidth: 80 })),
  edges: pairs
    .filter(([a, b]) => a < count && b < count && a !== b)
    .map(([a, b]) => ({ a: id(a), b: id(b) })),
  width: 460,
  height: 340,
});
const anyPairs = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 14 });

describe('layoutGraph', () => {
  it('is deterministic and stays within the frame', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), anyPairs, (count, pairs) => {
        const first = layoutGraph(input(count, pairs));
        expect([...layoutGraph(input(count, pairs))]).toEqual([...first]);
        for (const { x, y } of first.values()) {
          expect(x).toBeGreaterThanOrEqual(40);
          expect(x).toBeLessThanOrEqual(420);
          expect(y).toBeGreaterThanOrEqual(0);
          expect(y).toBeLessThanOrEqual(340 - BELOW + 1);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('keeps eight labelled nodes apart', () => {
    const places = [...layoutGraph(input(8, [[0, 1], [0, 2], [3, 4]])).values()]; // prettier-ignore
    places.forEach((a, i) => {
      for (const b of places.slice(i + 1)) {
        expect(Math.abs(a.x - b.x) > 60 || Math.abs(a.y - b.y) > 40).toBe(true);
      }
    });
  });

  it('leaves standing nodes about where they were when one leaves and one comes', () => {
    const before = layoutGraph(input(6, [[0, 1], [1, 2]])); // prettier-ignore
    const next = input(7, [[0, 1], [1, 6]]); // prettier-ignore
    const after = layoutGraph({ ...next, nodes: next.nodes.filter((node) => node.id !== id(2)) }, before);
    for (const [drug, place] of after) {
      const old = before.get(drug);
      if (old) expect(Math.hypot(place.x - old.x, place.y - old.y)).toBeLessThan(45);
    }
  });

  it('leaves a pinned node exactly where it was put, whatever the others do', () => {
    fc.assert(
      fc.property(
        anyPairs,
        fc.integer({ min: 60, max: 400 }),
        fc.integer({ min: 30, max: 280 }),
        (pairs, x, y) => {
          const given = input(9, pairs);
          const before = layoutGraph(given);
          const places = layoutGraph({ ...given, pinned: new Map([[id(3), { x, y }]]) }, before);
          expect(places.get(id(3))).toEqual({ x, y });
          expect(places.size).toBe(9);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('worldOf', () => {
  const frame = { width: 400, height: 200 };
  const nodes = (count: number): LayoutInput['nodes'] => input(count, []).nodes;

  it('is the frame for a few nodes and grows in the same shape, to a limit, for many', () => {
    expect(worldOf(nodes(4), frame)).toEqual(frame);
    const [some, many] = [worldOf(nodes(9), frame), worldOf(nodes(60), frame)];
    expect(some.width).toBeGreaterThan(frame.width);
    expect(some.width / some.height).toBeCloseTo(2);
    expect(many.width).toBeCloseTo(frame.width * 1.35);
  });
});
