import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPreference, isPreferenceValue, PREFERENCES, readPreferences } from './preferences.ts';

test('preferences are read back as they were written', () => {
  const word = fc.stringMatching(/^[a-z]{1,20}$/);
  const written = fc.dictionary(fc.constantFrom(...PREFERENCES), word);
  fc.assert(
    fc.property(written, (some) => {
      expect(readPreferences(JSON.stringify(some))).toEqual({ ...some });
    }),
  );
});

test('whatever a file holds, only known words come out of it', () => {
  const check = (json: string): void => {
    for (const [name, value] of Object.entries(readPreferences(json)))
      expect(isPreference(name) && isPreferenceValue(value)).toBe(true);
  };
  fc.assert(fc.property(fc.json(), check));
  fc.assert(fc.property(fc.string(), check));
  expect(readPreferences('{"theme":"dark","language":"Mrs Smith, 1950","else":"dark","tour":7}')).toEqual({
    theme: 'dark',
  });
});
