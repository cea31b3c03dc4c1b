import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Severity } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import {
  ALPHA_GRID,
  decode,
  discounted,
  expectedJaccard,
  penaltyOf,
  type DecodingProblem,
} from './decoding.ts';
import { buildPairMatrix, severityOf } from './pair-matrix.ts';

const drug = (name: string): DrugId => asId<DrugId>(name);

interface Edge {
  readonly i: number;
  readonly j: number;
  readonly severity: Severity;
}

function problemOf(
  probabilities: readonly number[],
  edges: readonly Edge[],
  currentRows: readonly (readonly number[])[] = [],
  excluded: readonly number[] = [],
): DecodingProblem {
  const drugs = probabilities.map((_p, i) => drug(`drug-${String(i).padStart(2, '0')}`));
  const strongest = new Map<string, Edge>();
  for (const edge of edges) {
    if (edge.i === edge.j || edge.i >= drugs.length || edge.j >= drugs.length) continue;
    const key = `${Math.min(edge.i, edge.j)}-${Math.max(edge.i, edge.j)}`;
    if ((strongest.get(key)?.severity ?? 0) < edge.severity) strongest.set(key, edge);
  }
  const interactions = [...strongest.values()].map(({ i, j, severity }) => ({
    a: drugs[i]!,
    b: drugs[j]!,
    severity,
    disputed: false,
    sources: [],
  }));
  return {
    drugs,
    probabilities,
    pairs: buildPairMatrix(drugs, interactions),
    currentRows,
    excluded: new Set(excluded.flatMap((i) => drugs[i] ?? [])),
  };
}

const arbitraryProblem: fc.Arbitrary<DecodingProblem> = fc
  .integer({ min: 0, max: 14 })
  .chain((n) =>
    fc.tuple(
      // A mix of smooth values and coarse ones, so that ties are common.
      fc.array(
        fc.oneof(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.constantFrom(0, 0.01, 0.1, 0.25, 0.5, 0.9, 1),
        ),
        { minLength: n, maxLength: n },
      ),
      fc.array(
        fc.record({
          i: fc.nat({ max: 13 }),
          j: fc.nat({ max: 13 }),
          severity: fc.constantFrom<Severity>(1, 2, 3, 4),
        }),
        { maxLength: 40 },
      ),
      fc.array(fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3), { minLength: n, maxLength: n }), { maxLength: 3 }),
      fc.array(fc.nat({ max: 13 }), { maxLength: 3 }),
    ),
  )
  .map(([probabilities, edges, currentRows, excluded]) =>
    problemOf(probabilities, edges, currentRows, excluded),
  );

/** The rule written down slowly: sets, full recounts, every candidate looked at in every step. */
function slowDecode(problem: DecodingProblem, alpha: number): { list: DrugId[]; count: number } {
  const indexOf = new Map(problem.drugs.map((name, i) => [name, i]));
  const probability = (name: DrugId): number => problem.probabilities[indexOf.get(name)!]!;
  const severity = (a: DrugId, b: DrugId): number =>
    severityOf(problem.pairs, indexOf.get(a)!, indexOf.get(b)!);
  const levels = (name: DrugId, list: readonly DrugId[]): number[] => [
    ...problem.currentRows!.map((row) => row[indexOf.get(name)!]!),
    ...list.map((other) => severity(name, other)),
  ];
  const partners = (name: DrugId, list: readonly DrugId[]): number =>
    levels(name, list).filter((level) => level >= 2).length;
  const weight = (name: DrugId, list: readonly DrugId[]): number =>
    levels(name, list).reduce((total, level) => total + (level >= 3 ? 2 : level === 2 ? 1 : 0), 0);
  const byRank = (a: DrugId, b: DrugId): number => probability(b) - probability(a) || (a < b ? -1 : 1);
  const admissible = problem.drugs
    .filter((name) => probability(name) > 0 && !problem.excluded!.has(name))
    .sort(byRank);
  const mass = admissible.reduce((sum, name) => sum + probability(name), 0);
  const list: DrugId[] = [];
  for (;;) {
    const open = admissible.filter(
      (name) => !list.includes(name) && list.every((other) => severity(name, other) < 4),
    );
    const worth = (name: DrugId): number =>
      discounted(probability(name), penaltyOf(alpha), weight(name, list));
    const [next] = [...open].sort((a, b) => worth(b) - worth(a) || byRank(a, b));
    const listMass = list.reduce((sum, name) => sum + probability(name), 0);
    if (next === undefined || worth(next) <= 0 || worth(next) * (list.length + mass) <= listMass) break;
    list.push(next);
  }
  const count = list.reduce((sum, name, k) => sum + partners(name, list.slice(0, k)), 0);
  return { list, count };
}

/** The best prefix by trying every length (METHOD section 5). */
function bestPrefix(probabilities: readonly number[]): number[] {
  const sorted = [...probabilities].sort((a, b) => b - a);
  const mass = sorted.reduce((sum, p) => sum + p, 0);
  let bestSize = 0;
  let bestValue = 0;
  let listMass = 0;
  sorted.forEach((p, k) => {
    listMass += p;
    const value = expectedJaccard(listMass, k + 1, mass);
    if (value > bestValue + 1e-12) {
      bestSize = k + 1;
      bestValue = value;
    }
  });
  return sorted.slice(0, bestSize);
}

describe('decode', () => {
  it('never lets the interaction count rise toward safety', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        const counts = decode(problem).map((point) => point.interactionCount);
        for (let k = 1; k < counts.length; k += 1) expect(counts[k]).toBeLessThanOrEqual(counts[k - 1]!);
      }),
      { numRuns: 2000 },
    );
  });

  it('never proposes an excluded drug or a contraindicated pair, at any alpha', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        const index = new Map(problem.drugs.map((name, i) => [name, i]));
        for (const { list } of decode(problem)) {
          expect(new Set(list).size).toBe(list.length);
          for (const [k, a] of list.entries()) {
            expect(problem.excluded!.has(a)).toBe(false);
            for (const b of list.slice(0, k)) {
              expect(severityOf(problem.pairs, index.get(a)!, index.get(b)!)).toBeLessThan(4);
            }
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with the slow rule wherever selection kept the fresh list', () => {
    fc.assert(
      fc.property(arbitraryProblem, fc.constantFrom(...ALPHA_GRID), (problem, alpha) => {
        const [point] = decode(problem, [alpha]);
        const slow = slowDecode(problem, alpha);
        expect(point!.list).toEqual(slow.list);
        expect(point!.interactionCount).toBe(slow.count);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the expected-Jaccard set at alpha 0 when no pair is contraindicated', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.001, max: 0.999, noNaN: true }), { maxLength: 30 }), (p) => {
        const [point] = decode(problemOf(p, []), [0]);
        const chosen = point!.steps.map((step) => step.probability);
        const expected = bestPrefix(p);
        const mass = p.reduce((sum, value) => sum + value, 0);
        const value = (list: readonly number[]): number =>
          expectedJaccard(
            list.reduce((sum, x) => sum + x, 0),
            list.length,
            mass,
          );
        // Equal value, not equal length: a drug that changes nothing may stand or fall by rounding.
        expect(value(chosen)).toBeCloseTo(value(expected), 10);
        expect(chosen).toEqual([...chosen].sort((a, b) => b - a));
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of the candidates', () => {
    fc.assert(
      fc.property(arbitraryProblem, fc.integer(), (problem, seed) => {
        const n = problem.drugs.length;
        const order = [...problem.drugs.keys()].sort(
          (a, b) => Math.sin(seed + a * 7919) - Math.sin(seed + b * 7919),
        );
        const levels = new Uint8Array(n * n);
        order.forEach((from, i) => {
          order.forEach((other, j) => (levels[i * n + j] = severityOf(problem.pairs, from, other)));
        });
        const shuffled: DecodingProblem = {
          drugs: order.map((i) => problem.drugs[i]!),
          probabilities: order.map((i) => problem.probabilities[i]!),
          pairs: { size: n, levels },
          currentRows: problem.currentRows!.map((row) => order.map((i) => row[i]!)),
          excluded: problem.excluded!,
        };
        expect(decode(shuffled)).toEqual(decode(problem));
      }),
      { numRuns: 500 },
    );
  });

  it('explains each list by its steps', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        for (const point of decode(problem)) {
          expect(point.steps.map((step) => step.drug)).toEqual(point.list);
          const pairs = point.steps.reduce((sum, step) => sum + step.interactionChange, 0);
          expect(pairs).toBe(point.interactionCount);
          const gain = point.steps.reduce((sum, step) => sum + step.expectedJaccardChange, 0);
          expect(gain).toBeCloseTo(point.expectedJaccard, 10);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('holds no interacting pair at alpha 1', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        expect(decode(problem).at(-1)!.interactionCount).toBe(0);
      }),
    );
  });

  it('answers an empty formulary, and one where everything is excluded, with empty lists', () => {
    for (const problem of [problemOf([], []), problemOf([0.9, 0.4], [], [], [0, 1])]) {
      const points = decode(problem);
      expect(points).toHaveLength(ALPHA_GRID.length);
      for (const point of points) expect(point).toMatchObject({ list: [], interactionCount: 0 });
    }
  });

  it('keeps one drug of a set that all interact, at alpha 1, and more at alpha 0', () => {
    const edges: Edge[] = [];
    for (let i = 0; i < 5; i += 1) for (let j = 0; j < i; j += 1) edges.push({ i, j, severity: 3 });
    const points = decode(problemOf([0.6, 0.6, 0.6, 0.6, 0.6], edges));
    expect(points[0]).toMatchObject({ interactionCount: 10 });
    expect(points.at(-1)!.list).toEqual(['drug-00']);
  });

  it('gives up an interacting drug for a free one as the penalty grows (worked by hand)', () => {
    // Mass 1.6. Unpenalised: 0.8 > 0; 0.5·2.6 > 0.8; 0.3·3.6 = 1.08 ≤ 1.3, so {0, 1} with one pair.
    const problem = problemOf([0.8, 0.5, 0.3], [{ i: 0, j: 1, severity: 2 }]);
    const [accurate, , , , , half, , , , at90] = decode(problem);
    expect(accurate!.list).toEqual(['drug-00', 'drug-01']);
    // λ(½) = 0.4: drug 1 is worth σ(0 − 0.4) = 0.401 and still comes next: 0.401·2.6 = 1.04 > 0.8.
    expect(half!.list).toEqual(['drug-00', 'drug-01']);
    // λ(0.9) = 3.6: it is worth σ(−3.6) = 0.027, so drug 2 is next: 0.3·2.6 = 0.78 ≤ 0.8, and the list ends.
    expect(at90!.list).toEqual(['drug-00']);
    expect(at90!.interactionCount).toBe(0);
  });

  it('gives up the pair to avoid before the pair to monitor', () => {
    const edges: Edge[] = [
      { i: 0, j: 1, severity: 2 },
      { i: 0, j: 2, severity: 3 },
    ];
    const lists = decode(problemOf([0.9, 0.5, 0.5], edges)).map(({ list }) => list);
    expect(lists[0]).toHaveLength(3);
    const without3 = lists.findIndex((list) => !list.includes(drug('drug-02')));
    const without2 = lists.findIndex((list) => !list.includes(drug('drug-01')));
    expect(without3).toBeGreaterThan(0);
    expect(without3).toBeLessThan(without2);
  });

  it('refuses a grid that does not rise, and an alpha outside 0 to 1', () => {
    expect(() => decode(problemOf([0.5], []), [0.5, 0.5])).toThrow(RangeError);
    expect(() => decode(problemOf([0.5], []), [1.5])).toThrow(RangeError);
  });
});

describe('discounted', () => {
  it('is the logit shifted by the penalty', () => {
    const logit = (p: number): number => Math.log(p / (1 - p));
    expect(logit(discounted(0.3, 1.5, 2))).toBeCloseTo(logit(0.3) - 3, 10);
    expect(discounted(0.3, 1.5, 0)).toBe(0.3);
    expect(discounted(1, 2, 1)).toBeLessThan(1);
    expect(discounted(0.9, Infinity, 1)).toBe(0);
  });
});
