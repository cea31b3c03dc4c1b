/** One import at a time, from a picked file or the bundled demo: progress, cancel, report. Keeps the last report until dismissed. */

import type { Engine, PickedFile } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { ImportProgress, ImportReport } from '../../shared/import-api.ts';
import { t } from '../language/language.svelte.ts';
import { isCancelled, problemOf } from './problem.ts';

type Ask = (options: {
  onProgress: (progress: ImportProgress) => void;
  signal: AbortSignal;
}) => Promise<ImportReport>;

export class VisitImport {
  running = $state(false);
  /** File name, or what is being loaded. */
  title = $state('');
  progress = $state.raw<ImportProgress | null>(null);
  report = $state.raw<ImportReport | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  cancelled = $state(false);
  /** Something to show: an import under way or its outcome. */
  readonly visible = $derived(
    this.running || this.report !== null || this.problem !== null || this.cancelled,
  );

  readonly #engine: Engine;
  readonly #stored: () => Promise<void>;
  readonly #showOther: (picked: PickedFile) => Promise<void>;
  #abort: AbortController | undefined;

  /**
   * @param stored called after every import, finished or not, since visits may have been stored
   * @param showOther takes a file in another format than Flame's own: its names want a look before they are imported
   */
  constructor(engine: Engine, stored: () => Promise<void>, showOther: (picked: PickedFile) => Promise<void>) {
    this.#engine = engine;
    this.#stored = stored;
    this.#showOther = showOther;
  }

  /** Lets the user pick a file and imports it; does nothing when none is picked. */
  async fromFile(): Promise<void> {
    if (this.running) return;
    try {
      const picked = await this.#engine.pickImportFile();
      if (picked === null) return;
      const { format } = await this.#engine.call('imports.inspect', { grant: picked.grant });
      if (format !== 'visits') {
        await this.#showOther(picked);
        return;
      }
      await this.#run(picked.name, (options) =>
        this.#engine.call('visits.import', { grant: picked.grant }, options),
      );
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  loadDemo(): Promise<void> {
    return this.#run(t('importing:demo'), (options) => this.#engine.call('demo.load', {}, options));
  }

  cancel(): void {
    this.#abort?.abort();
  }

  dismiss(): void {
    if (this.running) return;
    this.report = null;
    this.problem = null;
    this.cancelled = false;
  }

  async #run(title: string, ask: Ask): Promise<void> {
    if (this.running) return;
    this.dismiss();
    this.title = title;
    this.progress = null;
    this.running = true;
    this.#abort = new AbortController();
    try {
      this.report = await ask({
        onProgress: (progress) => (this.progress = progress),
        signal: this.#abort.signal,
      });
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (isCancelled(problem)) this.cancelled = true;
      else this.problem = problem;
    } finally {
      this.running = false;
      await this.#stored();
    }
  }
}
