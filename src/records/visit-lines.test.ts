import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LONGEST_LINE, NOT_UTF8 } from './lines.ts';
import { readVisitLines, type VisitLine } from './visit-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'flame-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
async function read(content: string | Buffer, name = 'visits.jsonl'): Promise<VisitLine[]> {
  const file = join(folder, `${files++}-${name}`);
  writeFileSync(file, content);
  const lines: VisitLine[] = [];
  for await (const line of readVisitLines(file)) lines.push(line);
  return lines;
}
const record = (visit: string): string => JSON.stringify({ visit, year: 2020, age: 50, sex: 'F' });
const short = (lines: VisitLine[]): string[] =>
  lines.map((line) => `${line.line}: ${line.ok ? line.record.visit : line.problem}`);

describe.each([
  ['plain', (text: string | Buffer) => Buffer.from(text)],
  ['gzip', (text: string | Buffer) => gzipSync(text)],
])('%s', (_name, pack) => {
  test('byte-order mark, CRLF, blank lines, no line feed at the end', async () => {
    const text = `\uFEFF${record('a')}\r\n\r\n  \n${record('b')}\n{"visit":\n${record('ü')}`;
    expect(short(await read(pack(text)))).toEqual([
      '1: a',
      '4: b',
      '5: is not JSON: one complete JSON object a line is expected',
      '6: ü',
    ]);
  });

  test('an over-long line is skipped, whatever it holds', async () => {
    const long = `{"visit":"${'x'.repeat(LONGEST_LINE)}"}`;
    expect(short(await read(pack([record('a'), long, record('b'), long].join('\n'))))).toEqual([
      '1: a',
      '2: is longer than 4 MiB',
      '3: b',
      '4: is longer than 4 MiB',
    ]);
  });

  test('text that is not UTF-8 costs its line only', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${record('a')}\n`),
      Buffer.from([0x22, 0xe9, 0x22, 0x0a]),
      Buffer.from(record('b')),
    ]);
    expect(short(await read(pack(bytes)))).toEqual(['1: a', `2: ${NOT_UTF8}`, '3: b']);
  });

  test('an empty file has no lines', async () => {
    expect(await read(pack(''))).toEqual([]);
  });
});

test('gzip is told by content, not by name, also in several members', async () => {
  const twice = Buffer.concat([gzipSync(`${record('a')}\n`), gzipSync(record('b'))]);
  expect(short(await read(twice, 'visits.txt'))).toEqual(['1: a', '2: b']);
  expect(short(await read(record('a'), 'visits.jsonl.gz'))).toEqual(['1: a']);
});

test('gzip that ends early or is damaged gives what is before, then says so', async () => {
  const many = Array.from({ length: 3000 }, (_, index) => record(`v${index}-${Math.sin(index)}`)).join('\n');
  const packed = gzipSync(many);
  for (const part of [3, 100, packed.length >> 1, packed.length - 9, packed.length - 1]) {
    const lines = await read(packed.subarray(0, part));
    const last = lines.pop();
    expect(last).toMatchObject({ ok: false, line: lines.length + 1 });
    expect(last?.ok === false && last.problem).toMatch(/ends early or is damaged/);
    expect(lines.every(({ ok }) => ok)).toBe(true);
    if (part > packed.length / 3) expect(lines.length).toBeGreaterThan(900);
  }
  const flipped = Buffer.from(packed);
  flipped[packed.length >> 1]! ^= 0xff;
  const lines = await read(flipped);
  expect(lines.at(-1)).toMatchObject({ ok: false });
  expect(lines.filter(({ ok }) => ok).length).toBeGreaterThan(900);
});

test('lines come out the same wherever the file is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant(''), fc.stringMatching(/^[a-zé☃]{1,30}$/).map(record)), {
        maxLength: 40,
      }),
      fc.constantFrom('\n', '\r\n'),
      fc.nat(70_000),
      async (lines, ending, padding) => {
        const text = `${' '.repeat(padding)}${lines.join(ending)}`;
        const expected = lines.flatMap((line, index) =>
          line === '' ? [] : [`${index + 1}: ${(JSON.parse(line) as { visit: string }).visit}`],
        );
        expect(short(await read(text))).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
});

test('a missing file, a folder and UTF-16 are refused with a code', async () => {
  const drain = async (path: string): Promise<void> => {
    for await (const _line of readVisitLines(path));
  };
  await expect(drain(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
  await expect(drain(folder)).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(record('a'), 'utf16le')]);
  await expect(read(utf16)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('bytes read grow to the size of the file', async () => {
  const text = Array.from({ length: 5000 }, (_, index) => record(`v${index}`)).join('\n');
  const lines = await read(text);
  expect(lines.at(-1)?.bytesRead).toBe(Buffer.byteLength(text));
  expect(lines.every((line, index) => index === 0 || line.bytesRead >= lines[index - 1]!.bytesRead)).toBe(
    true,
  );
});
