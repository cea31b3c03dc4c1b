/** Where a clone keeps what the commands need, and how a command is cancelled. Opens only what it is asked for. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadKnowledge, type Knowledge } from '../knowledge/knowledge.ts';

const root = resolve(import.meta.dirname, '../..');

/** FLAME_RESOURCES and FLAME_MODELS name other folders, for tests and packaged installations. */
export const PATHS = {
  root,
  resources: resolve(process.env['FLAME_RESOURCES'] ?? join(root, 'resources')),
  models: resolve(process.env['FLAME_MODELS'] ?? join(root, 'models')),
  corpus: join(root, 'data/visits/namcs-1995-2009.jsonl.gz'),
  checkpoints: join(root, '.cache/train'),
} as const;

/** @throws FlameError KNOWLEDGE_CORRUPT */
export function openKnowledge(): Knowledge {
  return loadKnowledge(join(PATHS.resources, 'knowledge'));
}

/** The app's own profile folder: where Electron keeps the data of an application called Flame. */
export function defaultProfile(): string {
  const named = process.env['FLAME_PROFILE'];
  if (named !== undefined && named !== '') return resolve(named);
  switch (process.platform) {
    case 'win32':
      return join(process.env['APPDATA'] ?? join(homedir(), 'AppData/Roaming'), 'Flame');
    case 'darwin':
      return join(homedir(), 'Library/Application Support/Flame');
    default:
      return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'Flame');
  }
}

/** Aborts at the first Ctrl-C, so that what was finished is kept; the second one ends the process. */
export function interruptible(): AbortSignal {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  return abort.signal;
}
