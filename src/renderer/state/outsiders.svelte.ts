/** What the tables say of drugs on the list that a recommendation does not hold: asked on edits, the last question counts. */

import type { Engine } from '../../shared/bridge.ts';
import type { InteractionReport, WireErrorData } from '../../shared/contract.ts';
import type { DrugId } from '../../shared/ids.ts';
import { problemOf } from './problem.ts';
import { setOf } from './sets.ts';

interface Answer {
  readonly report: InteractionReport;
  /** The drugs that were asked about. */
  readonly drugs: ReadonlySet<DrugId>;
}

const NOTHING: Answer = { report: { interactions: [], notCovered: [] }, drugs: setOf() };

export class Outsiders {
  answer = $state.raw<Answer>(NOTHING);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #engine: Engine;
  #asked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @param among every drug on the screen, the outsiders included */
  async ask(outsiders: readonly DrugId[], among: readonly DrugId[]): Promise<void> {
    const question = ++this.#asked;
    try {
      const report = await this.#engine.call('interactions.among', { drugs: among });
      if (question !== this.#asked) return;
      this.answer = { report, drugs: setOf(outsiders) };
      this.problem = null;
    } catch (thrown) {
      if (question === this.#asked) this.problem = problemOf(thrown);
    }
  }

  clear(): void {
    this.answer = NOTHING;
    this.problem = null;
  }
}
