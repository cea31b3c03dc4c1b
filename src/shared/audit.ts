/** The audit log as it is shown, filtered, verified and exported. Types and the groups of actions; no wording. */

import type { DecisionId, PatientId, VisitId } from './ids.ts';

/** What an auditor asks for, each by the actions that answer it. An action of no group is found without a filter. */
export const AUDIT_GROUPS = {
  views: ['patient.viewed', 'visit.viewed'],
  recommendations: ['recommendation.made'],
  decisions: ['decision.saved'],
  /** Decisions that kept something against a warning. */
  overrides: ['decision.saved'],
  changes: [
    'patient.created',
    'patient.changed',
    'patient.archived',
    'patient.restored',
    'patient.merged',
    'visit.created',
    'visit.changed',
    'draft.discarded',
    'visits.import-started',
    'visits.imported',
    'visits.import-interrupted',
    'mapping.changed',
    'mapping.removed',
    'demo.load-started',
    'demo.loaded',
    'site-table.imported',
    'site-table.removed',
  ],
  models: [
    'model.used',
    'model.rolled-back',
    'model.imported',
    'model.exported',
    'model.removed',
    'device.chosen',
    'finetune.started',
    'finetune.evaluated',
    'finetune.promoted',
    'finetune.rejected',
    'finetune.cancelled',
    'finetune.failed',
    'finetune.exported',
  ],
  hooks: ['hooks.answered', 'hooks.feedback', 'hooks.set', 'hooks.token-made'],
  exports: [
    'records.exported',
    'records.export-failed',
    'file.draft-removed',
    'decision.printed',
    'decision.exported',
    'graph.exported',
    'audit.exported',
    'mapping.exported',
  ],
  access: [
    'app.opened',
    'store.unlocked',
    'store.unlock-failed',
    'passphrase.changed',
    'audit.viewed',
    'audit.head-mismatch',
    'account.signed-in',
    'account.sign-in-failed',
    'session.locked',
    'access.refused',
    'emergency.started',
    'emergency.ended',
  ],
  /** Somebody without an account was let in. */
  emergencies: ['emergency.started', 'emergency.ended'],
  accounts: [
    'accounts.set-up',
    'account.added',
    'account.changed',
    'account.removed',
    'account.unlocked',
    'account.passphrase-reset',
    'account.passphrase-changed',
    'account.recovered',
    'account.code-made',
    'account.lock-after',
    'passphrase.changed',
    'key-store.switched-on',
    'key-store.switched-off',
    'store.rekey-started',
    'store.rekeyed',
    'store.restored',
  ],
  backups: [
    'backup.made',
    'backup.failed',
    'backup.removed',
    'backup.settings-changed',
    'backup.verified',
    'backup.verify-failed',
    'backup.opened',
    'backup.open-failed',
    'backup.restored',
    'backup.restore-failed',
    'store.restored',
  ],
} as const;
export type AuditGroup = keyof typeof AUDIT_GROUPS;

/** Every part that is set must hold; null asks for nothing. */
export interface AuditFilter {
  readonly group: AuditGroup | null;
  readonly actor: string | null;
  readonly patientId: PatientId | null;
  /** Local dates, both included. */
  readonly from: string | null;
  readonly to: string | null;
}

export const NO_AUDIT_FILTER: AuditFilter = {
  group: null,
  actor: null,
  patientId: null,
  from: null,
  to: null,
};

/** One entry as stored, with the names of what it is about where that is still stored. */
export interface AuditEntryView {
  readonly sequence: number;
  /** ISO time. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  /** Identifier of what it was done to. */
  readonly subject: string;
  /** JSON as it was hashed, character by character. */
  readonly content: string;
  readonly previousHash: string;
  readonly hash: string;
  readonly patient: { readonly id: PatientId; readonly name: string } | null;
  readonly visit: { readonly id: VisitId; readonly date: string; readonly dateKnown: boolean } | null;
}

export interface AuditPage {
  /** Entries that pass the filter, on all pages. */
  readonly total: number;
  /** Newest first. */
  readonly entries: readonly AuditEntryView[];
}

/**
 * What the head file beside the database says of the log: it names the last entry that Flame had written. `cut`: that
 * entry is gone or another one. `missing` and `damaged`: the file cannot tell.
 */
export type AuditHeadState = 'matches' | 'cut' | 'missing' | 'damaged';

export interface AuditVerification {
  /** Entries that follow from one another, from the first on. */
  readonly entries: number;
  /** The first entry that does not follow from the one before; null when all do. */
  readonly broken: number | null;
  /** Hash of the last entry that follows: with `entries` it is what to note down and to compare later. */
  readonly lastHash: string | null;
  readonly head: AuditHeadState;
  /** Entries in which Flame wrote down at its start that the head file did not match. */
  readonly mismatches: readonly number[];
  /** Audited decisions that are gone or differ from what was saved. */
  readonly changedDecisions: readonly DecisionId[];
}

/** True when nothing speaks against the log. */
export function isSound({ broken, head, mismatches, changedDecisions }: AuditVerification): boolean {
  return broken === null && head === 'matches' && mismatches.length === 0 && changedDecisions.length === 0;
}
