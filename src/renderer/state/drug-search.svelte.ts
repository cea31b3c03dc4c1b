/** Type-ahead over every known drug, each match checked against the list on the screen before it is chosen. Adds nothing by itself. */

import type { Engine } from '../../shared/bridge.ts';
import type { DrugMatch, WireErrorData } from '../../shared/contract.ts';
import type { Interaction } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { problemOf } from './problem.ts';
import { distinct, setOf } from './sets.ts';

export interface CheckedMatch extends DrugMatch {
  /** Pairs that the drug would form with the drugs on the screen, most severe first. */
  readonly interactions: readonly Interaction[];
  readonly covered: boolean;
}

const LIMIT = 12;
const DEBOUNCE_MS = 120;

export class DrugSearch {
  text = $state('');
  matches = $state.raw<readonly CheckedMatch[]>([]);
  /** What `matches` answers; the screen says "no drug" only when it is the text typed. */
  answered = $state('');
  problem = $state.raw<WireErrorData | null>(null);

  readonly #engine: Engine;
  readonly #shown: () => readonly DrugId[];
  #question = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param shown the drugs on the screen: list and current medications */
  constructor(engine: Engine, shown: () => readonly DrugId[]) {
    this.#engine = engine;
    this.#shown = shown;
  }

  type(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    if (text.trim() === '') {
      this.#question += 1;
      this.matches = [];
      this.answered = '';
      return;
    }
    this.#timer = setTimeout(() => void this.#ask(text), DEBOUNCE_MS);
  }

  clear(): void {
    this.type('');
  }

  async #ask(text: string): Promise<void> {
    const question = ++this.#question;
    try {
      const found = await this.#engine.call('drugs.search', { text: text.trim(), limit: LIMIT });
      const shown = this.#shown();
      const drugs = distinct(
        found.map((match) => match.drug.id),
        shown,
      );
      const report = await this.#engine.call('interactions.among', { drugs });
      if (question !== this.#question) return;
      const uncovered = setOf(report.notCovered);
      const onScreen = setOf(shown);
      this.matches = found.map((match) => ({
        ...match,
        covered: !uncovered.has(match.drug.id),
        interactions: pairsWith(match.drug.id, report.interactions, onScreen),
      }));
      this.answered = text;
      this.problem = null;
    } catch (thrown) {
      if (question !== this.#question) return;
      this.problem = problemOf(thrown);
      this.matches = [];
    }
  }
}

function pairsWith(
  drug: DrugId,
  interactions: readonly Interaction[],
  onScreen: ReadonlySet<DrugId>,
): Interaction[] {
  return interactions
    .filter(({ a, b }) => (a === drug && onScreen.has(b)) || (b === drug && onScreen.has(a)))
    .toSorted((x, y) => y.severity - x.severity);
}
