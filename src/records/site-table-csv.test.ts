import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { FlameError } from '../shared/errors.ts';
import { readSiteTableFile } from './site-table-csv.ts';

const folder = mkdtempSync(join(tmpdir(), 'flame-site-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(content: string | Uint8Array) {
  const file = join(folder, 'house.csv');
  writeFileSync(file, content);
  return readSiteTableFile(file);
}

describe('the CSV of a site’s interaction table', () => {
  test('reads columns by their heading in any order and case, quotes, a byte order mark and line breaks in a cell', () => {
    const { table, rowsRead, refused } = read(
      '\uFEFFSeverity,Drug_B,"Ingredient A",Management,Source\r\n' +
        'major,"aspirin",warfarin,"Stop, or\nmeasure the INR","Committee, 2026"\r\n\r\n' +
        'C,omeprazole,clopidogrel,,\r\n',
    );
    expect(rowsRead).toBe(2);
    expect(refused).toEqual([]);
    expect(table.rows).toEqual([
      {
        a: 'warfarin',
        b: 'aspirin',
        severity: 3,
        nativeSeverity: 'major',
        effect: '',
        mechanism: '',
        management: 'Stop, or\nmeasure the INR',
        source: 'Committee, 2026',
        overrules: '',
      },
      expect.objectContaining({ a: 'clopidogrel', severity: 2, nativeSeverity: 'C' }),
    ]);
  });

  test.each([';', '\t'])('takes %j for the separator when the heading does', (separator) => {
    const { table } = read(
      ['ingredient a', 'ingredient b', 'severity'].join(separator) + `\nx${separator}y${separator}4\n`,
    );
    expect(table.rows).toMatchObject([{ a: 'x', b: 'y', severity: 4 }]);
  });

  test('refuses a row with its line and what is wrong, and uses the rest', () => {
    const { table, refused } = read(
      'ingredient a,ingredient b,severity\n,b,3\na,b,\na,b,5\na,A,3\na,b,3\na,b,3\n"long' +
        'x'.repeat(400) +
        '",b,3\n',
    );
    expect(table.rows).toHaveLength(1);
    expect(refused.map(({ line }) => line)).toEqual([2, 3, 4, 5, 7, 8]);
    expect(refused[0]!.problem).toBe('ingredient a is empty');
    expect(refused[1]!.problem).toBe('severity is empty');
    expect(refused[2]!.problem).toContain('“5”');
    expect(refused[4]!.problem).toContain('row above');
  });

  test.each([
    ['no heading', 'warfarin,aspirin,3\n', '“ingredient a”'],
    ['an empty file', '', '“ingredient a”'],
    ['UTF-16', Buffer.from('\uFEFFingredient a,ingredient b,severity\n', 'utf16le'), 'UTF-8'],
    ['a quote that never closes', 'ingredient a,ingredient b,severity\n"a,b,3\n', 'line'],
  ])('refuses a file with %s and says what to do', (_what, content, words) => {
    expect(() => read(content)).toThrow(words);
  });

  test('any bytes are read or refused by a code, never by accident', () => {
    const heading = Buffer.from('ingredient a,ingredient b,severity\n');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, headed) => {
        try {
          const { table, rowsRead, refused } = read(headed ? Buffer.concat([heading, bytes]) : bytes);
          expect(table.rows.length + refused.length).toBe(rowsRead);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(FlameError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
