/** Schema 13: the switch, port and token hash of the on-site service, and what its callers reported back. */

import type { Migration } from '../migrate.ts';

export const hooks: Migration = {
  version: 13,
  name: 'hooks',
  sql: `
    CREATE TABLE hook_settings (
      key INTEGER PRIMARY KEY CHECK (key = 1),
      enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
      port INTEGER NOT NULL CHECK (port BETWEEN 1024 AND 65535),
      token_sha256 BLOB CHECK (length(token_sha256) = 32)
    ) STRICT;
    CREATE TABLE hook_feedback (
      key INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      service TEXT NOT NULL,
      card TEXT NOT NULL,
      outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'overridden')),
      reason TEXT,
      comment TEXT NOT NULL
    ) STRICT;
  `,
};
