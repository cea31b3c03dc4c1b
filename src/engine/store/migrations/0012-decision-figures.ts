/**
 * Schema 12: what the overview counts of each decision, kept beside it (a decision never changes), and an index of
 * archived patients, by which a search with many hits is counted.
 */

import type { Migration } from '../migrate.ts';

export const decisionFigures: Migration = {
  version: 12,
  name: 'decision figures',
  sql: `
    CREATE TABLE decision_figures (
      decision INTEGER PRIMARY KEY REFERENCES decisions (key),
      counting INTEGER NOT NULL,
      visit INTEGER NOT NULL REFERENCES visits (key),
      demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
      saved_at TEXT NOT NULL,
      interaction_rate REAL NOT NULL,
      severe_proposed INTEGER NOT NULL,
      severe INTEGER NOT NULL,
      findings INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX decision_figures_by_visit ON decision_figures (visit, decision);
    CREATE INDEX decision_figures_by_time ON decision_figures (saved_at);
    CREATE TABLE decision_figure_drugs (
      decision INTEGER NOT NULL REFERENCES decision_figures (decision),
      drug TEXT NOT NULL,
      name TEXT NOT NULL,
      severity INTEGER CHECK (severity BETWEEN 0 AND 4),
      kept INTEGER NOT NULL CHECK (kept IN (0, 1)),
      PRIMARY KEY (decision, drug)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE decision_figure_reasons (
      decision INTEGER NOT NULL REFERENCES decision_figures (decision),
      reason TEXT NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (decision, reason)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX patients_archived ON patients (key) WHERE archived_at IS NOT NULL;
  `,
};
