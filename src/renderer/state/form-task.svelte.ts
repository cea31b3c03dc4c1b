/** A form that asks the engine for one thing at a time: whether it is under way, and what went wrong. Knows no form. */

import type { WireErrorData } from '../../shared/contract.ts';
import { problemOf } from './problem.ts';

export class FormTask {
  busy = $state(false);
  problem = $state.raw<WireErrorData | null>(null);

  /** @returns whether it was done */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
