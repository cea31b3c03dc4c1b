/** Keeps the settings of the on-site service and the feedback on its cards. Knows no token, only its hash. */

import { HOOKS_PORT, type HooksState } from '../../shared/hooks-api.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

export interface HookSettings {
  readonly enabled: boolean;
  readonly port: number;
  readonly tokenHash: Buffer | null;
}

export function hookSettings(db: ReadableDb): HookSettings {
  const row = db.get<{ enabled: number; port: number; token_sha256: Buffer | null }>(
    'SELECT enabled, port, token_sha256 FROM hook_settings',
  );
  if (!row) return { enabled: false, port: HOOKS_PORT, tokenHash: null };
  return { enabled: row.enabled === 1, port: row.port, tokenHash: row.token_sha256 };
}

export function saveHookSettings(db: WritableDb, { enabled, port, tokenHash }: HookSettings): void {
  db.run(
    `INSERT INTO hook_settings (key, enabled, port, token_sha256) VALUES (1, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET enabled = excluded.enabled, port = excluded.port,
       token_sha256 = excluded.token_sha256`,
    enabled ? 1 : 0,
    port,
    tokenHash,
  );
}

export interface HookFeedback {
  readonly service: string;
  readonly card: string;
  readonly outcome: 'accepted' | 'overridden';
  readonly reason: string | null;
  readonly comment: string;
}

export function insertFeedback(db: WritableDb, given: HookFeedback, at: string): void {
  const { service, card, outcome, reason, comment } = given;
  db.run(
    'INSERT INTO hook_feedback (at, service, card, outcome, reason, comment) VALUES (?, ?, ?, ?, ?, ?)',
    at,
    service,
    card,
    outcome,
    reason,
    comment,
  );
}

export function countFeedback(db: ReadableDb): HooksState['feedback'] {
  const counted = db.get<{ accepted: number; overridden: number }>(
    `SELECT count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
       count(*) FILTER (WHERE outcome = 'overridden') AS overridden FROM hook_feedback`,
  )!;
  const { answered } = db.get<{ answered: number }>(
    "SELECT count(*) AS answered FROM audit_entries WHERE action = 'hooks.answered'",
  )!;
  return { ...counted, answered };
}
