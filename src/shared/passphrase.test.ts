import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passphraseProblem, SHORTEST_PASSPHRASE } from './passphrase.ts';

describe('the passphrase policy', () => {
  test.each([
    ['', 'short'],
    ['eleven char', 'short'],
    ['😀😀😀😀😀😀', 'short'], // by what one sees, not by code units
    ['x'.repeat(1025), 'long'],
    ['aaaaaaaaaaaa', 'repeated'],
    ['ababababababab', 'repeated'],
    ['123456789012', 'common'],
    ['9876543210987', 'common'],
    ['abcdefghijklm', 'common'],
    ['Password-2026!', 'common'],
    ['Pass word 1234', 'common'],
    ['2026Krankenhaus', 'common'],
    ['Correct Horse Battery Staple', 'common'],
    ['flame-flame-12', 'common'],
    ['Quixotesson in the hall', 'name'],
    ['there goes ADA again', 'name'],
    ['a violet tractor sings', null],
    ['ein blauer Hund bellt', null],
    ['x9$kQ2!vLp0z', null],
    ['日本語のとても長い合言葉です', null],
  ])('%j is %s', (passphrase, expected) => {
    expect(passphraseProblem(passphrase, ['Ada Quixotesson', 'MD'])).toBe(expected);
  });

  test('whatever is typed gets an answer, and a short one is never good', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (passphrase, name) => {
        const problem = passphraseProblem(passphrase, [name]);
        if (Array.from(passphrase.normalize('NFKC')).length < SHORTEST_PASSPHRASE)
          expect(problem).toBe('short');
      }),
      { numRuns: 300 },
    );
  });
});
