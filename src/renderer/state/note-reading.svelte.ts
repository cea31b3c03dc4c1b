/** What was found in the notes of a form, and whether the notes still say so. Enters nothing by itself. */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { NoteReading } from '../../shared/notes-api.ts';
import { problemOf } from './problem.ts';

export class NoteReadingState {
  /** The text that was read, with what was found in it. */
  answer = $state.raw<{ readonly text: string; readonly reading: NoteReading } | null>(null);
  problem = $state.raw<WireErrorData | null>(null);

  readonly #engine: Engine;
  #asked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A later question outranks this one. */
  async read(text: string): Promise<void> {
    const asked = ++this.#asked;
    try {
      const reading = await this.#engine.call('notes.read', { text });
      if (asked !== this.#asked) return;
      this.answer = { text, reading };
      this.problem = null;
    } catch (thrown) {
      if (asked === this.#asked) this.problem = problemOf(thrown);
    }
  }
}
