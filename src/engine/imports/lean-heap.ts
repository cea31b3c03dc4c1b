/**
 * Keeps the JavaScript heap small while a long stream runs. Left alone V8 lets garbage pile up to a multiple of what is in
 * use, which on a workstation is memory that others need (docs/decisions/0019). Changes no result.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Twice what the tables and a batch hold. */
const COLLECT_FROM_BYTES = 100 * 1024 * 1024;
const LOOK_EVERY_MS = 20;

let running = 0;

/** Runs `work` and collects garbage meanwhile; several at a time share one watch. */
export async function withLeanHeap<T>(work: () => Promise<T>): Promise<T> {
  const collect = collector();
  setFlagsFromString('--semi-space-growth-factor=1');
  running += 1;
  const watch = setInterval(() => {
    if (process.memoryUsage().heapUsed > COLLECT_FROM_BYTES) collect();
  }, LOOK_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(watch);
    running -= 1;
    if (running === 0) setFlagsFromString('--semi-space-growth-factor=2'); // V8's own
  }
}

/** V8's collector; nothing where the runtime does not lend it. */
function collector(): () => void {
  try {
    setFlagsFromString('--expose-gc');
    const gc: unknown = runInNewContext('typeof gc === "function" ? gc : null');
    return typeof gc === 'function' ? (gc as () => void) : () => undefined;
  } catch {
    return () => undefined;
  }
}
