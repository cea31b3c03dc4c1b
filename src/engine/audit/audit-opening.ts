/** Writes down that a database was opened, what was tried before, and whether the end of its audit log is still there. */

import type { Profile } from '../profile.ts';
import { actorName } from '../access/actor.ts';
import { checkHead } from './audit-head.ts';
import { noteInterruptedRuns } from '../imports/import-audit.ts';
import { appendAudit, lastAudit, type AuditEvent } from '../store/audit.ts';
import { sequencesOf } from '../store/audit-log.ts';

export interface Opening {
  /** `store.unlocked` when a passphrase was needed. */
  readonly action: 'app.opened' | 'store.unlocked';
  readonly appVersion: string;
  readonly refused: readonly RefusedTry[];
}

/** A wrong passphrase while the database was closed. */
export interface RefusedTry {
  /** ISO time. */
  readonly at: string;
  /** Whose it should have been, as it was given. */
  readonly account?: string;
}

export function noteOpening(profile: Profile, { action, appVersion, refused }: Opening): void {
  const { db, byKeyStore = false } = profile;
  const append = (event: Pick<AuditEvent, 'action' | 'content'>): void =>
    appendAudit(db, { actor: actorName(), subject: 'profile', ...event });
  db.transaction(() => {
    const { state, entries } = checkHead(profile);
    // A new log, or one from before there were head files, has none to be compared with.
    const first = ['app.opened', 'store.unlocked'].every((one) => sequencesOf(db, one).length === 0);
    if (state !== 'matches' && !(state === 'missing' && first)) {
      const found = lastAudit(db)?.sequence ?? 0;
      append({ action: 'audit.head-mismatch', content: { state, expected: entries, found } });
    }
    for (const content of refused) append({ action: 'store.unlock-failed', content: { ...content } });
    append({ action, content: { app: appVersion, ...(byKeyStore ? { by: 'key-store' } : {}) } });
    noteInterruptedRuns(db, actorName());
  });
}
