/**
 * Databases as earlier versions of Flame left them: the schema of that version with rows written in its own SQL, frozen.
 * A new migration adds a builder for the version before it.
 */

import Database from 'better-sqlite3';
import { migrate } from '../../src/engine/store/migrate.ts';

const ROWS: Readonly<Record<number, string>> = {
  1: `
    INSERT INTO patients (id, demo, source_id, name, sex, birth_year) VALUES ('p1', 0, 's1', 'Zoë', 'F', 1950);
    INSERT INTO visits (id, patient, demo, source_id, source_hash, date, date_known, year, age, sex, setting,
      specialty, notes, prescribed_known, problem_words, drug_words)
      VALUES ('v1', 1, 0, 'sv1', 'h', '2009-03-01', 1, 2009, 59, 'F', 'office', '1', 'dizzy', 1, '25000', 'metformin');
    INSERT INTO visit_diagnoses VALUES (1, 0, 'ICD-9-CM', '25000');
    INSERT INTO visit_medications VALUES (1, 'prescribed', 0, 'metformin');
    INSERT INTO patient_search (rowid, name, source, problems, drugs, notes)
      VALUES (1, 'Zoë', 's1 sv1', '25000', 'metformin', 'dizzy');
  `,
  2: `
    INSERT INTO recommendations (id, visit, created_at, model_name, model_version, knowledge_version, context_hash,
      reply) VALUES ('r1', 1, '2026-01-01T00:00:00.000Z', 'cls', '1', 'k1', 'c', '{}');
    INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version, knowledge_version,
      proposed, final, added, removed, interactions, comment)
      VALUES ('d1', 1, 1, '2026-01-01T00:01:00.000Z', 0.5, 'cls', '1', 'k1',
        '[{"id":"metformin","name":"metformin","drugClass":null}]', '[]', '[]', '["metformin"]', '[]', '');
    INSERT INTO decision_overrides VALUES (1, 0, 'a', 'b', 3, 'other', 'why');
  `,
  3: `
    INSERT INTO audit_entries VALUES (1, '2026-01-01T00:01:00.000Z', 'local', 'decision.saved', 'd1', '{}',
      '${'0'.repeat(64)}', '${'1'.repeat(64)}');
  `,
  4: `
    UPDATE visits SET pregnancy = 'pregnant', changed_at = '2026-01-02T00:00:00.000Z';
    INSERT INTO patients (id, demo, name, sex, merged_into) VALUES ('p2', 0, 'Zoe', 'F', 1);
    INSERT INTO visit_measurements VALUES (1, 'creatinine', 1.1);
    INSERT INTO visit_medication_use VALUES (1, 0, 'metformin', '500 mg', 'by mouth', 'twice a day');
    INSERT INTO visit_revisions VALUES (1, 1, '2026-01-02T00:00:00.000Z', '{}');
    INSERT INTO drafts VALUES ('f1', 'New patient', '{}', '2026-01-02T00:00:00.000Z');
  `,
  5: `
    INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version, knowledge_version,
      proposed, final, added, removed, interactions, comment)
      VALUES ('d0', 1, 1, '2026-01-01T00:02:00.000Z', 0, 'cls', '1', 'k1',
        '[{"id":"metformin","name":"metformin","drugClass":null},{"id":"digoxin","name":"digoxin","drugClass":null}]',
        '[{"id":"metformin","name":"metformin","drugClass":null},{"id":"warfarin","name":"warfarin","drugClass":null}]',
        '["warfarin"]', '["digoxin"]', '[]', 'before signing');
  `,
  6: `
    INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version, knowledge_version,
      proposed, final, added, removed, interactions, comment, version, replaces, amendment_reason, signer_name,
      signer_role, findings)
      VALUES ('d2', 1, 1, '2026-01-03T00:00:00.000Z', 0.5, 'cls', '1', 'k1', '[]', '[]', '[]', '[]', '[]', '', 2, 1,
        'a slip', 'Ada Example', 'MD', '[]');
    INSERT INTO decision_drugs VALUES (3, 0, 'digoxin', 'digoxin', 'rejected', '', '', '', '', 'interaction', '');
  `,
  7: `
    INSERT INTO model_uses VALUES (1, '2026-01-04T00:00:00.000Z', 'local', 'used', 'local/clinic-1', 'clinic', '1');
  `,
  8: `
    INSERT INTO site_tables (name, sha256, imported_at, imported_by)
      VALUES ('house.csv', 'ab', '2026-01-04T00:00:00.000Z', 'steward');
    INSERT INTO site_table_rows VALUES (1, 0, 'warfarin', 'Aspirin', 3, 'major', '', '', '', 'our committee', '');
  `,
  10: `
    INSERT INTO site_mappings VALUES ('name', 'house mixture', 'House  Mixture', '["ibuprofen"]', '2026-01-04T00:00:00.000Z');
    INSERT INTO import_runs VALUES ('i1', 'f', '/data/visits', 'visits', 'fhir', '{}', '2026-01-04T00:00:00.000Z', 10, 8, 2, 3);
  `,
  11: `
    INSERT INTO accounts (id, name, folded_name, title, roles, public_key, created_at)
      VALUES ('a1', 'Ada', 'ada', 'MD', '["clinician"]', 'c0ffee', '2026-01-05T00:00:00.000Z');
    INSERT INTO access_codes VALUES ('c1', 'recovery', 'c0ffee', '2026-01-05T00:00:00.000Z');
    INSERT INTO profile_settings VALUES ('lock-after-minutes', '10');
  `,
  12: `
    INSERT INTO decision_figures VALUES (3, 1, 1, 0, '2026-01-03T00:00:00.000Z', 0.5, 2, 1, 0);
    INSERT INTO decision_figure_drugs VALUES (3, 'digoxin', 'digoxin', 3, 0);
    INSERT INTO decision_figure_reasons VALUES (3, 'will-monitor', 1);
  `,
  13: `
    INSERT INTO hook_settings VALUES (1, 1, 8455, zeroblob(32));
    INSERT INTO hook_feedback VALUES (1, '2026-01-05T00:00:00.000Z', 'flame-order-select', 'c', 'overridden', 'other', '');
  `,
  14: `
    INSERT INTO finetune_jobs (id, name, created_at, created_by, state, selection, settings, report)
      VALUES ('j1', 'Ward 3', '2026-01-05T00:00:00.000Z', 'local', 'queued', '{}', '{}', '{}');
    INSERT INTO finetune_sets VALUES (1, x'00');
    INSERT INTO finetune_points VALUES (1, 1, 'adapter', 5, 10, '{"loss":1}');
    INSERT INTO finetune_log VALUES (1, 1, '2026-01-05T00:00:00.000Z', 'created', '{}');
  `,
  16: `
    INSERT INTO search_waiting VALUES (2);
  `,
};

/** A plain (unkeyed) database in memory, as version `version` left it. Close it after use. */
export function databaseAt(version: number): Database.Database {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  for (let step = 1; step <= version; step++) {
    migrate(database, step);
    database.exec(ROWS[step] ?? '');
  }
  return database;
}

/** Every row of every ordinary table, by table. */
export function allRows(database: Database.Database): Record<string, unknown[]> {
  const tables = database
    .prepare<[], { name: string }>(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
  return Object.fromEntries(
    tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]),
  );
}
