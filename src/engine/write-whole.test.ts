import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeWhole } from './write-whole.ts';

const NO_BOOK = { book: null };
const folder = (): string => mkdtempSync(join(tmpdir(), 'flame-write-'));

describe('writeWhole', () => {
  it('writes the chunks in order and leaves no draft', async () => {
    const place = folder();
    await writeWhole(join(place, 'a.csv'), ['α', new Uint8Array([10]), 'b'], NO_BOOK);
    expect(readFileSync(join(place, 'a.csv'), 'utf8')).toBe('α\nb');
    expect(readdirSync(place)).toEqual(['a.csv']);
  });

  it('leaves the file of before when its content breaks off', async () => {
    const place = folder();
    writeFileSync(join(place, 'a.csv'), 'before');
    function* broken(): Generator<string> {
      yield 'half';
      throw new Error('no more');
    }
    await expect(writeWhole(join(place, 'a.csv'), broken(), NO_BOOK)).rejects.toThrow('no more');
    expect(readFileSync(join(place, 'a.csv'), 'utf8')).toBe('before');
    expect(readdirSync(place)).toEqual(['a.csv']);
  });

  it('names the file, not its folder, when it cannot be written', async () => {
    await expect(writeWhole(join(folder(), 'gone', 'a.csv'), ['x'], NO_BOOK)).rejects.toMatchObject({
      code: 'FILE_NOT_WRITABLE',
      details: { file: 'a.csv', problem: 'ENOENT: no such file or directory, open' },
    });
    // Taken: a folder stands where the file should get its name.
    const place = folder();
    mkdirSync(join(place, 'b.csv'));
    const taken = writeWhole(join(place, 'b.csv'), ['x'], NO_BOOK);
    await expect(taken).rejects.toMatchObject({
      details: { file: 'b.csv', problem: expect.not.stringContaining(place) as string },
    });
  });
});
