/** Writes a new file and waits until it is on the disk. Replaces nothing. */

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

export function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
