/** What waits today, read whenever the start page shows it. Opens nothing. */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { Worklist } from '../../shared/worklist.ts';
import { guarded } from './problem.ts';

export class WorklistView {
  list = $state.raw<Worklist | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  refresh(): Promise<void> {
    return guarded(this, async () => {
      this.list = await this.#engine.call('worklist.get', {});
    });
  }
}
