/** Schema 14: fine-tuning jobs, their training sets while they run, their curves and their log. */

import type { Migration } from '../migrate.ts';

export const finetuneJobs: Migration = {
  version: 14,
  name: 'fine-tuning jobs',
  sql: `
    CREATE TABLE finetune_jobs (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      created_at TEXT NOT NULL,
      created_by TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN
        ('queued', 'running', 'evaluated', 'promoted', 'rejected', 'cancelled', 'failed')),
      selection TEXT NOT NULL CHECK (json_valid(selection)),
      settings TEXT NOT NULL CHECK (json_valid(settings)),
      report TEXT NOT NULL CHECK (json_valid(report)),
      held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
      attempts INTEGER NOT NULL DEFAULT 0,
      reached INTEGER NOT NULL DEFAULT 0,
      started_at TEXT,
      finished_at TEXT,
      error TEXT CHECK (error IS NULL OR json_valid(error)),
      result TEXT CHECK (result IS NULL OR json_valid(result)),
      usage TEXT CHECK (usage IS NULL OR json_valid(usage)),
      model TEXT
    ) STRICT;
    CREATE TABLE finetune_sets (
      job INTEGER PRIMARY KEY REFERENCES finetune_jobs (key),
      content BLOB NOT NULL
    ) STRICT;
    CREATE TABLE finetune_points (
      job INTEGER NOT NULL REFERENCES finetune_jobs (key),
      position INTEGER NOT NULL,
      stage TEXT NOT NULL,
      step INTEGER NOT NULL,
      steps INTEGER NOT NULL,
      point_values TEXT NOT NULL CHECK (json_valid(point_values)),
      PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE finetune_log (
      job INTEGER NOT NULL REFERENCES finetune_jobs (key),
      position INTEGER NOT NULL,
      at TEXT NOT NULL,
      event TEXT NOT NULL,
      details TEXT NOT NULL CHECK (json_valid(details)),
      PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;
  `,
};
