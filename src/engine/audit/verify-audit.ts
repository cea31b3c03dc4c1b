/** Checks the whole audit log of an open profile: chain, head file, saved decisions. Writes nothing. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditVerification } from '../../shared/audit.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DecisionId } from '../../shared/ids.ts';
import { checkHead } from './audit-head.ts';
import type { Profile } from '../profile.ts';
import { chainSteps, lastAudit } from '../store/audit.ts';
import { sequencesOf } from '../store/audit-log.ts';
import { changedDecisionPages } from '../store/decisions.ts';

export interface VerifyOptions {
  readonly onProgress?: (progress: { checked: number; total: number }) => void;
  readonly signal?: AbortSignal;
}

/** @throws FlameError CANCELLED */
export async function verifyStore(
  profile: Pick<Profile, 'folder' | 'db' | 'key'>,
  { onProgress, signal }: VerifyOptions = {},
): Promise<AuditVerification> {
  const { db } = profile;
  const total = lastAudit(db)?.sequence ?? 0;
  const pause = async (): Promise<void> => {
    await nextTurn(); // Other calls are answered meanwhile.
    if (signal?.aborted) throw new FlameError('CANCELLED');
  };
  const steps = chainSteps(db);
  while (true) {
    const { done, value } = steps.next();
    if (done) {
      const changed: DecisionId[] = [];
      for (const page of changedDecisionPages(db)) {
        changed.push(...page);
        await pause();
      }
      return {
        ...value,
        head: checkHead(profile).state,
        mismatches: sequencesOf(db, 'audit.head-mismatch'),
        changedDecisions: changed,
      };
    }
    onProgress?.({ checked: value, total });
    await pause();
  }
}
