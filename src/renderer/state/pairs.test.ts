import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interaction, Severity } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { answerPairs } from './pairs.ts';

const id = (name: string): DrugId => asId<DrugId>(name);
const drugs = ['a', 'b', 'c', 'd', 'e', 'f'].map(id);
const some = fc.subarray(drugs);
const anyInteraction = fc
  .tuple(fc.subarray(drugs, { minLength: 2, maxLength: 2 }), fc.constantFrom<Severity>(1, 2, 3, 4))
  .map(([[a, b], severity]): Interaction => ({ a: a!, b: b!, severity, disputed: false, sources: [] }));

describe('answerPairs', () => {
  it('answers every pair that holds a listed drug, each in one way only', () => {
    fc.assert(
      fc.property(
        some,
        some,
        fc.uniqueArray(anyInteraction, { selector: ({ a, b }) => `${a} ${b}` }),
        some,
        some,
        (list, current, interactions, notCovered, unchecked) => {
          const answers = answerPairs({
            list,
            current,
            interactions,
            notCovered: new Set(notCovered),
            unchecked: new Set(unchecked),
          });
          const shown = new Set([...list, ...current]);
          const others = shown.size - list.length;
          const pairs = (list.length * (list.length - 1)) / 2 + list.length * others;
          const answered = [answers.found, answers.noneRecorded, answers.notCovered, answers.unchecked];
          expect(answered.reduce((sum, group) => sum + group.length, 0)).toBe(pairs);
          expect(new Set(answered.flat().map(({ a, b }) => [a, b].toSorted().join(' '))).size).toBe(pairs);
          for (const { a, b } of answers.noneRecorded)
            for (const drug of [a, b]) expect([...notCovered, ...unchecked]).not.toContain(drug);
        },
      ),
    );
  });

  it('puts the most severe pair first and keeps pairs taken before apart', () => {
    const pair = (a: string, b: string, severity: Severity): Interaction => ({
      a: id(a),
      b: id(b),
      severity,
      disputed: false,
      sources: [],
    });
    const answers = answerPairs({
      list: [id('a')],
      current: [id('b'), id('c')],
      interactions: [pair('a', 'b', 1), pair('a', 'c', 3), pair('b', 'c', 4)],
      notCovered: new Set(),
      unchecked: new Set(),
    });
    expect(answers.found.map(({ severity }) => severity)).toEqual([3, 1]);
    expect(answers.amongCurrent).toHaveLength(1);
  });
});
