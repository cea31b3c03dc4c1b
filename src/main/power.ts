/** Tells every engine process whether the computer runs on its battery, now and whenever that changes. */

import { powerMonitor } from 'electron';
import type { EngineHost } from './engine-host.ts';

export function tellPower(host: EngineHost): void {
  const tell = (onBattery: boolean): void => {
    // An engine that is not there yet is told when it is ready.
    host.shell.call('power.changed', { onBattery }).catch(() => undefined);
  };
  powerMonitor.on('on-battery', () => tell(true));
  powerMonitor.on('on-ac', () => tell(false));
  host.on('state', (state) => {
    if (state === 'ready') tell(powerMonitor.isOnBatteryPower());
  });
}
