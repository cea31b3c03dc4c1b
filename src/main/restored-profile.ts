/** Starts Flame again with the profile that was restored beside a damaged one. Knows no folder: the engine leads there. */

import { app, ipcMain } from 'electron';
import type { BridgeReply } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import type { EngineHost } from './engine-host.ts';
import { isOwnPage } from './security.ts';

export function serveRestoredProfile(host: EngineHost): void {
  ipcMain.handle(CHANNELS.openRestored, async (event): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.openRestored });
      await host.shell.call('rescue.adopt', {});
      // A test starts it again by itself: it could not drive a process that it did not start.
      if (app.isPackaged || process.env['FLAME_E2E_RELAUNCH'] !== 'no') app.relaunch();
      setImmediate(() => app.quit());
      return { ok: true, value: null };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}
