/** Schema 1: patients, their visits with every recorded list, and the full-text index over both. */

import type { Migration } from '../migrate.ts';

export const patientsAndVisits: Migration = {
  version: 1,
  name: 'patients and visits',
  sql: `
    CREATE TABLE patients (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
      source_id TEXT,
      name TEXT NOT NULL,
      sex TEXT NOT NULL CHECK (sex IN ('F', 'M', 'unknown')),
      birth_year INTEGER,
      last_visit_date TEXT,
      UNIQUE (demo, source_id)
    ) STRICT;
    CREATE INDEX patients_by_last_visit ON patients (last_visit_date DESC, key DESC);

    CREATE TABLE visits (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      patient INTEGER NOT NULL REFERENCES patients (key),
      demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
      source_id TEXT,
      source_hash TEXT,
      date TEXT NOT NULL CHECK (date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
      date_known INTEGER NOT NULL CHECK (date_known IN (0, 1)),
      year INTEGER NOT NULL,
      age INTEGER NOT NULL CHECK (age BETWEEN 0 AND 130),
      sex TEXT NOT NULL CHECK (sex IN ('F', 'M', 'unknown')),
      setting TEXT NOT NULL CHECK (setting IN ('office', 'inpatient', 'intensive-care', 'emergency', 'unknown')),
      specialty TEXT,
      notes TEXT NOT NULL,
      prescribed_known INTEGER NOT NULL CHECK (prescribed_known IN (0, 1)),
      problem_words TEXT NOT NULL,
      drug_words TEXT NOT NULL,
      UNIQUE (demo, source_id)
    ) STRICT;
    CREATE INDEX visits_by_patient ON visits (patient, date DESC, key DESC);
    CREATE TRIGGER visits_date_patient AFTER INSERT ON visits BEGIN
      UPDATE patients SET last_visit_date = max(coalesce(last_visit_date, ''), new.date) WHERE key = new.patient;
    END;

    CREATE TABLE visit_diagnoses (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      system TEXT NOT NULL CHECK (system IN ('ICD-9-CM', 'ICD-10-CM')),
      code TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_reasons (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      code TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_chronic_flags (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      code TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_procedures (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      code TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_medications (
      visit INTEGER NOT NULL REFERENCES visits (key),
      role TEXT NOT NULL CHECK (role IN ('current', 'previous', 'prescribed')),
      position INTEGER NOT NULL,
      drug TEXT NOT NULL,
      PRIMARY KEY (visit, role, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_allergies (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      entry TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE visit_unmapped (
      visit INTEGER NOT NULL REFERENCES visits (key),
      position INTEGER NOT NULL,
      entry TEXT NOT NULL,
      PRIMARY KEY (visit, position)
    ) STRICT, WITHOUT ROWID;

    CREATE VIRTUAL TABLE patient_search USING fts5(
      name, source, problems, drugs, notes,
      content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
    );
  `,
};
