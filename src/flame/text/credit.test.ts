/** Credit on text: tokens inherit the step of their drug, drugs of several tokens included, and the shaping telescopes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drugNames, pairsAmong } from '../testing/small-policy.ts';
import { potentialsOf, tokenAdvantages } from './reinforce.ts';
import { FormularyTrie } from './trie.ts';

const BREAK = 0;
const NAMES = [[5, 6, 7], [8], [9, 9], [5, 10], [11], [12, 13]];
const trie = new FormularyTrie(
  NAMES.map((name) => [...name, BREAK]),
  [BREAK],
);
const DRUGS = NAMES.length;
const pairs = pairsAmong(drugNames(DRUGS), [
  [0, 1, 3],
  [2, 3, 2],
]);
const drugs = fc.uniqueArray(fc.integer({ min: 0, max: DRUGS - 1 }));
const tokensFor = (steps: readonly number[]): number[] => [
  ...steps.flatMap((drug) => trie.tokensOf(drug)),
  ...trie.tokensOf('stop'),
];

describe('credit of tokens', () => {
  it('is one number for all tokens of a drug, and F alone tells the drugs of one list apart', () => {
    fc.assert(
      fc.property(
        fc.array(drugs, { minLength: 2, maxLength: 6 }),
        drugs,
        drugs,
        fc.constantFrom(0, 0.3, 1),
        (samples, start, truth, alpha) => {
          const lists = samples.map((one) => one.filter((drug) => !start.includes(drug)));
          const stepWeight = 0.5;
          const group = lists.map((steps) => ({
            tokens: tokensFor(steps),
            potentials: potentialsOf({ kind: 'add', start, truth, alpha }, steps, pairs, 0.2),
          }));
          const advantages = tokenAdvantages(trie, group, { stepWeight, normaliseSteps: false });
          lists.forEach((steps, i) => {
            const { potentials } = group[i]!;
            const own = advantages[i]!;
            expect(own).toHaveLength(group[i]!.tokens.length);
            const outcome = own.at(-1)!; // the stop changes nothing: its credit is the outcome's
            let at = 0;
            let shaped = 0;
            steps.forEach((drug, n) => {
              const length = trie.tokensOf(drug).length;
              const credit = own.slice(at, at + length);
              expect(new Set(credit).size).toBe(1);
              const step = potentials[n + 1]! - potentials[n]!;
              expect(credit[0]!).toBeCloseTo(outcome + stepWeight * step, 10);
              shaped += (credit[0]! - outcome) / stepWeight;
              at += length;
            });
            expect(shaped).toBeCloseTo(potentials.at(-1)! - potentials[0]!, 10); // telescopes to R
          });
        },
      ),
    );
  });

  it('judges additions and removals from the same list', () => {
    const given = { start: [0, 1], truth: [0, 2], alpha: 0 };
    // Jaccard of {0,1} with {0,2}: 1/3. Adding 2: 2/3. Removing 1: 1/2.
    expect(potentialsOf({ kind: 'add', ...given }, [2], pairs, 0.2)).toEqual([
      expect.closeTo(1 / 3, 12),
      expect.closeTo(2 / 3, 12),
    ]);
    expect(potentialsOf({ kind: 'remove', ...given }, [1], pairs, 0.2)).toEqual([
      expect.closeTo(1 / 3, 12),
      expect.closeTo(1 / 2, 12),
    ]);
  });
});
