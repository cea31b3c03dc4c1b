import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { buildPairMatrix, type PairMatrix } from '../lists/pair-matrix.ts';
import { groupAdvantages, jaccard, listReward, ListState, potential, stepShaping } from './potential.ts';

const DRUGS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => asId<DrugId>(name));
const at = (i: number): DrugId => DRUGS[i]!;
const PAIRS: PairMatrix = buildPairMatrix(DRUGS, [
  { a: at(0), b: at(1), severity: 2 },
  { a: at(1), b: at(2), severity: 3 },
  { a: at(3), b: at(4), severity: 1 },
]);
const drugSet = fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 6 });

/** φ from the definition, every pair looked at anew. */
function slowPotential(list: readonly number[], truth: readonly number[], alpha: number): number {
  const union = new Set([...list, ...truth]).size;
  const hits = list.filter((drug) => truth.includes(drug)).length;
  let [pairs, all] = [0, 0];
  for (const [n, i] of list.entries())
    for (const j of list.slice(n + 1)) {
      all += 1;
      if (PAIRS.levels[i * 6 + j]! >= 2) pairs += 1;
    }
  return (union === 0 ? 1 : hits / union) - alpha * (all === 0 ? 0 : pairs / all);
}

describe('potential', () => {
  it('follows METHOD section 1 by hand', () => {
    // Three drugs, two of four wanted ones, one interacting pair of three, a tenth of the names refused.
    const value = potential({ hits: 2, size: 3, pairs: 1, refusal: 0.1 }, 4, { alpha: 0.6, beta: 0.2 });
    expect(value).toBeCloseTo(2 / 5 - 0.6 / 3 - 0.02, 12);
    expect(jaccard(0, 0, 0)).toBe(1);
  });

  it('is kept up step by step as if counted anew', () => {
    const edits = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5 })), { maxLength: 20 });
    fc.assert(
      fc.property(
        drugSet,
        drugSet,
        edits,
        fc.double({ min: 0, max: 3, noNaN: true }),
        (start, truth, steps, alpha) => {
          const state = new ListState(start, truth, PAIRS);
          for (const [adding, drug] of steps) {
            if (adding) state.add(drug);
            else state.remove(drug);
            expect(state.potential({ alpha, beta: 0 })).toBeCloseTo(
              slowPotential(state.drugs, truth, alpha),
              12,
            );
          }
        },
      ),
    );
  });
});

describe('step shaping', () => {
  it('telescopes exactly: with γ = 1 the steps sum to the list reward', () => {
    // Multiples of 1/1024 add without rounding, so the identity holds to the bit.
    const potentials = fc.array(
      fc.integer({ min: -4096, max: 4096 }).map((n) => n / 1024),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(potentials, (values) => {
        expect(stepShaping(values).reduce((sum, step) => sum + step, 0)).toBe(listReward(values));
      }),
    );
  });

  it('leaves the order of lists unchanged: two ways to one list have one shaped return', () => {
    const alpha = { alpha: 0.7, beta: 0 };
    const way = (actions: readonly (readonly [boolean, number])[]): number => {
      const state = new ListState([0], [1, 2], PAIRS);
      const values = [state.potential(alpha)];
      for (const [adding, drug] of actions) {
        if (adding) state.add(drug);
        else state.remove(drug);
        values.push(state.potential(alpha));
      }
      return stepShaping(values).reduce((sum, step) => sum + step, 0);
    };
    const short = way([
      [true, 1],
      [false, 0],
    ]);
    const long = way([
      [true, 3],
      [false, 0],
      [true, 1],
      [false, 3],
    ]);
    expect(long).toBeCloseTo(short, 12);
  });
});

describe('group-relative advantage', () => {
  // Two samples: rewards 0.3 and 0.1, mean 0.2, deviation 0.1; F of the first 0.2, 0.1 and of the second 0.1.
  const group = [
    [0.1, 0.3, 0.4],
    [0.1, 0.2],
  ];

  it('matches the example worked by hand', () => {
    const [first, second] = groupAdvantages(group, { stepWeight: 0.5, normaliseSteps: false });
    expect([...first!]).toEqual([expect.closeTo(1.1, 9), expect.closeTo(1.05, 9)]);
    expect([...second!]).toEqual([expect.closeTo(-0.95, 9)]);
  });

  it('normalises the shaping by its root mean square when asked to', () => {
    const scale = Math.sqrt((0.04 + 0.01 + 0.01) / 3);
    const [first] = groupAdvantages(group, { stepWeight: 0.5, normaliseSteps: true });
    expect(first![0]).toBeCloseTo(1 + (0.5 * 0.2) / scale, 9);
  });

  it('with λ = 0 is outcome-only GRPO: every step of a sample has the sample’s advantage', () => {
    const potentials = fc.array(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 }),
      {
        minLength: 2,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(potentials, (samples) => {
        const advantages = groupAdvantages(samples, { stepWeight: 0, normaliseSteps: false });
        for (const steps of advantages) for (const value of steps) expect(value).toBe(steps[0]);
        const sum = advantages.reduce((total, steps) => total + steps[0]!, 0);
        expect(Math.abs(sum)).toBeLessThan(1e-6);
      }),
    );
  });

  it('gives the shaping alone when all samples of a group end alike', () => {
    const same = groupAdvantages(
      [
        [0, 0.5, 0.25],
        [0, 0.25],
      ],
      { stepWeight: 1, normaliseSteps: false },
    );
    expect([...same[0]!]).toEqual([0.5, -0.25]);
    expect([...same[1]!]).toEqual([0.25]);
  });
});
