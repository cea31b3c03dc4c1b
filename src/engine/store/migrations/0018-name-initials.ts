/**
 * Schema 18: search documents hold the initials of the name's words (search.ts). Those written before wait to be written
 * anew, which happens after the opening.
 */

import type { Migration } from '../migrate.ts';

export const nameInitials: Migration = {
  version: 18,
  name: 'name initials',
  sql: `
    INSERT OR IGNORE INTO search_waiting (patient) SELECT key FROM patients WHERE merged_into IS NULL;
  `,
};
