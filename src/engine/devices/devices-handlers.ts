/** The handlers of devices: what was found, test again, choose. A change of the device opens the model there anew. */

import type { EngineApi } from '../../shared/contract.ts';
import type { DevicesApi } from '../../shared/devices-api.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import type { Workspace } from '../workspace.ts';

export function devicesHandlers(
  workspace: Workspace,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof DevicesApi> {
  const { devices } = workspace;
  const audit = (what: string): void =>
    appendAudit(workspace.db, {
      actor: actor(),
      action: 'device.chosen',
      subject: devices.state().inUse,
      content: { what, choice: devices.state().choice, reason: devices.state().reason },
    });

  return {
    'devices.list': (params) => {
      parseParameters('devices.list', params);
      return devices.state();
    },

    'devices.test': async (params, { progress, signal }) => {
      parseParameters('devices.test', params);
      await workspace.changeDevice(() => devices.test(progress, signal));
      audit('tested');
      return devices.state();
    },

    'devices.choose': async (params) => {
      const { choice } = parseParameters('devices.choose', params);
      await workspace.changeDevice(() => devices.choose(choice));
      audit('chosen');
      return devices.state();
    },
  };
}
