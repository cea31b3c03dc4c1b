/** The handlers of exports: how much there is, and the file. Parse, find the place behind the grant, write. */

import type { EngineApi } from '../../shared/contract.ts';
import type { ExportApi } from '../../shared/export-api.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import type { Workspace } from '../workspace.ts';
import { exportRecords } from './export-records.ts';
import { countRecords } from './read-records.ts';

export function exportHandlers(
  workspace: Workspace,
  grants: Grants,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof ExportApi> {
  return {
    'exports.count': (params) => countRecords(workspace.db, parseParameters('exports.count', params)),

    'exports.write': async (params, { progress, signal }) => {
      const { grant, ...wish } = parseParameters('exports.write', params);
      const { db, knowledge } = workspace;
      const path = grants.path(grant, 'write');
      const report = await exportRecords(path, wish, {
        db,
        knowledge,
        key: workspace.store.withProfile((profile) => profile.key),
        actor: actor(),
        signal,
        onProgress: progress,
      });
      grants.used(grant);
      return report;
    },
  };
}
