/** Turns anything thrown into the error data that the screen words. Rethrows nothing. */

import type { WireErrorData } from '../../shared/contract.ts';
import { toWireError } from '../../shared/errors.ts';

export function problemOf(thrown: unknown): WireErrorData {
  return toWireError(thrown);
}

/** True for a call that the user cancelled: nothing to report. */
export function isCancelled(problem: WireErrorData): boolean {
  return problem.code === 'CANCELLED';
}

/** Does something for a part of the screen, which says what went wrong, or nothing any more when it went well. */
export async function guarded(
  holder: { problem: WireErrorData | null },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    holder.problem = null;
  } catch (thrown) {
    holder.problem = problemOf(thrown);
  }
}
