/** Writes a picked file whole or not at all: a crash or a full disk leaves what was there before. Picks no place. */

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { pid } from 'node:process';
import { FlameError, problemWithoutPath } from '../shared/errors.ts';
import { draftsOf, isRunning } from './publish.ts';
import type { DraftBook } from './unfinished-files.ts';

type Chunk = Uint8Array | string;

/** No system has larger numbers of processes. */
const PID_DIGITS = 8;

export interface WriteOptions {
  /** Where a kill is made good later; null only where there is no database. */
  readonly book: DraftBook | null;
  /** Runs when the file is complete and lies there under another name; when it throws, no file appears. */
  readonly beforePublish?: () => void;
}

/**
 * @param chunks written one after the other, so that a long file need not stand in memory
 * @throws FlameError FILE_NOT_WRITABLE; an error of `chunks` itself passes through, and no file is left
 */
export async function writeWhole(
  path: string,
  chunks: Iterable<Chunk> | AsyncIterable<Chunk>,
  { book, beforePublish }: WriteOptions,
): Promise<void> {
  const draft = draftName(path);
  await book?.begin(draft);
  try {
    const file = await open(draft, 'wx', 0o600).catch(refuse(path));
    try {
      for await (const chunk of chunks) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        await file.writeFile(bytes).catch(refuse(path));
      }
      await file.sync().catch(refuse(path));
    } finally {
      await file.close();
    }
    beforePublish?.();
    await rename(draft, path).catch(refuse(path));
    await book?.end(draft);
  } catch (thrown) {
    await rm(draft, { force: true });
    await book?.end(draft);
    throw thrown;
  }
}

/** The number of the process, by which leftDrafts tells the dead from the living, and some chance. */
function draftName(path: string): string {
  const process = pid.toString(16).padStart(PID_DIGITS, '0');
  return `${path}.draft-${process}${randomBytes(2).toString('hex')}`;
}

/**
 * What killed processes left of `path`. One that writes to the same name from another computer is taken for dead: it ends in an
 * error then, and can be repeated.
 */
export function leftDrafts(path: string): string[] {
  const digits = new RegExp(`\\.draft-([0-9a-f]{${PID_DIGITS}})[0-9a-f]{4}$`);
  let drafts: string[];
  try {
    drafts = draftsOf(path);
  } catch {
    return []; // The folder is not there, or cannot be read: writing says so.
  }
  return drafts.filter((draft) => {
    const [, process] = digits.exec(draft) ?? [];
    return process !== undefined && !isRunning(Number.parseInt(process, 16));
  });
}

function refuse(path: string): (cause: unknown) => never {
  return (cause) => {
    const problem = problemWithoutPath(cause);
    throw new FlameError('FILE_NOT_WRITABLE', { file: basename(path), problem }, { cause });
  };
}
