/** The reasons for one drug, asked for when they are opened. The last answer stays until the next one comes. */

import type { Engine } from '../../shared/bridge.ts';
import type { ParamsOf, EngineApi, WireErrorData } from '../../shared/contract.ts';
import type { Reasons } from '../../shared/reasons.ts';
import { problemOf } from './problem.ts';

export type ReasonsQuestion = ParamsOf<EngineApi, 'recommend.explain'>;

export class DrugReasons {
  answer = $state.raw<Reasons | null>(null);
  problem = $state.raw<WireErrorData | null>(null);

  readonly #engine: Engine;
  #asked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A later question outranks this one. */
  async ask(question: ReasonsQuestion): Promise<void> {
    const asked = ++this.#asked;
    try {
      const answer = await this.#engine.call('recommend.explain', question);
      if (asked !== this.#asked) return;
      this.answer = answer;
      this.problem = null;
    } catch (thrown) {
      if (asked === this.#asked) this.problem = problemOf(thrown);
    }
  }
}
