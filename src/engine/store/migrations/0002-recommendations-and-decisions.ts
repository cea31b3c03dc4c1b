/** Schema 2: what was recommended for a visit, and what the clinician decided. Decisions cannot be changed. */

import type { Migration } from '../migrate.ts';

export const recommendationsAndDecisions: Migration = {
  version: 2,
  name: 'recommendations and decisions',
  sql: `
    CREATE TABLE recommendations (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      visit INTEGER NOT NULL REFERENCES visits (key),
      created_at TEXT NOT NULL,
      model_name TEXT NOT NULL,
      model_version TEXT NOT NULL,
      knowledge_version TEXT NOT NULL,
      context_hash TEXT NOT NULL,
      reply TEXT NOT NULL CHECK (json_valid(reply))
    ) STRICT;
    CREATE INDEX recommendations_by_visit ON recommendations (visit, key DESC);

    CREATE TABLE decisions (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      visit INTEGER NOT NULL REFERENCES visits (key),
      recommendation INTEGER NOT NULL REFERENCES recommendations (key),
      saved_at TEXT NOT NULL,
      alpha REAL NOT NULL,
      model_name TEXT NOT NULL,
      model_version TEXT NOT NULL,
      knowledge_version TEXT NOT NULL,
      proposed TEXT NOT NULL CHECK (json_valid(proposed)),
      final TEXT NOT NULL CHECK (json_valid(final)),
      added TEXT NOT NULL CHECK (json_valid(added)),
      removed TEXT NOT NULL CHECK (json_valid(removed)),
      interactions TEXT NOT NULL CHECK (json_valid(interactions)),
      comment TEXT NOT NULL
    ) STRICT;
    CREATE INDEX decisions_by_visit ON decisions (visit, key DESC);
    CREATE INDEX decisions_by_recommendation ON decisions (recommendation);

    CREATE TABLE decision_overrides (
      decision INTEGER NOT NULL REFERENCES decisions (key),
      position INTEGER NOT NULL,
      a TEXT NOT NULL,
      b TEXT NOT NULL,
      severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4),
      reason TEXT NOT NULL,
      note TEXT NOT NULL,
      PRIMARY KEY (decision, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be changed');
    END;
    CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be deleted');
    END;
    CREATE TRIGGER decision_overrides_stay BEFORE UPDATE ON decision_overrides BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be changed');
    END;
    CREATE TRIGGER decision_overrides_remain BEFORE DELETE ON decision_overrides BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be deleted');
    END;
  `,
};
