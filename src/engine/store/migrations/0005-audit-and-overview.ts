/** Schema 5: indexes by which the audit log is filtered, and visits and decisions are found by date. */

import type { Migration } from '../migrate.ts';

export const auditAndOverview: Migration = {
  version: 5,
  name: 'audit and overview',
  sql: `
    CREATE INDEX audit_entries_by_action ON audit_entries (action, sequence);
    CREATE INDEX audit_entries_by_actor ON audit_entries (actor, sequence);
    CREATE INDEX audit_entries_by_time ON audit_entries (at, sequence);
    CREATE INDEX audit_entries_by_visit ON audit_entries (content ->> '$.visit')
      WHERE content ->> '$.visit' IS NOT NULL;
    CREATE INDEX visits_by_date ON visits (date);
  `,
};
