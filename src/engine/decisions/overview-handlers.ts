/** The handlers of the start page and of the overview: what waits today, and what was decided at this site. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EngineApi } from '../../shared/contract.ts';
import { localDate } from '../../shared/local-date.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { countDecisionFigures } from '../store/decision-figures.ts';
import { readOverview } from '../store/overview.ts';
import { readWorklist } from '../store/worklist.ts';
import { titlesOf } from '../editing/visit-detail.ts';
import type { Workspace } from '../workspace.ts';

type OverviewMethod = 'worklist.get' | 'overview.get';

export function overviewHandlers(
  workspace: Workspace,
  actor: () => string,
): Pick<Handlers<EngineApi>, OverviewMethod> {
  return {
    'worklist.get': (params) => {
      parseParameters('worklist.get', params);
      const titles = titlesOf(workspace.knowledgeOrNull);
      return readWorklist(workspace.db, titles, { date: localDate(new Date()), actor: actor() });
    },

    'overview.get': async (params) => {
      const query = parseParameters('overview.get', params);
      // After an update every decision is counted once; other calls are answered meanwhile.
      for (const _left of countDecisionFigures(workspace.db)) await nextTurn();
      return readOverview(workspace.db, query);
    },
  };
}
