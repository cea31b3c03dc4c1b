/** Schema 10: a site's own table of drug and condition names, and imports that have not come to their end. */

import type { Migration } from '../migrate.ts';

export const siteMappings: Migration = {
  version: 10,
  name: 'site mappings and unfinished imports',
  sql: `
    CREATE TABLE site_mappings (
      kind TEXT NOT NULL CHECK (kind IN ('name', 'ndc', 'rxnorm', 'hicl', 'snomed')),
      key TEXT NOT NULL,
      written TEXT NOT NULL,
      targets TEXT NOT NULL CHECK (json_valid(targets)),
      changed_at TEXT NOT NULL,
      PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE import_runs (
      id TEXT PRIMARY KEY,
      fingerprint TEXT NOT NULL,
      path TEXT NOT NULL,
      name TEXT NOT NULL,
      format TEXT NOT NULL,
      settings TEXT NOT NULL CHECK (json_valid(settings)),
      started_at TEXT NOT NULL,
      handled INTEGER NOT NULL,
      visits_created INTEGER NOT NULL,
      visits_skipped INTEGER NOT NULL,
      patients_created INTEGER NOT NULL
    ) STRICT;
  `,
};
