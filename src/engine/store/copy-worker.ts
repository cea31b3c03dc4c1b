/**
 * The thread that reads a copied database page by page and counts what it holds, so that the engine goes on answering.
 * Opens no database that another connection holds.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { toWireError } from '../../shared/errors.ts';
import { checkCopy, settleCopy } from './copy.ts';
import type { CopyAnswer, CopyOrder } from './copy-thread.ts';

function answer({ settle, location }: CopyOrder): CopyAnswer {
  try {
    // The bytes of a key lose their class on the way between threads.
    const { bytes, salt } = location.key;
    const own = { ...location, key: { bytes: Buffer.from(bytes), salt: Buffer.from(salt) } };
    if (settle) settleCopy(own);
    return { ok: true, value: checkCopy(own) };
  } catch (thrown) {
    return { ok: false, error: toWireError(thrown) };
  }
}

parentPort?.postMessage(answer(workerData as CopyOrder));
