/** The patient list: search as you type, page by page, never an answer older than the question. Opens nothing. */

import type { PatientSummary, WireErrorData } from '../../shared/contract.ts';
import type { Engine } from '../../shared/bridge.ts';
import { problemOf } from './problem.ts';

export const PAGE_SIZE = 60;
const DEBOUNCE_MS = 150;
/** How soon a search that may have missed somebody is asked again. */
const AGAIN_MS = 3000;

export class PatientList {
  query = $state('');
  /** True lists the archived patients instead. */
  archived = $state(false);
  rows = $state.raw<readonly PatientSummary[]>([]);
  total = $state(0);
  /** Patients that the search may have missed so far. */
  waiting = $state(0);
  loading = $state(false);
  problem = $state.raw<WireErrorData | null>(null);
  readonly hasMore = $derived(this.rows.length < this.total);

  readonly #engine: Engine;
  #question = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Takes what was typed; asks once the typing pauses. */
  search(query: string): void {
    this.query = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), DEBOUNCE_MS);
  }

  showArchived(archived: boolean): void {
    this.archived = archived;
    void this.refresh();
  }

  /** Forgets what somebody else searched for. */
  clear(): void {
    this.query = '';
    this.archived = false;
    this.rows = [];
    this.total = 0;
    this.waiting = 0;
    clearTimeout(this.#timer);
  }

  /** Asks again for everything that is shown now. */
  refresh(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#ask(0, Math.max(PAGE_SIZE, this.query === this.#answered ? this.rows.length : 0));
  }

  more(): Promise<void> {
    return this.#ask(this.rows.length, PAGE_SIZE);
  }

  #answered = '';

  #askAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), AGAIN_MS);
  }

  async #ask(offset: number, limit: number): Promise<void> {
    const question = ++this.#question;
    const query = this.query;
    this.loading = true;
    try {
      const { archived } = this;
      const page = await this.#engine.call('patients.list', {
        query: query.trim(),
        limit,
        offset,
        ...(archived ? { archived } : {}),
      });
      if (question !== this.#question) return;
      this.rows = offset === 0 ? page.patients : [...this.rows, ...page.patients];
      this.total = page.total;
      this.waiting = page.waiting;
      if (page.waiting > 0 && offset === 0) this.#askAgain();
      this.#answered = query;
      this.problem = null;
    } catch (thrown) {
      if (question === this.#question) this.problem = problemOf(thrown);
    } finally {
      if (question === this.#question) this.loading = false;
    }
  }
}
