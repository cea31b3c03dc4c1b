CREATE TRIGGER accounts_remain BEFORE DELETE ON accounts BEGIN
  SELECT raise(ABORT, 'an account is removed by its date, never by its row');
END;

CREATE TRIGGER audit_entries_follow BEFORE INSERT ON audit_entries
WHEN new.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit_entries) BEGIN
  SELECT raise(ABORT, 'an audit entry is added at the end');
END;

CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries BEGIN
  SELECT raise(ABORT, 'an audit entry cannot be deleted');
END;

CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries BEGIN
  SELECT raise(ABORT, 'an audit entry cannot be changed');
END;

CREATE TRIGGER decision_drugs_end BEFORE INSERT ON decision_drugs
WHEN EXISTS (SELECT 1 FROM decisions d JOIN audit_entries e ON e.subject = d.id AND e.action = 'decision.saved'
  WHERE d.key = new.decision) BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be changed');
END;

CREATE TRIGGER decision_drugs_remain BEFORE DELETE ON decision_drugs BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be deleted');
END;

CREATE TRIGGER decision_drugs_stay BEFORE UPDATE ON decision_drugs BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be changed');
END;

CREATE TRIGGER decision_overrides_end BEFORE INSERT ON decision_overrides
WHEN EXISTS (SELECT 1 FROM decisions d JOIN audit_entries e ON e.subject = d.id AND e.action = 'decision.saved'
  WHERE d.key = new.decision) BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be changed');
END;

CREATE TRIGGER decision_overrides_remain BEFORE DELETE ON decision_overrides BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be deleted');
END;

CREATE TRIGGER decision_overrides_stay BEFORE UPDATE ON decision_overrides BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be changed');
END;

CREATE TRIGGER decisions_follow BEFORE INSERT ON decisions
WHEN new.version IS NOT coalesce(
  (SELECT version FROM decisions WHERE key = new.replaces AND visit = new.visit), 0) + 1 BEGIN
  SELECT raise(ABORT, 'a version follows the one that it replaces');
END;

CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be deleted');
END;

CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN
  SELECT raise(ABORT, 'a saved decision cannot be changed');
END;

CREATE TRIGGER model_uses_remain BEFORE DELETE ON model_uses BEGIN
  SELECT raise(ABORT, 'which model was in use cannot be deleted');
END;

CREATE TRIGGER model_uses_stay BEFORE UPDATE ON model_uses BEGIN
  SELECT raise(ABORT, 'which model was in use cannot be changed');
END;

CREATE TRIGGER visit_revisions_remain BEFORE DELETE ON visit_revisions BEGIN
  SELECT raise(ABORT, 'a replaced content of a visit cannot be deleted');
END;

CREATE TRIGGER visit_revisions_stay BEFORE UPDATE ON visit_revisions BEGIN
  SELECT raise(ABORT, 'a replaced content of a visit cannot be changed');
END;

CREATE TRIGGER visits_date_patient AFTER INSERT ON visits BEGIN
  UPDATE patients SET last_visit_date = max(coalesce(last_visit_date, ''), new.date) WHERE key = new.patient;
END;

CREATE TABLE access_codes (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL UNIQUE CHECK (kind IN ('recovery', 'emergency')),
  public_key TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL,
  title TEXT NOT NULL DEFAULT '',
  roles TEXT NOT NULL CHECK (json_valid(roles)),
  public_key TEXT NOT NULL,
  must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
  created_at TEXT NOT NULL,
  signed_in_at TEXT,
  removed_at TEXT
) STRICT;

CREATE TABLE audit_entries (
  sequence INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content)),
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE
) STRICT;

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
, version INTEGER NOT NULL DEFAULT 1, replaces INTEGER REFERENCES decisions (key), amendment_reason TEXT NOT NULL DEFAULT '', signer_name TEXT, signer_role TEXT, findings TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(findings)), signer_account TEXT) STRICT;

CREATE TABLE "drafts" (
  id TEXT NOT NULL,
  label TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content)),
  saved_at TEXT NOT NULL,
  account TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (id, account)
) STRICT;

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
, spent_seconds REAL NOT NULL DEFAULT 0 CHECK (spent_seconds >= 0)) STRICT;

CREATE TABLE finetune_log (
  job INTEGER NOT NULL REFERENCES finetune_jobs (key),
  position INTEGER NOT NULL,
  at TEXT NOT NULL,
  event TEXT NOT NULL,
  details TEXT NOT NULL CHECK (json_valid(details)),
  PRIMARY KEY (job, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE finetune_points (
  job INTEGER NOT NULL REFERENCES finetune_jobs (key),
  position INTEGER NOT NULL,
  stage TEXT NOT NULL,
  step INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  point_values TEXT NOT NULL CHECK (json_valid(point_values)),
  PRIMARY KEY (job, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE finetune_sets (
  job INTEGER PRIMARY KEY REFERENCES finetune_jobs (key),
  content BLOB NOT NULL
) STRICT;

CREATE TABLE hook_feedback (
  key INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  service TEXT NOT NULL,
  card TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'overridden')),
  reason TEXT,
  comment TEXT NOT NULL
) STRICT;

CREATE TABLE hook_settings (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  port INTEGER NOT NULL CHECK (port BETWEEN 1024 AND 65535),
  token_sha256 BLOB CHECK (length(token_sha256) = 32)
) STRICT;

CREATE TABLE import_runs (
  id TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  started_at TEXT NOT NULL,
  handled INTEGER NOT NULL,
  visits_created INTEGER NOT NULL,
  visits_skipped INTEGER NOT NULL,
  patients_created INTEGER NOT NULL
) STRICT;

CREATE TABLE model_uses (
  key INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('used', 'rolled-back')),
  model TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE patient_search USING fts5(
  name, source, problems, drugs, notes,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE 'patient_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TABLE 'patient_search_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'patient_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB, origin INTEGER);

CREATE TABLE 'patient_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE patients (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
  source_id TEXT,
  name TEXT NOT NULL,
  sex TEXT NOT NULL CHECK (sex IN ('F', 'M', 'unknown')),
  birth_year INTEGER,
  last_visit_date TEXT, archived_at TEXT, merged_into INTEGER REFERENCES patients (key),
  UNIQUE (demo, source_id)
) STRICT;

CREATE TABLE profile_settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

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

CREATE TABLE search_waiting (patient INTEGER PRIMARY KEY REFERENCES patients (key)) STRICT;

CREATE TABLE site_mappings (
  kind TEXT NOT NULL CHECK (kind IN ('name', 'ndc', 'rxnorm', 'hicl', 'snomed')),
  key TEXT NOT NULL,
  written TEXT NOT NULL,
  targets TEXT NOT NULL CHECK (json_valid(targets)),
  changed_at TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_table_rows (
  site_table INTEGER NOT NULL REFERENCES site_tables (key),
  position INTEGER NOT NULL,
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 4),
  native_severity TEXT NOT NULL,
  effect TEXT NOT NULL,
  mechanism TEXT NOT NULL,
  management TEXT NOT NULL,
  source TEXT NOT NULL,
  overrules TEXT NOT NULL,
  PRIMARY KEY (site_table, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_tables (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  imported_by TEXT NOT NULL,
  removed_at TEXT
) STRICT;

CREATE TABLE visit_allergies (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_chronic_flags (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_diagnoses (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  system TEXT NOT NULL CHECK (system IN ('ICD-9-CM', 'ICD-10-CM')),
  code TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_measurements (
  visit INTEGER NOT NULL REFERENCES visits (key),
  kind TEXT NOT NULL CHECK (kind IN
    ('creatinine', 'weight', 'height', 'systolic', 'diastolic', 'heartRate', 'temperature')),
  value REAL NOT NULL,
  PRIMARY KEY (visit, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_medication_use (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  drug TEXT NOT NULL,
  dose TEXT NOT NULL,
  route TEXT NOT NULL,
  frequency TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_medications (
  visit INTEGER NOT NULL REFERENCES visits (key),
  role TEXT NOT NULL CHECK (role IN ('current', 'previous', 'prescribed')),
  position INTEGER NOT NULL,
  drug TEXT NOT NULL,
  PRIMARY KEY (visit, role, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_procedures (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_reasons (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visit_revisions (
  visit INTEGER NOT NULL REFERENCES visits (key),
  revision INTEGER NOT NULL,
  replaced_at TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content)),
  PRIMARY KEY (visit, revision)
) STRICT;

CREATE TABLE visit_unmapped (
  visit INTEGER NOT NULL REFERENCES visits (key),
  position INTEGER NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (visit, position)
) STRICT, WITHOUT ROWID;

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
  drug_words TEXT NOT NULL, pregnancy TEXT NOT NULL DEFAULT 'unknown'
  CHECK (pregnancy IN ('pregnant', 'not-pregnant', 'unknown')), lactation TEXT NOT NULL DEFAULT 'unknown'
  CHECK (lactation IN ('lactating', 'not-lactating', 'unknown')), changed_at TEXT, age_months INTEGER CHECK (age_months BETWEEN 0 AND 23 AND age = age_months / 12),
  UNIQUE (demo, source_id)
) STRICT;

CREATE UNIQUE INDEX accounts_by_name ON accounts (folded_name) WHERE removed_at IS NULL;

CREATE INDEX audit_entries_by_action ON audit_entries (action, sequence);

CREATE INDEX audit_entries_by_actor ON audit_entries (actor, sequence);

CREATE INDEX audit_entries_by_subject ON audit_entries (subject, sequence);

CREATE INDEX audit_entries_by_time ON audit_entries (at, sequence);

CREATE INDEX audit_entries_by_visit ON audit_entries (content ->> '$.visit')
  WHERE content ->> '$.visit' IS NOT NULL;

CREATE INDEX decision_figures_by_time ON decision_figures (saved_at);

CREATE INDEX decision_figures_by_visit ON decision_figures (visit, decision);

CREATE INDEX decisions_by_recommendation ON decisions (recommendation);

CREATE UNIQUE INDEX decisions_by_replaced ON decisions (replaces) WHERE replaces IS NOT NULL;

CREATE INDEX decisions_by_visit ON decisions (visit, key DESC);

CREATE INDEX patients_archived ON patients (key) WHERE archived_at IS NOT NULL;

CREATE INDEX patients_by_last_visit ON patients (last_visit_date DESC, key DESC);

CREATE INDEX patients_by_merge ON patients (merged_into) WHERE merged_into IS NOT NULL;

CREATE INDEX recommendations_by_visit ON recommendations (visit, key DESC);

CREATE UNIQUE INDEX site_table_in_use ON site_tables (removed_at IS NULL) WHERE removed_at IS NULL;

CREATE INDEX visits_by_date ON visits (date);

CREATE INDEX visits_by_patient ON visits (patient, date DESC, key DESC);
