/**
 * The deterministic checks of one visit. Asks the engine once for every drug that can appear; what is on the screen is cut
 * from the answer (findings-view.ts), so the slider waits for nobody. Judges nothing.
 */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { Visit } from '../../shared/domain.ts';
import type { CheckReport } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { problemOf } from './problem.ts';
import { setOf } from './sets.ts';

export interface CheckAnswer {
  readonly report: CheckReport;
  /** The drugs that were asked about, besides the current medications. */
  readonly drugs: ReadonlySet<DrugId>;
}

export class VisitChecks {
  /** Null until the first answer, and again when the facts of the visit change. */
  answer = $state.raw<CheckAnswer | null>(null);
  problem = $state.raw<WireErrorData | null>(null);

  readonly #engine: Engine;
  #visit: Visit | null = null;
  #drugs: readonly DrugId[] = [];
  #asked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Asks the last question again. */
  async again(): Promise<void> {
    if (this.#visit !== null) await this.ask(this.#visit, this.#drugs);
  }

  /** Asks about these drugs and the current medications, for the visit as it is now. A later question outranks this one. */
  async ask(visit: Visit, drugs: readonly DrugId[]): Promise<void> {
    const question = ++this.#asked;
    if (visit !== this.#visit) this.answer = null;
    this.#visit = visit;
    this.#drugs = drugs;
    try {
      const report = await this.#engine.call('visits.check', { visitId: visit.id, drugs });
      if (question !== this.#asked) return;
      this.answer = { report, drugs: setOf(drugs) };
      this.problem = null;
    } catch (thrown) {
      if (question === this.#asked) this.problem = problemOf(thrown);
    }
  }
}
