import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
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
  test('reads columns by their heading in any order and case, quotes, a byte order mark and line breaks in a cell', async () => {
    const { table, rowsRead, refused } = await read(
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

  test.each([';', '\t'])('takes %j for the separator when the heading does', async (separator) => {
    const { table } = await read(
      ['ingredient a', 'ingredient b', 'severity'].join(separator) + `\nx${separator}y${separator}4\n`,
    );
    expect(table.rows).toMatchObject([{ a: 'x', b: 'y', severity: 4 }]);
  });

  test('refuses a row with its line and what is wrong, and uses the rest', async () => {
    const { table, refused } = await read(
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
    [
      'a quote in the heading that never closes',
      '"ingredient a,ingredient b,severity\na,b,3\n',
      'line 1 opens a quote',
    ],
  ])('refuses a file with %s and says what to do', async (_what, content, words) => {
    await expect(read(content)).rejects.toThrow(words);
  });

  test('refuses a row whose quote is never closed or whose letters are no UTF-8, and uses the rest', async () => {
    const text = 'ingredient a,ingredient b,severity,source\na,b,3,"Ärzte, 2026"\n"a,c,3,x\na,d,4,Haus\n';
    const { table, refused } = await read(Buffer.from(text, 'latin1'));
    expect(table.rows).toMatchObject([{ b: 'd', severity: 4 }]);
    expect(refused.map(({ line }) => line)).toEqual([2, 3]);
    expect((await read(text)).table.rows).toMatchObject([{ b: 'b', source: 'Ärzte, 2026' }, { b: 'd' }]);
  });

  test('is bounded: a packed file of endless rows and one of endless text are refused', async () => {
    const heading = 'ingredient a,ingredient b,severity,effect\n';
    const rows = Array.from({ length: 210_000 }, (_, n) => `a${n},b,3,\n`).join('');
    await expect(read(gzipSync(heading + rows))).rejects.toThrow('at most 200000 rows');
    // Letters that do not repeat, or it would be refused as a bomb already.
    const noise = Array.from({ length: 250 }, () => randomBytes(150).toString('hex')).join('');
    const text = Array.from({ length: 1000 }, (_, n) => `a${n},b,3,${noise}\n`).join('');
    await expect(read(heading + text)).rejects.toThrow('64 million letters');
  });

  test('any bytes are read or refused by a code, never by accident', async () => {
    const heading = Buffer.from('ingredient a,ingredient b,severity\n');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, headed) => {
        try {
          const { table, rowsRead, refused } = await read(headed ? Buffer.concat([heading, bytes]) : bytes);
          expect(table.rows.length + refused.length).toBe(rowsRead);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(FlameError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
