/**
 * Tells the engine how long nobody touched the computer and when it sleeps, and tells the page when the engine locked.
 * Decides nothing: after how many minutes Flame locks is the engine's to know.
 */

import { powerMonitor, type BrowserWindow } from 'electron';
import { CHANNELS } from '../shared/channels.ts';
import type { EngineHost } from './engine-host.ts';

/** Linux has no event for its lock screen, so idle time is asked for. */
const ASK_EVERY_MS = 5_000;

export function serveAutoLock(host: EngineHost, window: BrowserWindow): void {
  const tell = (told: Promise<{ locked: boolean }>): void => {
    told.then(
      ({ locked }) => {
        if (locked && !window.isDestroyed()) window.webContents.send(CHANNELS.locked);
      },
      () => undefined, // No engine: nothing is open either.
    );
  };
  const away = (): void => tell(host.shell.call('session.away', {}));
  const timer = setInterval(
    () => tell(host.shell.call('session.idle', { seconds: powerMonitor.getSystemIdleTime() })),
    ASK_EVERY_MS,
  );
  powerMonitor.on('suspend', away);
  powerMonitor.on('lock-screen', away);
  powerMonitor.on('user-did-resign-active', away);
  window.once('closed', () => clearInterval(timer));
}
