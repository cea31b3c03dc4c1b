/**
 * Schema 17: a draft belongs to the account that typed it. Those from before belong to the only account there is, or to
 * nobody ('') where that cannot be told.
 */

import type { Migration } from '../migrate.ts';

export const draftsByAccount: Migration = {
  version: 17,
  name: 'drafts by account',
  sql: `
    CREATE TABLE drafts_by_account (
      id TEXT NOT NULL,
      label TEXT NOT NULL,
      content TEXT NOT NULL CHECK (json_valid(content)),
      saved_at TEXT NOT NULL,
      account TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (id, account)
    ) STRICT;
    INSERT INTO drafts_by_account (id, label, content, saved_at, account)
      SELECT id, label, content, saved_at,
        coalesce((SELECT max(id) FROM accounts WHERE removed_at IS NULL HAVING count(*) = 1), '')
      FROM drafts;
    DROP TABLE drafts;
    ALTER TABLE drafts_by_account RENAME TO drafts;
  `,
};
