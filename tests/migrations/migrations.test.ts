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
    test('keeps every row of the version before and adds to its schema', () => {
      const database = databaseAt(version - 1);
      const before = allRows(database);
      const schema = schemaOf(database);
      migrate(database, version);
      expect(schemaVersion(database)).toBe(version);
      const after = allRows(database);
      for (const [table, rows] of Object.entries(before)) expect(after[table]).toMatchObject(rows);
      expect(schemaOf(database).length).toBeGreaterThan(schema.length);
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
