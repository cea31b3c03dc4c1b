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
