/** Writes small files so that a crash leaves the old one or the new one, never a half. Decides nothing about content. */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { kill } from 'node:process';

/** Mode of everything that holds a key or a wrapped key. */
const PRIVATE = 0o600;

/** Replaces `file` by `content`, readable by its owner only. */
export function replaceFile(file: string, content: string): void {
  const draft = writeDraft(file, content);
  renameSync(draft, file);
  syncFolder(dirname(file));
}

/**
 * Creates `file` with `content`, readable by its owner only.
 * @returns false when the file was there already; it is then left as it is
 */
export function createFile(file: string, content: string): boolean {
  return publishFile(writeDraft(file, content), file);
}

/**
 * Gives a finished draft its name unless the name is taken.
 * @returns false when the name is taken; the draft is then removed
 */
export function publishFile(draft: string, file: string): boolean {
  let published = true;
  try {
    linkSync(draft, file);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'EEXIST') published = false;
    else if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') {
      renameSync(draft, file); // A file system without hard links.
      syncFolder(dirname(file));
      return true;
    } else throw thrown;
  }
  unlinkSync(draft);
  syncFolder(dirname(file));
  return published;
}

/** Removes a file that held a secret, its bytes overwritten first where the file system writes in place. */
export function shredFile(file: string, size: number): void {
  try {
    const descriptor = openSync(file, 'r+');
    try {
      writeSync(descriptor, Buffer.alloc(size), 0, size, 0);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return;
    // Not writable: removing it is what is left.
  }
  rmSync(file, { force: true });
  syncFolder(dirname(file));
}

/** Drafts of `file` that an interrupted write left behind. */
export function draftsOf(file: string): string[] {
  const folder = dirname(file);
  const prefix = `${basename(file)}.draft-`;
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name));
}

/** Whether a process of this computer has this number; when nobody can tell, it has. */
export function isRunning(process: number): boolean {
  try {
    kill(process, 0);
    return true;
  } catch (thrown) {
    return errorCode(thrown) !== 'ESRCH';
  }
}

export function errorCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

function writeDraft(file: string, content: string): string {
  const draft = `${file}.draft-${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', PRIVATE);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

/** Makes a new name survive a power cut. Windows syncs names with their file and refuses this. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
