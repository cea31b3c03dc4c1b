/** Schema 8: a site's own interaction table, of which one is in use at a time. */

import type { Migration } from '../migrate.ts';

export const siteTables: Migration = {
  version: 8,
  name: 'site table',
  sql: `
    CREATE TABLE site_tables (
      key INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      imported_at TEXT NOT NULL,
      imported_by TEXT NOT NULL,
      removed_at TEXT
    ) STRICT;
    CREATE UNIQUE INDEX site_table_in_use ON site_tables (removed_at IS NULL) WHERE removed_at IS NULL;
    CREATE TABLE site_table_rows (
      site_table INTEGER NOT NULL REFERENCES site_tables (key),
      position INTEGER NOT NULL,
      a TEXT NOT NULL,
      b TEXT NOT NULL,
      severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4),
      native_severity TEXT NOT NULL,
      effect TEXT NOT NULL,
      mechanism TEXT NOT NULL,
      management TEXT NOT NULL,
      source TEXT NOT NULL,
      overrules TEXT NOT NULL,
      PRIMARY KEY (site_table, position)
    ) STRICT, WITHOUT ROWID;
  `,
};
