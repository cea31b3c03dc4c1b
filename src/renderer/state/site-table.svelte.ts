/** The site's own interaction table on the screen: the one in use, a file's preview, and what came of it. Resolves nothing. */

import type { Engine, PickedFile } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type { SiteTablePreview, SiteTableSummary } from '../../shared/site-table-api.ts';
import { problemOf } from './problem.ts';

export class SiteTableView {
  /** Null when none is in use; undefined before it is known. */
  table = $state.raw<SiteTableSummary | null | undefined>(undefined);
  preview = $state.raw<SiteTablePreview | null>(null);
  busy = $state(false);
  problem = $state.raw<WireErrorData | null>(null);
  /** What was done last. */
  done = $state<'imported' | 'removed' | null>(null);
  readonly #engine: Engine;
  readonly #changed: () => Promise<void>;
  #picked: PickedFile | null = null;

  /** @param changed called after the tables in use have changed */
  constructor(engine: Engine, changed: () => Promise<void>) {
    this.#engine = engine;
    this.#changed = changed;
  }

  load(): Promise<void> {
    return this.#work(async () => {
      this.table = (await this.#engine.call('siteTable.get', {})).table;
    });
  }

  /** Lets the user pick a file and shows what it would change. */
  choose(): Promise<void> {
    return this.#work(async () => {
      const picked = await this.#engine.pickImportFile('site-table');
      if (picked === null) return;
      this.#picked = picked;
      this.preview = null;
      this.done = null;
      this.preview = await this.#engine.call('siteTable.preview', { grant: picked.grant });
    });
  }

  discard(): void {
    this.preview = null;
    this.#picked = null;
  }

  use(): Promise<void> {
    return this.#work(async () => {
      const [{ preview }, picked] = [this, this.#picked];
      if (preview === null || picked === null) return;
      const { sha256 } = preview;
      this.table = await this.#engine.call('siteTable.import', { grant: picked.grant, sha256 });
      this.discard();
      this.done = 'imported';
      await this.#changed();
    });
  }

  remove(): Promise<void> {
    return this.#work(async () => {
      await this.#engine.call('siteTable.remove', {});
      this.table = null;
      this.done = 'removed';
      await this.#changed();
    });
  }

  async #work(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.busy = false;
    }
  }
}
