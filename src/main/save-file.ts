/**
 * Lets the user pick where a file is saved, and either writes bytes of the shell there or grants the place to the
 * engine. No path ever reaches the page, and the page cannot choose one.
 */

import { app, dialog, ipcMain, type BrowserWindow } from 'electron';
import { randomBytes, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SAVED_KINDS, type BridgeReply, type PickedFile, type SavedKind } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, problemWithoutPath, toWireError } from '../shared/errors.ts';
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

/**
 * Writes a whole file or none: a crash or a full disk leaves what was there before. The engine removes what a kill leaves
 * beside it.
 * @throws FlameError FILE_NOT_WRITABLE
 */
export async function writeWhole(host: EngineHost, path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.draft-${randomBytes(6).toString('hex')}`;
  await host.shell.call('files.draft', { draft, state: 'begun' });
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    const problem = problemWithoutPath(cause);
    throw new FlameError('FILE_NOT_WRITABLE', { file: basename(path), problem }, { cause });
  } finally {
    // An engine that is gone looks itself when it is back.
    await host.shell.call('files.draft', { draft, state: 'ended' }).catch(() => undefined);
  }
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
