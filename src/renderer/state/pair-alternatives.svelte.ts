/** The alternatives to the drugs of one pair. The last answer stays until the next one comes. */

import type { Alternatives } from '../../shared/alternatives.ts';
import type { Engine } from '../../shared/bridge.ts';
import type { EngineApi, ParamsOf, WireErrorData } from '../../shared/contract.ts';
import { problemOf } from './problem.ts';

export class PairAlternatives {
  answer = $state.raw<readonly Alternatives[] | null>(null);
  problem = $state.raw<WireErrorData | null>(null);

  readonly #engine: Engine;
  #asked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A later question outranks this one. */
  async ask(question: ParamsOf<EngineApi, 'recommend.alternatives'>): Promise<void> {
    const asked = ++this.#asked;
    try {
      const answer = await this.#engine.call('recommend.alternatives', question);
      if (asked !== this.#asked) return;
      this.answer = answer;
      this.problem = null;
    } catch (thrown) {
      if (asked === this.#asked) this.problem = problemOf(thrown);
    }
  }
}
