/** Schema 15: how long a fine-tuning job has run so far, over all its training processes. */

import type { Migration } from '../migrate.ts';

export const finetuneSpent: Migration = {
  version: 15,
  name: 'time spent on fine-tuning jobs',
  sql: `
    ALTER TABLE finetune_jobs ADD COLUMN spent_seconds REAL NOT NULL DEFAULT 0 CHECK (spent_seconds >= 0);
  `,
};
