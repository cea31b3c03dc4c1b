/**
 * Restoring a backup while the visit database does not open: the calls for it, and the file that leads from the damaged profile
 * to the one that took its place. Types, names and one reader; touches no file.
 */

import type {
  BackupOpeners,
  BackupPreview,
  BackupProgress,
  BackupSecret,
  BackupSource,
  RestoredBackup,
} from './backup-api.ts';
import type { Method, WireErrorData } from './contract.ts';
import type { ErrorCode } from './errors.ts';

/** Failures of the visit database that a backup helps against. */
const DAMAGED: ReadonlySet<string> = new Set<ErrorCode>(['STORE_CORRUPT', 'STORE_KEY_WRONG']);

export function isDamage({ code }: Pick<WireErrorData, 'code'>): boolean {
  return DAMAGED.has(code);
}

/** A backup in the folder that was chosen while the database was whole. Only its file is known: the rest is encrypted. */
export interface RescueBackup {
  readonly name: string;
  /** ISO time, by the file's name. */
  readonly at: string;
  /** Bytes. */
  readonly size: number;
}

export interface RescueState {
  /** Newest first; none where no folder was chosen. */
  readonly backups: readonly RescueBackup[];
  /** Why the folder cannot be read; null when it can, or none was chosen. */
  readonly folderProblem: WireErrorData | null;
}

/**
 * All refuse with NOT_FOUND unless the database is damaged. Whoever has a secret of the day of a backup may restore it: the roles
 * stand in the database that does not open, and what is restored opens with the secrets of that day alone.
 */
export interface RescueApi {
  'rescue.backups': Method<Record<string, never>, RescueState>;
  'rescue.openers': Method<{ source: BackupSource }, BackupOpeners>;
  /** Wrong secrets are counted and slowed down as at signing in. */
  'rescue.preview': Method<{ source: BackupSource; secret: BackupSecret }, BackupPreview>;
  'rescue.restore': Method<
    { source: BackupSource; secret: BackupSecret; grant: string },
    RestoredBackup,
    BackupProgress
  >;
}

export const RESCUE_METHODS = {
  'rescue.backups': true,
  'rescue.openers': true,
  'rescue.preview': true,
  'rescue.restore': true,
} as const satisfies Record<keyof RescueApi, true>;

export interface RescueShellApi {
  /** Leads every later start to the folder that was restored last. @throws NOT_FOUND when none was */
  'rescue.adopt': Method<Record<string, never>, Record<string, never>>;
}

export const RESCUE_SHELL_METHODS = { 'rescue.adopt': true } as const satisfies Record<
  keyof RescueShellApi,
  true
>;

/** Lies in a profile folder whose place another one took. Removing it leads back. */
export const MOVED_FILE = 'moved-to.json';

/** The folder that such a file names; null for any other text. */
export function readMoved(text: string): string | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('folder' in parsed)) return null;
    return typeof parsed.folder === 'string' && parsed.folder !== '' ? parsed.folder : null;
  } catch {
    return null;
  }
}

/** How a process with files reads what a folder holds. */
export interface ProfileFolders {
  /** The text of MOVED_FILE. @throws where there is none */
  readonly readMoved: (folder: string) => string;
  readonly holdsDatabase: (folder: string) => boolean;
}

/** Where a folder leads, when what it leads to is there: its disk may be away. */
export function movedTo(folder: string, folders: ProfileFolders): string | null {
  try {
    const next = readMoved(folders.readMoved(folder));
    return next !== null && folders.holdsDatabase(next) ? next : null;
  } catch {
    return null; // It stayed where it was.
  }
}

/**
 * The profile that took the place of `profile`, over several turns where it has to be.
 * @param nextOf the folder that a folder leads to and that is there; null where it leads nowhere
 */
export function followMoved(profile: string, nextOf: (folder: string) => string | null): string {
  const seen = new Set([profile]);
  let folder = profile;
  for (let next = nextOf(folder); next !== null && !seen.has(next); next = nextOf(folder)) {
    seen.add(next);
    folder = next;
  }
  return folder;
}
