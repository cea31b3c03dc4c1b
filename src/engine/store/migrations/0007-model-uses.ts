/** Schema 7: which model is in use. The newest row is the pointer; it moves by adding a row, so every turn stays known. */

import type { Migration } from '../migrate.ts';

export const modelUses: Migration = {
  version: 7,
  name: 'model uses',
  sql: `
    CREATE TABLE model_uses (
      key INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      actor TEXT NOT NULL,
      cause TEXT NOT NULL CHECK (cause IN ('used', 'rolled-back')),
      model TEXT NOT NULL,
      name TEXT NOT NULL,
      version TEXT NOT NULL
    ) STRICT;

    CREATE TRIGGER model_uses_stay BEFORE UPDATE ON model_uses BEGIN
      SELECT raise(ABORT, 'which model was in use cannot be changed');
    END;
    CREATE TRIGGER model_uses_remain BEFORE DELETE ON model_uses BEGIN
      SELECT raise(ABORT, 'which model was in use cannot be deleted');
    END;
  `,
};
