/** The forms that were typed and not saved, to go on with or to throw away. Opens none by itself. */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { Draft } from '../../shared/editing.ts';
import { guarded } from './problem.ts';

export class DraftList {
  rows = $state.raw<readonly Draft[]>([]);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  refresh(): Promise<void> {
    return guarded(this, async () => {
      this.rows = await this.#engine.call('drafts.list', {});
    });
  }

  discard(id: string): Promise<void> {
    return guarded(this, async () => {
      await this.#engine.call('drafts.discard', { id });
      this.rows = this.rows.filter((draft) => draft.id !== id);
    });
  }
}
