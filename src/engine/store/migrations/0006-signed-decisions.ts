/**
 * Schema 6: decisions are signed, with a word on every drug, and replaced by a new version instead of changed. What was
 * saved before counts as accepted as it stood, without a signature.
 */

import type { Migration } from '../migrate.ts';

export const signedDecisions: Migration = {
  version: 6,
  name: 'signed decisions',
  sql: `
    ALTER TABLE decisions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE decisions ADD COLUMN replaces INTEGER REFERENCES decisions (key);
    ALTER TABLE decisions ADD COLUMN amendment_reason TEXT NOT NULL DEFAULT '';
    ALTER TABLE decisions ADD COLUMN signer_name TEXT;
    ALTER TABLE decisions ADD COLUMN signer_role TEXT;
    ALTER TABLE decisions ADD COLUMN findings TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(findings));
    CREATE UNIQUE INDEX decisions_by_replaced ON decisions (replaces) WHERE replaces IS NOT NULL;

    CREATE TABLE decision_drugs (
      decision INTEGER NOT NULL REFERENCES decisions (key),
      position INTEGER NOT NULL,
      drug TEXT NOT NULL,
      name TEXT NOT NULL,
      verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'modified', 'added', 'rejected')),
      dose TEXT NOT NULL DEFAULT '',
      route TEXT NOT NULL DEFAULT '',
      frequency TEXT NOT NULL DEFAULT '',
      instructions TEXT NOT NULL DEFAULT '',
      reason TEXT,
      note TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (decision, position),
      UNIQUE (decision, drug)
    ) STRICT, WITHOUT ROWID;

    INSERT INTO decision_drugs (decision, position, drug, name, verdict)
      SELECT d.key, f.key, f.value ->> '$.id', f.value ->> '$.name',
        iif(f.value ->> '$.id' IN (SELECT value FROM json_each(d.added)), 'added', 'accepted')
      FROM decisions d, json_each(d.final) f;
    INSERT INTO decision_drugs (decision, position, drug, name, verdict)
      SELECT d.key, json_array_length(d.final) + r.key, r.value,
        coalesce((SELECT p.value ->> '$.name' FROM json_each(d.proposed) p WHERE p.value ->> '$.id' = r.value), r.value),
        'rejected'
      FROM decisions d, json_each(d.removed) r;

    CREATE TRIGGER decisions_follow BEFORE INSERT ON decisions
    WHEN new.version IS NOT coalesce(
      (SELECT version FROM decisions WHERE key = new.replaces AND visit = new.visit), 0) + 1 BEGIN
      SELECT raise(ABORT, 'a version follows the one that it replaces');
    END;
    CREATE TRIGGER decision_drugs_stay BEFORE UPDATE ON decision_drugs BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be changed');
    END;
    CREATE TRIGGER decision_drugs_remain BEFORE DELETE ON decision_drugs BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be deleted');
    END;
    CREATE TRIGGER decision_drugs_end BEFORE INSERT ON decision_drugs
    WHEN EXISTS (SELECT 1 FROM decisions d JOIN audit_entries e ON e.subject = d.id AND e.action = 'decision.saved'
      WHERE d.key = new.decision) BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be changed');
    END;
    CREATE TRIGGER decision_overrides_end BEFORE INSERT ON decision_overrides
    WHEN EXISTS (SELECT 1 FROM decisions d JOIN audit_entries e ON e.subject = d.id AND e.action = 'decision.saved'
      WHERE d.key = new.decision) BEGIN
      SELECT raise(ABORT, 'a saved decision cannot be changed');
    END;
  `,
};
