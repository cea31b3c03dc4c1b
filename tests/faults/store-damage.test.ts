import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { noTitles, samplePatient, sampleVisit, temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits, getVisit, insertVisits } from '../../src/engine/store/visits.ts';
import { FlameError } from '../../src/shared/errors.ts';
import type { VisitId } from '../../src/shared/ids.ts';

const root = temporaryFolder();
const clean = join(root.path, 'clean');
/** The same database as a killed process leaves it: with its write-ahead log. */
const unclean = join(root.path, 'unclean');
const ids: VisitId[] = [];
let pristine: Buffer;

beforeAll(async () => {
  const profile = await openProfile({ folder: clean });
  profile.db.transaction(() => {
    for (let index = 0; index < 400; index++) {
      const newPatient = samplePatient({ name: `Patient ${index}` });
      const visit = sampleVisit(newPatient.id);
      insertVisits(profile.db, [{ visit, newPatient, demo: false }], noTitles);
      ids.push(visit.id);
    }
  });
  cpSync(clean, unclean, { recursive: true });
  profile.db.close();
  pristine = readFileSync(join(clean, 'flame.db'));
});
afterAll(() => root.remove());

let count = 0;
/** A copy of a profile with its database file replaced. */
function damaged(from: string, file: string, content: Buffer | null): string {
  const folder = join(root.path, `copy-${count++}`);
  mkdirSync(folder);
  cpSync(from, folder, { recursive: true, preserveTimestamps: true });
  if (content === null) rmSync(join(folder, file));
  else writeFileSync(join(folder, file), content);
  return folder;
}

function flip(content: Buffer, offset: number): Buffer {
  const copy = Buffer.from(content);
  copy[offset] = copy[offset]! ^ 0x10;
  return copy;
}

/** Opens, reads everything, closes. @returns the error's code, or `opened` */
async function codeOfOpening(folder: string): Promise<string> {
  try {
    const { db } = await openProfile({ folder });
    try {
      for (const id of ids) getVisit(db, id);
      return 'opened';
    } finally {
      db.close();
    }
  } catch (thrown) {
    if (thrown instanceof FlameError) return thrown.code;
    throw thrown;
  }
}

describe('a database closed in order', () => {
  const pages = (): number => pristine.length / 4096;

  test.each([0, 1, 15, 16, 100, 2000, 4095, 4096, 4097, 8192, -4096, -1000, -1])(
    'cut to %i bytes is damaged, and stays as it is',
    async (length) => {
      const cut = pristine.subarray(0, length >= 0 ? length : pristine.length + length);
      const folder = damaged(clean, 'flame.db', cut);
      // Below the salt nothing tells whose database it was; above, its own key says that it is damaged.
      expect(await codeOfOpening(folder)).toBe('STORE_CORRUPT');
      expect(readFileSync(join(folder, 'flame.db')).equals(cut)).toBe(true);
    },
  );

  test('one flipped bit is found when its page is read, wherever it is', async () => {
    const results = new Map<string, number>();
    for (let page = 0; page < pages(); page += Math.max(1, Math.floor(pages() / 40))) {
      const offset = page * 4096 + 24 + ((page * 997) % 4072);
      const folder = damaged(clean, 'flame.db', flip(pristine, offset));
      const code = await codeOfOpening(folder);
      results.set(code, (results.get(code) ?? 0) + 1);
      rmSync(folder, { recursive: true });
    }
    // `opened` are pages that reading every visit does not touch (search index, free pages): found when needed.
    expect([...results.keys()].filter((code) => code !== 'STORE_CORRUPT' && code !== 'opened')).toEqual([]);
    expect(results.get('STORE_CORRUPT')).toBeGreaterThan(20);
  });

  test('every page is protected: a flipped bit in any of them fails the whole check', async () => {
    const wal = readFileSync(join(unclean, 'flame.db-wal'));
    for (let page = 0; page < pages(); page += Math.max(1, Math.floor(pages() / 25))) {
      const folder = damaged(clean, 'flame.db', flip(pristine, page * 4096 + 3000));
      // A log that holds nothing valid makes it look killed, so that every page is read at opening.
      writeFileSync(join(folder, 'flame.db-wal'), Buffer.alloc(Math.min(64, wal.length)));
      expect(await codeOfOpening(folder)).toBe('STORE_CORRUPT');
      rmSync(folder, { recursive: true });
    }
  });

  test('another file in its place is not opened by this key, and not replaced', async () => {
    for (const content of [Buffer.from('name,age\n'.repeat(2000)), Buffer.alloc(8192)]) {
      const folder = damaged(clean, 'flame.db', content);
      expect(await codeOfOpening(folder)).toBe('STORE_KEY_WRONG');
      expect(readFileSync(join(folder, 'flame.db')).equals(content)).toBe(true);
    }
  });

  test('the untouched copy opens', async () => {
    expect(await codeOfOpening(damaged(clean, 'flame.db', pristine))).toBe('opened');
  });
});

describe('a database left by a killed process', () => {
  const files = (folder: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((name) => !name.endsWith('-shm'))
        .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
    );

  test('opens with everything that was stored', async () => {
    const folder = damaged(unclean, 'flame.db', readFileSync(join(unclean, 'flame.db')));
    const { db } = await openProfile({ folder });
    expect(countVisits(db)).toBe(ids.length);
    db.close();
    expect(readdirSync(folder).sort()).toEqual(['device.key', 'flame.db']);
  });

  test('is checked whole at opening; when damaged, neither it nor its log is touched', async () => {
    // What the log holds too would hide the damage, so the closed database stands in, with a log beside it.
    const folder = damaged(unclean, 'flame.db', flip(pristine, pristine.length - 2000));
    writeFileSync(join(folder, 'flame.db-wal'), Buffer.alloc(100));
    const before = files(folder);
    expect(await codeOfOpening(folder)).toBe('STORE_CORRUPT');
    expect(files(folder)).toEqual(before);
  });

  test('without its main file is damaged, not new: the log may hold the latest visits', async () => {
    const folder = damaged(unclean, 'flame.db', null);
    const before = files(folder);
    expect(await codeOfOpening(folder)).toBe('STORE_CORRUPT');
    expect(files(folder)).toEqual(before);
  });
});
