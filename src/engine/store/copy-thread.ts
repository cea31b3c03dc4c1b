/** Has a copied database checked by a thread of its own (copy-worker.ts), which ends with its answer. Checks nothing itself. */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FlameError, fromWireError, type WireError } from '../../shared/errors.ts';
import type { CheckedCopy } from './copy.ts';
import type { StoreLocation } from './open.ts';

export interface CopyOrder {
  /** Takes the copy out of write-ahead mode first; without it nothing is written. */
  readonly settle: boolean;
  readonly location: StoreLocation;
}

export type CopyAnswer =
  { readonly ok: true; readonly value: CheckedCopy } | { readonly ok: false; readonly error: WireError };

/** The thread's file where nothing was built. */
const SOURCE = join(import.meta.dirname, 'copy-worker.ts');

/**
 * @param entry the built file of the thread; its source by default
 * @throws FlameError STORE_CORRUPT, STORE_KEY_WRONG, and CANCELLED, which leaves the file to the caller
 */
export async function checkInThread(
  order: CopyOrder,
  {
    entry = SOURCE,
    signal,
  }: { readonly entry?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<CheckedCopy> {
  if (signal?.aborted === true) throw new FlameError('CANCELLED');
  const worker = new Worker(entry, { workerData: order });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop);
  try {
    const answer = await new Promise<CopyAnswer | null>((resolve, reject) => {
      worker.once('message', (message) => resolve(message as CopyAnswer));
      worker.once('error', reject);
      worker.once('exit', () => resolve(null));
    });
    await worker.terminate();
    if (answer === null) throw new FlameError('CANCELLED');
    if (!answer.ok) throw fromWireError(answer.error);
    return answer.value;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
