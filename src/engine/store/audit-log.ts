/** Reads the audit log by filter and page, with the names of what its entries are about. Adds no entry and changes none. */

import { AUDIT_GROUPS, type AuditEntryView, type AuditFilter, type AuditPage } from '../../shared/audit.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import { endOfLocalDay, startOfLocalDay } from '../../shared/local-date.ts';
import type { AuditRow } from './audit.ts';
import type { ReadableDb, SqlValue } from './handle.ts';
import { patientKeyOf } from './patients.ts';

/** Made by conditionOf alone: constant text with a question mark for every value. */
interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

const PAGE = 1000;

/**
 * One page, newest first.
 * @param before number of the last entry of the page before; null for the first page
 * @throws FlameError NOT_FOUND when the filter names a patient that is not stored
 */
export function auditPage(
  db: ReadableDb,
  filter: AuditFilter,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): AuditPage {
  const wanted = conditionOf(db, filter);
  const total = db.get<{ n: number }>(
    // eslint-disable-next-line flame/constant-sql -- a Condition is constant text
    `SELECT count(*) AS n FROM audit_entries WHERE ${wanted.sql}`,
    ...wanted.values,
  )!.n;
  const rows = db.all<AuditRow>(
    // eslint-disable-next-line flame/constant-sql -- a Condition is constant text
    `SELECT * FROM audit_entries WHERE ${wanted.sql} AND sequence < ? ORDER BY sequence DESC LIMIT ?`,
    ...wanted.values,
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  );
  return { total, entries: rows.map((row) => viewOf(db, row)) };
}

/**
 * Every entry that passes the filter, oldest first, a page at a time.
 * @param upTo the last entry to look at, so that what is written meanwhile is left out
 */
export function* auditPages(
  db: ReadableDb,
  filter: AuditFilter,
  upTo: number = Number.MAX_SAFE_INTEGER,
): Generator<AuditEntryView[]> {
  const wanted = conditionOf(db, filter);
  let after = 0;
  while (true) {
    const rows = db.all<AuditRow>(
      // eslint-disable-next-line flame/constant-sql -- a Condition is constant text
      `SELECT * FROM audit_entries WHERE ${wanted.sql} AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
      ...wanted.values,
      after,
      upTo,
      PAGE,
    );
    if (rows.length > 0) yield rows.map((row) => viewOf(db, row));
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.sequence;
  }
}

/** Everybody who stands in the log, by name. */
export function auditActors(db: ReadableDb): string[] {
  return db
    .all<{ actor: string }>('SELECT DISTINCT actor FROM audit_entries ORDER BY actor')
    .map(({ actor }) => actor);
}

/** Numbers of the entries with one action, oldest first. */
export function sequencesOf(db: ReadableDb, action: string): number[] {
  return db
    .all<{
      sequence: number;
    }>('SELECT sequence FROM audit_entries WHERE action = ? ORDER BY sequence', action)
    .map(({ sequence }) => sequence);
}

function conditionOf(db: ReadableDb, { group, actor, patientId, from, to }: AuditFilter): Condition {
  const parts: Condition[] = [{ sql: 'true', values: [] }];
  if (group !== null) {
    const actions = AUDIT_GROUPS[group];
    parts.push({ sql: `action IN (${actions.map(() => '?').join(', ')})`, values: actions });
  }
  if (group === 'overrides') {
    const stated = ['overrides', 'findingOverrides'].map((field) => `coalesce(content ->> '$.${field}', 0)`);
    parts.push({ sql: `${stated.join(' + ')} > 0`, values: [] });
  }
  if (actor !== null) parts.push({ sql: 'actor = ?', values: [actor] });
  if (patientId !== null) parts.push(aboutPatient(patientKeyOf(db, patientId)));
  if (from !== null) parts.push({ sql: 'at >= ?', values: [startOfLocalDay(from)] });
  if (to !== null) parts.push({ sql: 'at < ?', values: [endOfLocalDay(to)] });
  return {
    sql: parts.map(({ sql }) => `(${sql})`).join(' AND '),
    values: parts.flatMap(({ values }) => values),
  };
}

/**
 * Entries about a patient, those merged into it, their visits, and what was recommended and decided there. The plus
 * takes the column's affinity away, without which the index on content is not used.
 */
function aboutPatient(key: number): Condition {
  const visits = 'SELECT key FROM visits WHERE patient = ?';
  return {
    sql: `sequence IN (
      SELECT sequence FROM audit_entries WHERE subject IN (
        SELECT id FROM patients WHERE key = ? OR merged_into = ?
        UNION ALL SELECT id FROM visits WHERE patient = ?
        UNION ALL SELECT id FROM decisions WHERE visit IN (${visits})
        UNION ALL SELECT id FROM recommendations WHERE visit IN (${visits}))
      UNION SELECT sequence FROM audit_entries WHERE content ->> '$.visit' IS NOT NULL
        AND content ->> '$.visit' IN (SELECT +id FROM visits WHERE patient = ?))`,
    values: Array<number>(6).fill(key),
  };
}

interface Named {
  readonly patient: string;
  readonly name: string;
  readonly visit: string | null;
  readonly date: string | null;
  readonly date_known: number | null;
}

const VISIT_NAMES = `SELECT p.id AS patient, p.name, v.id AS visit, v.date, v.date_known
  FROM visits v JOIN patients p ON p.key = v.patient WHERE v.`;

function viewOf(db: ReadableDb, row: AuditRow): AuditEntryView {
  const named = namesOf(db, row);
  return {
    sequence: row.sequence,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    content: row.content,
    previousHash: row.previous_hash,
    hash: row.hash,
    patient: named ? { id: asId<PatientId>(named.patient), name: named.name } : null,
    visit:
      typeof named?.visit === 'string'
        ? { id: asId<VisitId>(named.visit), date: named.date ?? '', dateKnown: named.date_known === 1 }
        : null,
  };
}

/** A patient who was merged into another one goes by the name of that one: their visits stand there. */
function namesOf(db: ReadableDb, { action, subject, content }: AuditRow): Named | undefined {
  const [kind] = action.split('.');
  const about = fieldsOf(content);
  const visit = kind === 'visit' || kind === 'graph' ? subject : about.visit;
  if (typeof visit === 'string') {
    const found = db.get<Named>(`${VISIT_NAMES}id = ?`, visit);
    if (found) return found;
  }
  if (kind === 'decision') {
    const found = db.get<Named>(`${VISIT_NAMES}key = (SELECT visit FROM decisions WHERE id = ?)`, subject);
    if (found) return found;
  }
  const patient = kind === 'patient' ? subject : about.patient;
  if (typeof patient !== 'string') return undefined;
  return db.get<Named>(
    `SELECT p.id AS patient, p.name, NULL AS visit, NULL AS date, NULL AS date_known
     FROM patients s JOIN patients p ON p.key = coalesce(s.merged_into, s.key) WHERE s.id = ?`,
    patient,
  );
}

/** Content that was made unreadable behind Flame's back names nothing. */
function fieldsOf(content: string): { readonly visit?: unknown; readonly patient?: unknown } {
  try {
    return JSON.parse(content) as object;
  } catch {
    return {};
  }
}
