/** Schema 16: the patients whose search document is behind their rows, so that a search can say so and catch up. */

import type { Migration } from '../migrate.ts';

export const searchWaiting: Migration = {
  version: 16,
  name: 'search waiting',
  sql: `
    CREATE TABLE search_waiting (patient INTEGER PRIMARY KEY REFERENCES patients (key)) STRICT;
  `,
};
