/**
 * Schema 11: accounts with their roles, the codes that open the database besides, and settings of the whole profile. The
 * secrets are not here: they lock the ring of keys beside the database.
 */

import type { Migration } from '../migrate.ts';

export const accounts: Migration = {
  version: 11,
  name: 'accounts',
  sql: `
    CREATE TABLE accounts (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      folded_name TEXT NOT NULL,
      title TEXT NOT NULL DEFAULT '',
      roles TEXT NOT NULL CHECK (json_valid(roles)),
      public_key TEXT NOT NULL,
      must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
      created_at TEXT NOT NULL,
      signed_in_at TEXT,
      removed_at TEXT
    ) STRICT;
    CREATE UNIQUE INDEX accounts_by_name ON accounts (folded_name) WHERE removed_at IS NULL;
    CREATE TRIGGER accounts_remain BEFORE DELETE ON accounts BEGIN
      SELECT raise(ABORT, 'an account is removed by its date, never by its row');
    END;

    CREATE TABLE access_codes (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL UNIQUE CHECK (kind IN ('recovery', 'emergency')),
      public_key TEXT NOT NULL,
      created_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE profile_settings (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL CHECK (json_valid(value))
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE decisions ADD COLUMN signer_account TEXT;
  `,
};
