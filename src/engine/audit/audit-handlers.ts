/** The handlers of the audit log: open, list, verify, export. Who opens or exports it is written down in it. */

import { basename } from 'node:path';
import type { EngineApi } from '../../shared/contract.ts';
import { exportAudit } from './audit-export.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit, lastAudit } from '../store/audit.ts';
import { auditActors, auditPage, auditPages } from '../store/audit-log.ts';
import { draftBook } from '../unfinished-files.ts';
import { verifyStore } from './verify-audit.ts';
import type { Workspace } from '../workspace.ts';

type AuditMethod = 'audit.open' | 'audit.list' | 'audit.verify' | 'audit.export';

export function auditHandlers(
  workspace: Workspace,
  actor: () => string,
  grants: Grants,
): Pick<Handlers<EngineApi>, AuditMethod> {
  return {
    'audit.open': (params) => {
      parseParameters('audit.open', params);
      const { db } = workspace;
      appendAudit(db, { actor: actor(), action: 'audit.viewed', subject: 'audit', content: {} });
      return { actors: auditActors(db) };
    },

    'audit.list': (params) => {
      const { filter, before, limit } = parseParameters('audit.list', params);
      return auditPage(workspace.db, filter, { before, limit });
    },

    'audit.verify': (params, { progress, signal }) => {
      parseParameters('audit.verify', params);
      return workspace.store.withProfile((profile) => verifyStore(profile, { onProgress: progress, signal }));
    },

    'audit.export': async (params, { progress, signal }) => {
      const { filter, format, grant } = parseParameters('audit.export', params);
      const { db } = workspace;
      const file = grants.path(grant, 'write');
      const { total } = auditPage(db, filter, { before: null, limit: 0 });
      const upTo = lastAudit(db)?.sequence ?? 0;
      // Written down before it is written: a file may be missing that the log names, never the other way round.
      appendAudit(db, {
        actor: actor(),
        action: 'audit.exported',
        subject: 'audit',
        content: { file: basename(file), format, entries: total, filter },
      });
      const options = { book: draftBook(db), onProgress: progress, signal };
      const entries = await exportAudit(file, format, auditPages(db, filter, upTo), options);
      grants.used(grant);
      return { entries };
    },
  };
}
