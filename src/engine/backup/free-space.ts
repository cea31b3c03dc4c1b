/** Refuses ahead what would fill up a disk. Where the file system cannot tell, writing will. */

import { statfsSync } from 'node:fs';
import { FlameError } from '../../shared/errors.ts';

const MEGABYTE = 1e6;

/** @throws FlameError BACKUP_NO_SPACE where `folder` does not take `bytes` and a megabyte beside them */
export function refuseWithoutSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const needed = bytes + MEGABYTE;
  if (free === 0 || free >= needed) return;
  throw new FlameError('BACKUP_NO_SPACE', {
    needed: Math.ceil(needed / MEGABYTE),
    free: Math.floor(free / MEGABYTE),
  });
}
