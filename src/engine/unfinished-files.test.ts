import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditOf } from './store/audit.ts';
import type { WritableDb } from './store/handle.ts';
import { withStore } from './store/testing.ts';
import { writeSetting } from './store/accounts.ts';
import { draftBook, removeLeftDrafts } from './unfinished-files.ts';
import { writeWhole } from './write-whole.ts';

/** Drafts that a process that is gone had begun: as it left them in the database. */
const leave = (db: WritableDb, ...drafts: string[]): void => writeSetting(db, 'unfinished-files', drafts);
const left = (db: WritableDb): string[] =>
  JSON.parse(
    db.get<{ value: string }>("SELECT value FROM profile_settings WHERE name = 'unfinished-files'")!.value,
  ) as string[];

test('a file that is whole, or broke off, leaves nothing to remove', async () => {
  await withStore(async ({ db, folder }) => {
    const book = draftBook(db);
    let seen: string[] = [];
    function* content(): Generator<string> {
      seen = left(db);
      yield 'x';
    }
    await writeWhole(join(folder, 'a.csv'), content(), { book });
    expect(seen).toEqual([expect.stringMatching(/\/a\.csv\.draft-[0-9a-f]{12}$/)]);
    expect(left(db)).toEqual([]);
    const broken = (function* (): Generator<string> {
      yield 'half';
      throw new Error('no more');
    })();
    await expect(writeWhole(join(folder, 'a.csv'), broken, { book })).rejects.toThrow('no more');
    expect(left(db)).toEqual([]);
    await removeLeftDrafts(db);
    expect(auditOf(db, 'file.draft-removed')).toEqual([]);
  });
});

test('removes a draft that was left, with an entry; not one under way, a link, a folder, or another name', async () => {
  await withStore(async ({ db, folder }) => {
    const at = (name: string): string => join(folder, name);
    const mine = at('mine.txt');
    writeFileSync(mine, 'mine');
    writeFileSync(at('a.csv.draft-00000000000a'), 'left');
    symlinkSync(mine, at('b.csv.draft-00000000000b'));
    mkdirSync(at('c.csv.draft-00000000000c'));
    leave(
      db,
      at('a.csv.draft-00000000000a'),
      at('b.csv.draft-00000000000b'),
      at('c.csv.draft-00000000000c'),
      mine,
      at('never-made.csv.draft-00000000000d'),
    );
    const underWay = at('e.csv.draft-00000000000e');
    const book = draftBook(db);
    await book.begin(underWay); // The next export removes what is left, too.
    writeFileSync(underWay, 'half');
    await removeLeftDrafts(db);
    expect(existsSync(at('a.csv.draft-00000000000a'))).toBe(false);
    for (const name of ['b.csv.draft-00000000000b', 'c.csv.draft-00000000000c', 'e.csv.draft-00000000000e'])
      expect(existsSync(at(name))).toBe(true);
    expect(readFileSync(mine, 'utf8')).toBe('mine');
    expect(left(db)).toEqual([underWay]);
    await book.end(underWay);
    expect(auditOf(db, 'file.draft-removed').map(({ content }) => content)).toEqual([{ file: 'a.csv' }]);
  });
});

test('a draft on a disk that is not there now is removed when it is back', async () => {
  await withStore(async ({ db, folder }) => {
    const [stick, away] = [join(folder, 'stick'), join(folder, 'away')];
    mkdirSync(away);
    writeFileSync(join(away, 'a.csv.draft-00000000000a'), 'left');
    leave(db, join(stick, 'a.csv.draft-00000000000a'));
    await removeLeftDrafts(db);
    expect(left(db)).toHaveLength(1);
    renameSync(away, stick);
    await removeLeftDrafts(db);
    expect(existsSync(join(stick, 'a.csv.draft-00000000000a'))).toBe(false);
    expect(left(db)).toEqual([]);
  });
});
