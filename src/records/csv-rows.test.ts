import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LONGEST_ROW, readCsvRows, type CsvRow } from './csv-rows.ts';
import { FileBytes } from './file-bytes.ts';

const folder = mkdtempSync(join(tmpdir(), 'flame-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
async function read(content: string | Buffer): Promise<CsvRow[]> {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, content);
  const rows: CsvRow[] = [];
  for await (const batch of readCsvRows(new FileBytes(path))) rows.push(...batch);
  return rows;
}
const pairs = (rows: readonly CsvRow[]) => rows.map(({ line, fields, problem }) => [line, fields ?? problem]);

describe('rows', () => {
  test('carry the line on which they begin, whatever the quotes hold', async () => {
    const text = '\uFEFFa,b\r\n1,"x, ""y""\r\nz"\r\n\r\n3,4\n5,6';
    for (const content of [text, gzipSync(text)]) {
      expect(pairs(await read(content))).toEqual([
        [1, ['a', 'b']],
        [2, ['1', 'x, "y"\nz']],
        [5, ['3', '4']],
        [6, ['5', '6']],
      ]);
    }
  });

  test('are separated by what the header is separated by', async () => {
    expect(pairs(await read('a;b\n1,5;2\n'))).toEqual([
      [1, ['a', 'b']],
      [2, ['1,5', '2']],
    ]);
    expect(pairs(await read('a\tb\n1\t2\n'))).toEqual([
      [1, ['a', 'b']],
      [2, ['1', '2']],
    ]);
  });
});

describe('a damaged table', () => {
  test('loses the row whose quote is never closed, and no other', async () => {
    const rest = Array.from({ length: 200_000 }, (_, i) => `${i},plain text\n`).join('');
    const rows = await read(`a,b\n1,"open\n${rest}`);
    expect(rows).toHaveLength(200_002);
    expect(rows[1]).toEqual({ line: 2, fields: null, problem: 'opens a quote that is never closed' });
    expect(rows.at(-1)).toEqual({ line: 200_002, fields: ['199999', 'plain text'] });
  });

  test('keeps a row with a stray quote inside a field', async () => {
    expect(pairs(await read('a,b\n5" needle,1\n2,3\n'))).toEqual([
      [1, ['a', 'b']],
      [2, ['5" needle', '1']],
      [3, ['2', '3']],
    ]);
  });

  test('loses a line longer than a row may be, and no other', async () => {
    const rows = await read(`a,b\n${'x'.repeat(3 * LONGEST_ROW)},1\n2,3\n`);
    expect(pairs(rows)).toEqual([
      [1, ['a', 'b']],
      [2, 'is longer than 1 MiB'],
      [3, ['2', '3']],
    ]);
  });

  test('says where its compression breaks off', async () => {
    const whole = gzipSync(Array.from({ length: 50_000 }, (_, i) => `${i},${Math.sin(i)}\n`).join(''));
    const rows = await read(whole.subarray(0, whole.length / 2));
    expect(rows.length).toBeGreaterThan(1000);
    expect(rows.at(-1)!.problem).toMatch(/compressed file ends early/);
  });

  test('of nothing but quotes costs its length, not its square', async () => {
    const rows = await read(`a,b\n${'"x'.repeat(600_001)}\n1,2\n`);
    expect(rows.at(-1)).toEqual({ line: 3, fields: ['1', '2'] });
  });

  test('with thousands of columns is refused', async () => {
    await expect(read(`${'a,'.repeat(3000)}\n`)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('that unpacks without end is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, 'x'));
    await expect(read(bomb)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { problem: expect.stringMatching(/unpacks to more than 250 times/) as string },
    });
  });
});

test('what was written quoted is read back, in chunks of any size', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é'), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 30 }), async (rows) => {
      const text = rows
        .map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',') + '\n')
        .join('');
      const found = await read(text);
      expect(found.map(({ fields }) => fields)).toEqual(rows);
      let line = 1;
      for (const [at, row] of rows.entries()) {
        expect(found[at]!.line).toBe(line);
        line += 1 + row.join('').split('\n').length - 1;
      }
    }),
    { numRuns: 200 },
  );
});
