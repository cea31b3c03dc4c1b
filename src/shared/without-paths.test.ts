import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlameError, toWireError } from './errors.ts';
import { withoutPaths } from './without-paths.ts';

/** A folder's name, told apart from every other word. */
const folder = fc
  .array(fc.constantFrom('Dr. Ada', 'Praxis', 'geräte (alt)', 'x-1', 'C#', 'naïve'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((names) => names.map((name) => `SECRET ${name}`));
const path = fc.oneof(
  folder.map((names) => `/${names.join('/')}/flame.db`),
  folder.map((names) => `C:\\${names.join('\\')}\\flame.db`),
  folder.map((names) => `\\\\server SECRET\\${names.join('\\')}\\flame.db`),
);
const sentence = fc.constantFrom<(path: string) => string>(
  (one) => one,
  (one) => `ENOENT: no such file or directory, open '${one}'`,
  (one) => `EXDEV: cross-device link not permitted, rename '${one}' -> '${one}'`,
  (one) => `Error: could not read ${one}`,
  (one) => `store: "${one}" is damaged`,
  (one) => `(${one}) failed`,
);

describe('a text for the page', () => {
  it('keeps the file and loses every folder, however the path stands in it', () => {
    fc.assert(
      fc.property(path, sentence, (one, say) => {
        const text = withoutPaths(say(one));
        expect(text).not.toContain('SECRET');
        expect(text).toContain('flame.db');
      }),
    );
  });

  it('keeps what is no path of this computer', () => {
    for (const text of [
      'line 3: "5 mg/kg/day" is no number',
      'either/or, 1/2 and N/A',
      'http://hl7.org/fhir/sid/icd-10-cm is not known',
      'flame-pack/manifest.json is damaged',
      'in a clone run: git checkout models',
      'EACCES: permission denied, open',
    ])
      expect(withoutPaths(text)).toBe(text);
  });

  it('loses the paths that the system names, whatever characters they have', () => {
    const place = '/home/o\'neil/visits "2026"/flame.db';
    const cause = Object.assign(new Error(`EIO: i/o error, read '${place}'`), { path: place });
    expect(toWireError(cause)).toEqual({
      code: 'INTERNAL',
      details: { problem: "EIO: i/o error, read 'flame.db'" },
    });
    const told = new FlameError('STORE_UNAVAILABLE', { problem: String(cause), free: 3 }, { cause });
    expect(toWireError(told).details).toEqual({
      problem: "Error: EIO: i/o error, read 'flame.db'",
      free: 3,
    });
    expect(told.details['problem']).toContain(place); // The command line names it in full.
  });
});
