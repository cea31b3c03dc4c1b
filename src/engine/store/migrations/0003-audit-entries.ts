/** Schema 3: the audit log. It only grows; each entry carries the hash of the one before. */

import type { Migration } from '../migrate.ts';

export const auditEntries: Migration = {
  version: 3,
  name: 'audit entries',
  sql: `
    CREATE TABLE audit_entries (
      sequence INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      content TEXT NOT NULL CHECK (json_valid(content)),
      previous_hash TEXT NOT NULL,
      hash TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX audit_entries_by_subject ON audit_entries (subject, sequence);

    CREATE TRIGGER audit_entries_follow BEFORE INSERT ON audit_entries
    WHEN new.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit_entries) BEGIN
      SELECT raise(ABORT, 'an audit entry is added at the end');
    END;
    CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries BEGIN
      SELECT raise(ABORT, 'an audit entry cannot be changed');
    END;
    CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries BEGIN
      SELECT raise(ABORT, 'an audit entry cannot be deleted');
    END;
  `,
};
