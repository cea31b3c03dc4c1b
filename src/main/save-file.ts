/**
 * Lets the user pick where a file is saved, and grants the place to the engine, which writes it. No path ever reaches the
 * page, and the page cannot choose one.
 */

import { app, dialog, ipcMain, type BrowserWindow } from 'electron';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SAVED_KINDS, type BridgeReply, type PickedFile, type SavedKind } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import type { EngineHost } from './engine-host.ts';
import { nativeWords } from './native-words.ts';
import { isOwnPage } from './security.ts';

/** Answers the page's wish to save a file that the engine writes: the reply holds a grant, or null without a choice. */
export function serveSaveDialog(host: EngineHost, window: BrowserWindow): void {
  ipcMain.handle(CHANNELS.pickSaveFile, async (event, wish: unknown): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.pickSaveFile });
      const { kind, name } = readWish(wish);
      const path = await pickSavePath(window, kind, name);
      return { ok: true, value: path === null ? null : await grantFile(host, path) };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}

/**
 * Asks the user for a place; null when the dialog is closed without a choice.
 * @param name what the dialog suggests; only its last part counts
 */
export async function pickSavePath(
  window: BrowserWindow,
  kind: SavedKind,
  name: string,
): Promise<string | null> {
  // A native dialog cannot be driven by a test.
  const preset = process.env['FLAME_E2E_SAVE_FILE'];
  if (!app.isPackaged && preset) return preset;
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    defaultPath: join(app.getPath('documents'), plainName(name)),
    filters: [{ name: nativeWords().save[kind], extensions: [kind] }],
    properties: ['createDirectory', 'showOverwriteConfirmation', 'dontAddToRecent'],
  });
  return canceled || filePath === '' ? null : filePath;
}

async function grantFile(host: EngineHost, path: string): Promise<PickedFile> {
  const grant = randomUUID();
  const { name } = await host.shell.call('files.grant', { grant, path, purpose: 'write' });
  return { grant, name };
}

function readWish(wish: unknown): { kind: SavedKind; name: string } {
  const { kind, name } = (wish ?? {}) as { kind?: unknown; name?: unknown };
  const known = SAVED_KINDS.find((one) => one === kind);
  if (known === undefined || typeof name !== 'string')
    throw new FlameError('INVALID_INPUT', { problem: 'the file to save is not described' });
  return { kind: known, name };
}

/** A file name without any folder, and without what file systems refuse. */
function plainName(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  const plain = name.replace(/[\u0000-\u001f<>:"/\\|?*]/g, ' ').trim();
  return plain === '' ? 'Flame' : plain.slice(0, 120);
}
