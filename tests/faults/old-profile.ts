/** A profile as Flame left it before decisions were signed (schema 5), encrypted, with decisions whose rows a migration moves. */

import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import Database from 'better-sqlite3';
import { createKey } from '../../src/engine/access/key.ts';
import { STORE_FILE } from '../../src/engine/profile.ts';
import { migrate } from '../../src/engine/store/migrate.ts';

const SCHEMA = 5;

/** @param rows patients, each with one visit, one recommendation and one decision with a kept and a removed drug */
export function oldProfile(folder: string, rows: number): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { bytes, salt } = createKey(folder);
  const database = new Database(join(folder, STORE_FILE));
  try {
    database.pragma("cipher = 'aegis'");
    database.key(Buffer.from(`raw:${bytes.toString('hex')}${salt.toString('hex')}`));
    database.pragma('page_size = 4096');
    database.pragma('journal_mode = WAL');
    migrate(database, SCHEMA);
    database.exec(`
      CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i FROM n;
      INSERT INTO patients (key, id, demo, name, sex, birth_year) SELECT i, 'p' || i, 0, 'Patient ' || i, 'F', 1950 FROM n;
      INSERT INTO visits (key, id, patient, demo, date, date_known, year, age, sex, setting, notes, prescribed_known,
        problem_words, drug_words)
        SELECT i, 'v' || i, i, 0, '2009-03-01', 1, 2009, 59, 'F', 'office', '', 1, '', '' FROM n;
      INSERT INTO patient_search (rowid, name) SELECT i, 'Patient ' || i FROM n;
      INSERT INTO recommendations (key, id, visit, created_at, model_name, model_version, knowledge_version,
        context_hash, reply) SELECT i, 'r' || i, i, '2026-01-01T00:00:00.000Z', 'cls', '1', 'k1', 'c', '{}' FROM n;
      INSERT INTO decisions (key, id, visit, recommendation, saved_at, alpha, model_name, model_version,
        knowledge_version, proposed, final, added, removed, interactions, comment)
        SELECT i, 'd' || i, i, i, '2026-01-01T00:01:00.000Z', 0.5, 'cls', '1', 'k1',
          '[{"id":"metformin","name":"metformin","drugClass":null},{"id":"digoxin","name":"digoxin","drugClass":null}]',
          '[{"id":"metformin","name":"metformin","drugClass":null}]', '[]', '["digoxin"]', '[]', 'x' FROM n;
    `);
  } finally {
    database.close();
  }
}
