/** Writes a picture of the graph that the renderer drew to the place that the user picked, and audits it. Draws nothing. */

import type { EngineApi } from '../../shared/contract.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import type { Workspace } from '../workspace.ts';
import { draftBook } from '../unfinished-files.ts';
import { writeWhole } from '../write-whole.ts';

export function graphHandlers(
  workspace: Workspace,
  grants: Grants,
  actor: () => string,
): Pick<Handlers<EngineApi>, 'graph.export'> {
  return {
    'graph.export': async (params) => {
      const { visitId, grant, kind, bytes } = parseParameters('graph.export', params);
      const file = grants.path(grant, 'write');
      // Written down before it is written: a file may be missing that the log names, never the other way round.
      appendAudit(workspace.db, {
        actor: actor(),
        action: 'graph.exported',
        subject: visitId,
        content: { kind },
      });
      await writeWhole(file, [bytes], { book: draftBook(workspace.db) });
      grants.used(grant);
      return {};
    },
  };
}
