/** Lets the user pick a file to import and turns it into a grant, so that no path ever reaches the page. */

import { app, dialog, ipcMain, type BrowserWindow, type OpenDialogOptions } from 'electron';
import { randomUUID } from 'node:crypto';
import type { BridgeReply, PickedFile } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import type { EngineHost } from './engine-host.ts';
import { isOwnPage } from './security.ts';

const DIALOG: OpenDialogOptions = {
  title: 'Import visits',
  buttonLabel: 'Import',
  properties: ['openFile', 'dontAddToRecent'],
  filters: [
    { name: 'Visits (JSON lines)', extensions: ['jsonl', 'ndjson', 'gz'] },
    { name: 'All files', extensions: ['*'] },
  ],
};

export function serveImportDialog(host: EngineHost, window: BrowserWindow): void {
  ipcMain.handle(CHANNELS.pickImportFile, async (event): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.pickImportFile });
      const path = await pickPath(window);
      return { ok: true, value: path === null ? null : await grantFile(host, path) };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}

async function pickPath(window: BrowserWindow): Promise<string | null> {
  // A native dialog cannot be driven by a test.
  const preset = process.env['FLAME_E2E_IMPORT_FILE'];
  if (!app.isPackaged && preset) return preset;
  const { canceled, filePaths } = await dialog.showOpenDialog(window, DIALOG);
  return canceled ? null : (filePaths[0] ?? null);
}

async function grantFile(host: EngineHost, path: string): Promise<PickedFile> {
  const grant = randomUUID();
  const { name } = await host.shell.call('files.grant', { grant, path });
  return { grant, name };
}
