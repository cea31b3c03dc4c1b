/**
 * Reads the files of a model that somebody hands in: a folder, or a zip archive of one. Takes plain files of one folder
 * only; names that lead elsewhere, links, and archives that hold more than they say are refused. Judges no content.
 */

import { lstatSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { FlameError } from '../../shared/errors.ts';

export interface SourceFile {
  readonly file: string;
  readonly bytes: number;
}

export interface ModelSource {
  readonly files: readonly SourceFile[];
  /** The content in pieces, never more than `bytes` of the file said. @throws FlameError MODEL_FILE_UNUSABLE */
  read(file: string): AsyncIterable<Uint8Array>;
  close(): void;
}

/** A model has about six files; whatever has more than this is none. */
const MOST_FILES = 200;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const PIECE = 1 << 20;

/** @throws FlameError FILE_NOT_READABLE, MODEL_FILE_UNUSABLE */
export async function openModelSource(path: string): Promise<ModelSource> {
  const folder = isFolder(path);
  if (folder) return folderSource(path);
  return zipSource(path);
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file: basename(path) }, { cause });
  }
}

function folderSource(path: string): ModelSource {
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && PLAIN_NAME.test(entry.name))
    .slice(0, MOST_FILES)
    .map(({ name }) => ({ file: name, bytes: lstatSync(join(path, name)).size }));
  async function* read(file: string): AsyncGenerator<Uint8Array> {
    const size = files.find((one) => one.file === file)?.bytes;
    if (size === undefined) throw unusable(path, `${file} is missing`);
    const handle = await open(join(path, file), 'r');
    try {
      let left = size;
      while (left > 0) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(PIECE, left)));
        if (bytesRead === 0) throw unusable(path, `${file} became shorter while it was read`);
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }
  return { files, read, close: () => undefined };
}

async function zipSource(path: string): Promise<ModelSource> {
  let zip: ZipFile;
  try {
    // Entry sizes are validated: an archive that unpacks to more than it says breaks off.
    zip = await openPromise(path, { autoClose: false, strictFileNames: true });
  } catch (cause) {
    throw unusable(path, 'it is neither a folder nor a zip archive', cause);
  }
  try {
    const entries = await entriesOf(zip, path);
    async function* read(file: string): AsyncGenerator<Uint8Array> {
      const entry = entries.get(file);
      if (!entry) throw unusable(path, `${file} is missing`);
      try {
        for await (const piece of await zip.openReadStreamPromise(entry)) yield piece as Uint8Array;
      } catch (cause) {
        throw unusable(path, `${file} cannot be unpacked`, cause);
      }
    }
    const files = [...entries].map(([file, entry]) => ({ file, bytes: entry.uncompressedSize }));
    return { files, read, close: () => zip.close() };
  } catch (thrown) {
    zip.close();
    throw thrown;
  }
}

/** The files of the archive's one folder by their bare names; folders themselves are passed over. */
async function entriesOf(zip: ZipFile, path: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let parent: string | null = null;
  if (zip.entryCount > MOST_FILES) throw unusable(path, `it holds ${zip.entryCount} files`);
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      const cut = entry.fileName.lastIndexOf('/') + 1;
      const [folder, name] = [entry.fileName.slice(0, cut), entry.fileName.slice(cut)];
      // What systems put beside the files of a folder.
      if (folder.startsWith('__MACOSX/') || name === '.DS_Store') continue;
      if (parent !== null && folder !== parent) throw unusable(path, 'its files do not lie in one folder');
      parent = folder;
      if (!PLAIN_NAME.test(name)) throw unusable(path, `it holds a file called ${JSON.stringify(name.slice(0, 60))}`);
      if (entries.has(name)) throw unusable(path, `it holds ${name} twice`);
      if (entry.isEncrypted()) throw unusable(path, 'it is encrypted');
      entries.set(name, entry);
    }
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    throw unusable(path, cause instanceof Error ? cause.message : 'its list of files cannot be read', cause);
  }
  return entries;
}

function unusable(path: string, problem: string, cause?: unknown): FlameError {
  return new FlameError('MODEL_FILE_UNUSABLE', { file: basename(path), problem }, { cause });
}
