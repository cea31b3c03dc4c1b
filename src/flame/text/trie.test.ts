/** The formulary's tree: whatever is written along it is a list of formulary drugs, each once, none that is barred. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormularyTrie, ListWriter, stepsOfTokens } from './trie.ts';

const BREAK = 0;
/** Drugs as token paths, several sharing beginnings, one the beginning of another: the line break tells them apart. */
const NAMES = [[5, 6], [5, 6, 7], [5, 8], [9], [9, 9, 9, 9], [10, 11]];
const trie = new FormularyTrie(
  NAMES.map((name) => [...name, BREAK]),
  [BREAK],
);

describe('a list written along the formulary’s tree', () => {
  it('holds formulary drugs only, each once, none barred, whatever is chosen among what is allowed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
        fc.uniqueArray(fc.integer({ min: 0, max: NAMES.length - 1 })),
        (choices, barred) => {
          const writer = new ListWriter(trie);
          const tokens: number[] = [];
          for (const choice of choices) {
            if (writer.stopped) break;
            const allowed = writer.allowed(new Set(barred));
            expect(allowed.length).toBeGreaterThan(0); // never stuck: stop is always open
            expect(allowed).toEqual([...new Set(allowed)].sort((a, b) => a - b));
            const token = allowed[choice % allowed.length]!;
            tokens.push(token);
            writer.write(token);
          }
          expect(new Set(writer.steps).size).toBe(writer.steps.length);
          for (const drug of writer.steps) expect(barred).not.toContain(drug);
          const told = writer.steps.flatMap((drug) => [...NAMES[drug]!, BREAK]);
          expect(tokens.slice(0, told.length)).toEqual(told);
        },
      ),
    );
  });

  it('can be any list of allowed drugs in any order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: NAMES.length - 1 })), (list) => {
        const writer = new ListWriter(trie);
        for (const token of [...list.flatMap((drug) => trie.tokensOf(drug)), ...trie.tokensOf('stop')]) {
          expect(writer.allowed(new Set())).toContain(token);
          writer.write(token);
        }
        expect(writer.steps).toEqual(list);
        expect(writer.stopped).toBe(true);
      }),
    );
  });

  it('refuses a token that leads nowhere, and anything after the end', () => {
    const writer = new ListWriter(trie);
    expect(() => writer.write(77)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
    writer.write(BREAK);
    expect(() => writer.write(9)).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  });

  it('knows how wide and deep it is', () => {
    expect(trie.breadth).toBe(4); // stop, 5, 9, 10
    expect(trie.depth).toBe(5);
  });

  it('is refused when a tokenizer cannot tell two steps apart', () => {
    const unusable = expect.objectContaining({ code: 'tokenizer-unusable' }) as Error;
    expect(() => new FormularyTrie([[5], [5, 6]], [BREAK])).toThrow(unusable);
    expect(() => new FormularyTrie([[5, 6], [5]], [BREAK])).toThrow(unusable);
    expect(() => new FormularyTrie([[5], [5]], [BREAK])).toThrow(unusable);
    expect(() => new FormularyTrie([[]], [BREAK])).toThrow(unusable);
  });
});

it('every token belongs to the step of its drug, the stop to the last', () => {
  const tokens = [5, 6, 7, BREAK, 9, BREAK, 10, 11, BREAK, BREAK];
  expect(stepsOfTokens(trie, tokens)).toEqual([0, 0, 0, 0, 1, 1, 2, 2, 2, 3]);
  expect(stepsOfTokens(trie, [9, BREAK, 5, 6])).toEqual([0, 0, 1, 1]); // cut off within a drug
});
