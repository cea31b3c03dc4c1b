/**
 * The audit log: entries are added at the end and never changed (triggers refuse it); each carries the hash of the
 * one before, so that a change made with other tools is found. That the last entries were cut off is for
 * audit-head.ts to tell; filters and names are audit-log.ts's.
 */

import { hash } from 'node:crypto';
import { z } from 'zod';
import type { ReadableDb, WritableDb } from './handle.ts';

/** What is written down. Content is data for a later reader, not for display. */
export interface AuditEvent {
  /** Who did it; without accounts, the user of the computer. */
  readonly actor: string;
  readonly action:
    | 'decision.saved'
    | 'decision.printed'
    | 'decision.exported'
    | 'recommendation.made'
    | 'patient.viewed'
    | 'visit.viewed'
    | 'patient.created'
    | 'patient.changed'
    | 'patient.archived'
    | 'patient.restored'
    | 'patient.merged'
    | 'visit.created'
    | 'visit.changed'
    | 'visits.import-started'
    | 'visits.imported'
    | 'visits.import-interrupted'
    | 'mapping.changed'
    | 'mapping.removed'
    | 'mapping.exported'
    | 'graph.exported'
    | 'demo.load-started'
    | 'demo.loaded'
    | 'passphrase.changed'
    | 'draft.discarded'
    | 'app.opened'
    | 'store.unlocked'
    | 'store.unlock-failed'
    | 'audit.viewed'
    | 'audit.exported'
    | 'audit.head-mismatch'
    | 'access.refused'
    | 'accounts.set-up'
    | 'account.added'
    | 'account.changed'
    | 'account.removed'
    | 'account.unlocked'
    | 'account.passphrase-reset'
    | 'account.passphrase-changed'
    | 'account.recovered'
    | 'account.code-made'
    | 'account.lock-after'
    | 'account.signed-in'
    | 'account.sign-in-failed'
    | 'session.locked'
    | 'emergency.started'
    | 'emergency.ended'
    | 'store.rekey-started'
    | 'store.rekeyed'
    | 'key-store.switched-on'
    | 'key-store.switched-off'
    | 'store.restored'
    | 'backup.made'
    | 'backup.failed'
    | 'backup.removed'
    | 'backup.settings-changed'
    | 'backup.verified'
    | 'backup.verify-failed'
    | 'backup.opened'
    | 'backup.open-failed'
    | 'backup.restored'
    | 'backup.restore-failed'
    | 'model.used'
    | 'model.rolled-back'
    | 'model.imported'
    | 'model.exported'
    | 'model.removed'
    | 'device.chosen'
    | 'records.exported'
    | 'records.export-failed'
    | 'file.draft-removed'
    | 'hooks.answered'
    | 'hooks.feedback'
    | 'hooks.set'
    | 'hooks.token-made'
    | 'site-table.imported'
    | 'site-table.removed'
    | 'finetune.started'
    | 'finetune.evaluated'
    | 'finetune.promoted'
    | 'finetune.rejected'
    | 'finetune.cancelled'
    | 'finetune.failed'
    | 'finetune.exported';
  /** Identifier of what it was done to. */
  readonly subject: string;
  readonly content: Readonly<Record<string, unknown>>;
}

export interface AuditEntry extends AuditEvent {
  readonly sequence: number;
  /** ISO time. */
  readonly at: string;
  readonly hash: string;
}

/** A row as stored. */
export interface AuditRow {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: AuditEvent['action'];
  readonly subject: string;
  readonly content: string;
  readonly previous_hash: string;
  readonly hash: string;
}

const Content = z.record(z.string(), z.unknown());
/** The hash before the first entry. */
const START = '0'.repeat(64);
const PAGE = 1000;

/**
 * Adds an entry. Call it inside the transaction that makes the change it tells of. Half a surrogate pair becomes U+FFFD before
 * the hash is taken, as SQLite would make it: the entry must hash the same when it is read back.
 */
export function appendAudit(db: WritableDb, event: AuditEvent, at: string = new Date().toISOString()): void {
  db.transaction(() => {
    const last = lastAudit(db);
    const row = {
      sequence: (last?.sequence ?? 0) + 1,
      at,
      actor: event.actor.toWellFormed(),
      action: event.action,
      subject: event.subject.toWellFormed(),
      content: JSON.stringify(event.content),
      previous_hash: last?.hash ?? START,
    };
    db.run(
      `INSERT INTO audit_entries (sequence, at, actor, action, subject, content, previous_hash, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      row.sequence,
      row.at,
      row.actor,
      row.action,
      row.subject,
      row.content,
      row.previous_hash,
      hashOf(row),
    );
  });
}

/** The entries about one subject, or all of them, oldest first. */
export function listAudit(db: ReadableDb, subject?: string): AuditEntry[] {
  const select = 'SELECT * FROM audit_entries';
  const rows =
    subject === undefined
      ? db.all<AuditRow>(`${select} ORDER BY sequence`)
      : db.all<AuditRow>(`${select} WHERE subject = ? ORDER BY sequence`, subject);
  return rows.map(entryOf);
}

/** The entries with one action, oldest first. */
export function auditOf(db: ReadableDb, action: AuditEvent['action']): AuditEntry[] {
  const sql = 'SELECT * FROM audit_entries WHERE action = ? ORDER BY sequence';
  return db.all<AuditRow>(sql, action).map(entryOf);
}

function entryOf({ sequence, at, actor, action, subject, content, hash }: AuditRow): AuditEntry {
  return { sequence, at, actor, action, subject, content: Content.parse(JSON.parse(content)), hash };
}

/** What recomputing the chain found. `broken` names the first entry that does not follow from the one before. */
export interface ChainReport {
  readonly entries: number;
  readonly broken: number | null;
}

export function verifyAudit(db: ReadableDb): ChainReport {
  const steps = chainSteps(db);
  while (true) {
    const { done, value } = steps.next();
    if (done) return { entries: value.entries, broken: value.broken };
  }
}

/** Recomputes the chain page by page. Yields how many entries were found sound so far; returns the last sound hash too. */
export function* chainSteps(
  db: ReadableDb,
): Generator<number, ChainReport & { readonly lastHash: string | null }> {
  let previous = START;
  let sequence = 0;
  const report = (broken: number | null) => ({
    entries: sequence,
    broken,
    lastHash: sequence === 0 ? null : previous,
  });
  while (true) {
    const rows = db.all<AuditRow>(
      'SELECT * FROM audit_entries WHERE sequence > ? ORDER BY sequence LIMIT ?',
      sequence,
      PAGE,
    );
    for (const row of rows) {
      const next = sequence + 1;
      if (row.sequence !== next || row.previous_hash !== previous || row.hash !== hashOf(row)) {
        return report(next);
      }
      sequence = next;
      previous = row.hash;
    }
    if (rows.length < PAGE) return report(null);
    yield sequence;
  }
}

/** The newest entry's number and hash; null in an empty log. */
export function lastAudit(db: ReadableDb): { readonly sequence: number; readonly hash: string } | null {
  return db.get('SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1') ?? null;
}

function hashOf(row: Omit<AuditRow, 'hash'>): string {
  const { previous_hash, sequence, at, actor, action, subject, content } = row;
  const text = JSON.stringify([previous_hash, sequence, at, actor, action, subject, content]);
  return hash('sha256', text);
}
