/**
 * Drafts of schema 16, which belonged to nobody, in schema 17: whose they become, that each is kept as it was typed, and that
 * the engine of today reads and writes them.
 */

import type Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { handleOf } from '../../src/engine/store/handle.ts';
import {
  discardDraft,
  freeDrafts,
  giveDrafts,
  listDrafts,
  NOBODYS,
  putDraft,
} from '../../src/engine/store/drafts.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { databaseAt } from './builders.ts';

const AT = '2026-01-02T00:00:00.000Z';
/** Names that a careless copy of text would change: quotes, a zero-width joiner, a new line. */
const FORM = JSON.stringify({
  kind: 'patient',
  id: 'p9',
  isNew: true,
  name: 'O’Brien "Zoë"\u200d\n\u{1F525}',
  recordNumber: '0012',
  sex: 'unknown',
  birthYear: '19',
});

let database: Database.Database;
afterEach(() => database.close());

/** Schema 16 with the draft f1 of the builders, two more, and as many accounts as named; `removed` among them. */
function drafted(accounts: readonly string[], removed: readonly string[] = []): void {
  database = databaseAt(16);
  const insert = database.prepare('INSERT INTO drafts (id, label, content, saved_at) VALUES (?, ?, ?, ?)');
  insert.run('p9', 'New patient O’Brien', FORM, AT);
  insert.run('unreadable', 'of another version', '{"kind":"not yet invented","x":[1,2]}', AT);
  database.exec("UPDATE accounts SET removed_at = '2026-01-06T00:00:00.000Z'"); // The builders' own.
  for (const id of [...accounts, ...removed])
    database
      .prepare(
        `INSERT INTO accounts (id, name, folded_name, roles, public_key, created_at, removed_at)
         VALUES (?, ?, ?, '["clinician"]', 'c0ffee', ?, ?)`,
      )
      .run(id, id, id, AT, removed.includes(id) ? AT : null);
}
const owners = (): unknown[] => database.prepare('SELECT DISTINCT account FROM drafts').pluck().all();

test.each([
  ['nobody’s where there are no accounts', [], [], NOBODYS],
  ['the only account’s', ['ada'], [], 'ada'],
  ['the only account’s that is left', ['ada'], ['ben', 'carol'], 'ada'],
  ['nobody’s where two may have typed them', ['ada', 'ben'], [], NOBODYS],
  ['nobody’s where every account was removed', [], ['ada'], NOBODYS],
])('are %s, and every byte of them is kept', (_whose, accounts, removed, owner) => {
  drafted(accounts, removed);
  const before = database.prepare('SELECT id, label, content, saved_at FROM drafts ORDER BY id').all();
  expect(before).toHaveLength(3);
  migrate(database, 17);
  expect(owners()).toEqual([owner]);
  expect(database.prepare('SELECT id, label, content, saved_at FROM drafts ORDER BY id').all()).toEqual(
    before,
  );
});

test('are listed, written over, freed and thrown away by the engine of today, one account apart from the other', () => {
  drafted(['ada', 'ben']);
  migrate(database);
  const db = handleOf(database, 'memory');
  const seen = (owner: string): string[] => listDrafts(db, owner).map(({ id, label }) => `${id} ${label}`);
  // What cannot be read by this version stays where it is.
  expect([seen('ada'), seen('ben')]).toEqual([['p9 New patient O’Brien'], ['p9 New patient O’Brien']]);
  const [draft] = listDrafts(db, 'ben');
  expect(draft!.form).toEqual(JSON.parse(FORM));
  putDraft(db, 'ben', { ...draft!, label: 'Ben’s' });
  expect([seen('ada'), seen('ben')]).toEqual([[], ['p9 Ben’s']]);
  expect(discardDraft(db, 'ada', 'p9')).toBe(false);
  freeDrafts(db, 'ben');
  giveDrafts(db, 'ada');
  expect([seen('ada'), seen('ben')]).toEqual([['p9 Ben’s'], []]);
  expect(database.prepare('SELECT count(*) FROM drafts').pluck().get()).toBe(3);
});
