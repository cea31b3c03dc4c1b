/** Where a clone keeps what the commands need, and how a command is cancelled. Opens only what it is asked for. */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadKnowledge, type Knowledge } from '../knowledge/knowledge.ts';
import { resolveSiteTable, withSiteTable } from '../knowledge/site-table.ts';
import { readSiteTableFile } from '../records/site-table-csv.ts';
import { followMoved, MOVED_FILE, movedTo, type ProfileFolders } from '../shared/rescue-api.ts';
import { counted } from './output.ts';

const root = resolve(import.meta.dirname, '../..');

/** Refused rows and unknown names of a site's table that are told one by one. */
const SHOWN_ROWS = 20;

/** FLAME_RESOURCES and FLAME_MODELS name other folders, for tests and packaged installations. */
export const PATHS = {
  root,
  resources: resolve(process.env['FLAME_RESOURCES'] ?? join(root, 'resources')),
  models: resolve(process.env['FLAME_MODELS'] ?? join(root, 'models')),
  corpus: join(root, 'data/visits/namcs-1995-2009.jsonl.gz'),
  checkpoints: join(root, '.cache/train'),
} as const;

/** The tables as shipped. @throws FlameError KNOWLEDGE_CORRUPT */
export function openKnowledge(): Knowledge {
  return loadKnowledge(join(PATHS.resources, 'knowledge'));
}

/**
 * The tables, with a site's own laid over them where one is named; what of it says nothing is told on the error stream.
 * @throws FlameError KNOWLEDGE_CORRUPT, and for the site's table FILE_NOT_READABLE and INVALID_INPUT
 */
export async function openKnowledgeWith(siteTable: string | undefined): Promise<Knowledge> {
  const shipped = openKnowledge();
  if (siteTable === undefined) return shipped;
  const { table, refused } = await readSiteTableFile(resolve(siteTable));
  const { unresolved, unresolvedRows } = resolveSiteTable(table.rows, shipped.drugs);
  const say = (text: string): void => void process.stderr.write(`flame: ${table.name}: ${text}\n`);
  for (const { line, problem } of refused.slice(0, SHOWN_ROWS)) say(`line ${line} refused: ${problem}`);
  if (refused.length > SHOWN_ROWS) say(`and ${refused.length - SHOWN_ROWS} more refused`);
  if (unresolvedRows > 0) {
    const names = [...unresolved.keys()].slice(0, SHOWN_ROWS).join(', ');
    say(`${counted(unresolvedRows, 'row')} with a name that no table knows: ${names}`);
  }
  return withSiteTable(shipped, table);
}

export const SITE_TABLE_OPTION = [
  '--site-table <file.csv>',
  'lay a site’s own interaction table over the shipped ones (docs/references/site-table.md)',
] as const;

/** Of the package that this command belongs to. */
export const APP_VERSION = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
).version;

/** The app's own profile folder, where Electron keeps the data of an application called Flame; or the one that took its place. */
export function defaultProfile(): string {
  const named = process.env['FLAME_PROFILE'];
  return followMoved(named !== undefined && named !== '' ? resolve(named) : ownProfile(), (folder) =>
    movedTo(folder, PROFILES),
  );
}

const PROFILES: ProfileFolders = {
  readMoved: (folder) => readFileSync(join(folder, MOVED_FILE), 'utf8'),
  holdsDatabase: (folder) => existsSync(join(folder, 'flame.db')),
};

function ownProfile(): string {
  switch (process.platform) {
    case 'win32':
      return join(process.env['APPDATA'] ?? join(homedir(), 'AppData/Roaming'), 'Flame');
    case 'darwin':
      return join(homedir(), 'Library/Application Support/Flame');
    default:
      return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'Flame');
  }
}

/** Aborts when the process is asked to end, so that what was finished is kept and nothing half is left; asked again, it ends. */
export function interruptible(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
  return abort.signal;
}
