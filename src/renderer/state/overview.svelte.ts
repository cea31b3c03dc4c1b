/** The overview's question and its answer. Computes no figure; the engine counts. */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { HookFeedbackFigures } from '../../shared/hooks-api.ts';
import type { Overview, OverviewQuery } from '../../shared/overview.ts';
import { problemOf } from './problem.ts';

export class OverviewView {
  query = $state.raw<OverviewQuery>({ from: null, to: null, demo: false });
  found = $state.raw<Overview | null>(null);
  /** What came back on cards of the on-site service in the same time. */
  cards = $state.raw<HookFeedbackFigures | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #engine: Engine;
  #question = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async ask(change: Partial<OverviewQuery> = {}): Promise<void> {
    this.query = { ...this.query, ...change };
    const question = ++this.#question;
    try {
      const { from, to } = this.query;
      const [found, cards] = await Promise.all([
        this.#engine.call('overview.get', this.query),
        this.#engine.call('hooks.feedback', { from, to }),
      ]);
      if (question !== this.#question) return;
      this.found = found;
      this.cards = cards;
      this.problem = null;
    } catch (thrown) {
      if (question === this.#question) this.problem = problemOf(thrown);
    }
  }
}
