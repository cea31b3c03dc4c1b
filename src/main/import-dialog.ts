/** Lets the user pick a file to import and turns it into a grant, so that no path ever reaches the page. */

import { app, dialog, ipcMain, type BrowserWindow, type OpenDialogOptions } from 'electron';
import { randomUUID } from 'node:crypto';
import { READ_KINDS, type BridgeReply, type PickedFile, type ReadKind } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import type { EngineHost } from './engine-host.ts';
import { nativeWords } from './native-words.ts';
import { isOwnPage } from './security.ts';

/** What is picked as a whole folder. */
type FolderKind = 'import-folder' | 'adapter' | 'backup-folder' | 'restore-folder';
/** Folders that Flame writes into. */
const WRITTEN: readonly ReadKind[] = ['backup-folder', 'restore-folder'];
const FOLDERS: readonly ReadKind[] = ['import-folder', 'adapter', ...WRITTEN];

const EXTENSIONS: Readonly<Record<Exclude<ReadKind, FolderKind>, string[]>> = {
  visits: ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'gz'],
  mappings: ['csv', 'tsv', 'txt'],
  'site-table': ['csv', 'tsv', 'txt'],
  model: ['zip'],
  backup: ['flamebackup'],
};

function isFolder(kind: ReadKind): kind is FolderKind {
  return FOLDERS.includes(kind);
}

function dialogFor(kind: ReadKind): OpenDialogOptions {
  const { read, allFiles } = nativeWords();
  const { title, button, files } = read[kind];
  if (isFolder(kind))
    return {
      title,
      buttonLabel: button,
      properties: [
        'openDirectory',
        'dontAddToRecent',
        ...(WRITTEN.includes(kind) ? (['createDirectory', 'promptToCreate'] as const) : []),
      ],
    };
  return {
    title,
    buttonLabel: button,
    properties: ['openFile', 'dontAddToRecent'],
    filters: [
      { name: files, extensions: EXTENSIONS[kind] },
      { name: allFiles, extensions: ['*'] },
    ],
  };
}

/** The file that a test picks: a native dialog cannot be driven by one. */
const PRESETS: Readonly<Record<ReadKind, string>> = {
  visits: 'FLAME_E2E_IMPORT_FILE',
  'import-folder': 'FLAME_E2E_IMPORT_FOLDER',
  mappings: 'FLAME_E2E_MAPPINGS',
  'site-table': 'FLAME_E2E_SITE_TABLE',
  model: 'FLAME_E2E_MODEL',
  adapter: 'FLAME_E2E_ADAPTER',
  backup: 'FLAME_E2E_BACKUP',
  'backup-folder': 'FLAME_E2E_BACKUP_FOLDER',
  'restore-folder': 'FLAME_E2E_RESTORE_FOLDER',
};

export function serveImportDialog(host: EngineHost, window: BrowserWindow): void {
  ipcMain.handle(CHANNELS.pickImportFile, async (event, wished: unknown): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.pickImportFile });
      const kind = READ_KINDS.find((one) => one === wished);
      if (kind === undefined)
        throw new FlameError('INVALID_INPUT', { problem: 'the file to read is not described' });
      const path = await pickPath(window, kind);
      return { ok: true, value: path === null ? null : await grantFile(host, path, WRITTEN.includes(kind)) };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}

/** Turns what was dropped on the page into a grant. The path comes from the preload script, which asked Chromium for it. */
export function serveDropped(host: EngineHost): void {
  ipcMain.handle(CHANNELS.takeDropped, async (event, path: unknown): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.takeDropped });
      if (typeof path !== 'string' || path === '')
        throw new FlameError('INVALID_INPUT', { problem: 'what was dropped is no file' });
      return { ok: true, value: await grantFile(host, path) };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}

async function pickPath(window: BrowserWindow, kind: ReadKind): Promise<string | null> {
  const preset = process.env[PRESETS[kind]];
  if (!app.isPackaged && preset) return preset;
  const { canceled, filePaths } = await dialog.showOpenDialog(window, dialogFor(kind));
  return canceled ? null : (filePaths[0] ?? null);
}

async function grantFile(host: EngineHost, path: string, toWrite = false): Promise<PickedFile> {
  const grant = randomUUID();
  const { name } = await host.shell.call('files.grant', {
    grant,
    path,
    purpose: toWrite ? 'write' : 'read',
  });
  return { grant, name };
}
