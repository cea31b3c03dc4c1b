import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS, migrate, SCHEMA_VERSION, schemaVersion } from '../../src/engine/store/migrate.ts';
import { allRows, databaseAt } from './builders.ts';

/** The schema as text, one statement a paragraph, in a stable order. */
function schemaOf(database: Database.Database): string {
  return database
    .prepare<[], { sql: string }>(
      'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name',
    )
    .all()
    .map(({ sql }) => `${sql.replace(/\n {4}/g, '\n')};\n`)
    .join('\n');
}

test('migrations are numbered without a gap and their files carry the numbers', () => {
  expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

describe.each(MIGRATIONS.map(({ version, name }) => [version, name] as const))(
  'migration %i: %s',
  (version) => {
    test('keeps every row of the version before and takes nothing from its schema', () => {
      const database = databaseAt(version - 1);
      const before = allRows(database);
      const schema = schemaOf(database);
      migrate(database, version);
      expect(schemaVersion(database)).toBe(version);
      const after = allRows(database);
      for (const [table, rows] of Object.entries(before)) {
        // Marks of work to be done may be added; anything else is as many rows as before.
        if (table !== 'search_waiting') expect(after[table]).toMatchObject(rows);
        else expect(after[table]).toEqual(expect.arrayContaining(rows));
      }
      expect(schemaOf(database).length).toBeGreaterThanOrEqual(schema.length);
      expect(database.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(database.pragma('foreign_key_check')).toEqual([]);
      database.close();
    });

    test('from there the newest schema is reached, the same as from nothing', () => {
      const [database, fresh] = [databaseAt(version), databaseAt(0)];
      for (const one of [database, fresh]) migrate(one);
      expect(schemaOf(database)).toBe(schemaOf(fresh));
      migrate(database); // Once more changes nothing.
      expect(schemaVersion(database)).toBe(SCHEMA_VERSION);
      database.close();
      fresh.close();
    });
  },
);

test('the schema is the committed one: a change of it needs a new migration, then a new snapshot', async () => {
  const database = databaseAt(0);
  migrate(database);
  await expect(schemaOf(database)).toMatchFileSnapshot(join(import.meta.dirname, 'schema.sql'));
  database.close();
});

test('a visit from before the editor says of pregnancy and measurements that nothing is recorded', () => {
  const database = databaseAt(3);
  migrate(database);
  expect(database.prepare('SELECT pregnancy, lactation, changed_at FROM visits').all()).toEqual([
    { pregnancy: 'unknown', lactation: 'unknown', changed_at: null },
  ]);
  expect(database.prepare('SELECT archived_at, merged_into FROM patients').all()).toEqual([
    { archived_at: null, merged_into: null },
  ]);
  expect(database.prepare('SELECT count(*) AS n FROM visit_measurements').get()).toEqual({ n: 0 });
  database.close();
});

test('decisions from before signing count as accepted as they stood, unsigned, and take no more words', () => {
  const database = databaseAt(5);
  database.exec(`INSERT INTO audit_entries VALUES (2, '2026-01-01T00:02:00.000Z', 'local', 'decision.saved', 'd0', '{}',
    '${'1'.repeat(64)}', '${'2'.repeat(64)}')`);
  migrate(database);
  expect(
    database
      .prepare(
        'SELECT d.id, c.position, c.drug, c.verdict, c.dose, c.reason FROM decision_drugs c JOIN decisions d ON d.key = c.decision ORDER BY d.key, c.position',
      )
      .raw()
      .all(),
  ).toEqual([
    ['d1', 0, 'metformin', 'rejected', '', null],
    ['d0', 0, 'metformin', 'accepted', '', null],
    ['d0', 1, 'warfarin', 'added', '', null],
    ['d0', 2, 'digoxin', 'rejected', '', null],
  ]);
  expect(
    database.prepare('SELECT version, replaces, signer_name, findings FROM decisions').raw().all(),
  ).toEqual([
    [1, null, null, '[]'],
    [1, null, null, '[]'],
  ]);
  const late =
    "INSERT INTO decision_drugs (decision, position, drug, name, verdict) VALUES (2, 9, 'x', 'x', 'added')";
  expect(() => database.exec(late)).toThrow(/cannot be changed/);
  database.close();
});

test('a version follows the one that it replaces, of the same visit, and each is replaced once', () => {
  const database = databaseAt(6);
  const insert = (id: string, visit: number, version: number, replaces: number | null): void => {
    database
      .prepare(
        `INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version,
        knowledge_version, proposed, final, added, removed, interactions, comment, version, replaces)
        VALUES (?, ?, 1, '', 0, '', '', '', '[]', '[]', '[]', '[]', '[]', '', ?, ?)`,
      )
      .run(id, visit, version, replaces);
  };
  database.exec(
    "INSERT INTO visits SELECT 2, 'v2', patient, demo, NULL, NULL, date, date_known, year, age, sex, setting, specialty, notes, prescribed_known, problem_words, drug_words, pregnancy, lactation, changed_at FROM visits WHERE key = 1",
  );
  expect(() => insert('x', 1, 2, null)).toThrow(/follows the one that it replaces/);
  expect(() => insert('x', 1, 3, 2)).toThrow(/follows the one that it replaces/);
  expect(() => insert('x', 2, 2, 2)).toThrow(/follows the one that it replaces/);
  expect(() => insert('x', 1, 2, 1)).toThrow(/UNIQUE/); // d2 replaced it already
  insert('x', 1, 2, 2);
  insert('y', 1, 3, 4);
  database.close();
});

test('a migration that fails half way leaves the version before', () => {
  const database = databaseAt(1);
  database.exec('CREATE TABLE decisions (x)'); // In the way of migration 2.
  const before = schemaOf(database);
  expect(() => migrate(database)).toThrow(/already exists/);
  expect(schemaVersion(database)).toBe(1);
  expect(schemaOf(database)).toBe(before);
  database.close();
});

test('a database of a newer version is refused', () => {
  const database = databaseAt(SCHEMA_VERSION);
  database.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  expect(() => migrate(database)).toThrow(/newer version of Flame/);
  database.close();
});

test('every table is STRICT but for the full-text index and its own', () => {
  const database = databaseAt(0);
  migrate(database);
  const loose = database
    .prepare<[], { name: string }>(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    .all()
    .map(({ name }) => name);
  expect(loose.filter((name) => !name.startsWith('patient_search'))).toEqual([]);
  database.close();
});
