/** The backups as the page holds them: what there is, one work at a time with its progress. Restoring is backup-restore's. */

import type { BackupsState, Retention } from '../../shared/backup-api.ts';
import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import { isCancelled, problemOf } from './problem.ts';

/** What was done last, for the line that says so. */
export type BackupDone = 'made' | 'saved' | 'sound' | 'damaged' | 'cancelled';

export class BackupsView {
  state = $state.raw<BackupsState | null>(null);
  /** What is under way. */
  doing = $state<'make' | 'verify' | 'save' | null>(null);
  /** Part of it that is done, 0 to 1. */
  part = $state(0);
  done = $state<BackupDone | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #engine: Engine;
  readonly #onChange: () => Promise<void>;
  #abort: AbortController | undefined;

  /** @param onChange hears of everything that may have ended a failure, or begun one */
  constructor(engine: Engine, onChange: () => Promise<void>) {
    this.#engine = engine;
    this.#onChange = onChange;
  }

  async load(): Promise<void> {
    try {
      this.state = await this.#engine.call('backups.get', {});
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  async chooseFolder(): Promise<void> {
    await this.#run('save', async () => {
      const picked = await this.#engine.pickImportFile('backup-folder');
      if (picked === null) return null;
      this.state = await this.#engine.call('backups.setFolder', { grant: picked.grant });
      return 'saved';
    });
  }

  async save(hour: number | null, keep: Retention): Promise<void> {
    await this.#run('save', async () => {
      this.state = await this.#engine.call('backups.set', { hour, keep });
      return 'saved';
    });
  }

  async make(): Promise<void> {
    await this.#run('make', async (options) => {
      this.state = await this.#engine.call('backups.make', {}, options);
      return 'made';
    });
  }

  async verify(name: string): Promise<void> {
    await this.#run('verify', async (options) => {
      this.state = await this.#engine.call('backups.verify', { name }, options);
      const found = this.state.backups.find((one) => one.name === name);
      return found?.checked?.sound === true ? 'sound' : 'damaged';
    });
  }

  cancel(): void {
    this.#abort?.abort();
  }

  async #run(
    doing: NonNullable<BackupsView['doing']>,
    work: (options: {
      signal: AbortSignal;
      onProgress: (progress: { part: number }) => void;
    }) => Promise<BackupDone | null>,
  ): Promise<void> {
    if (this.doing !== null) return;
    this.#abort = new AbortController();
    this.doing = doing;
    this.part = 0;
    this.done = null;
    this.problem = null;
    try {
      this.done = await work({
        signal: this.#abort.signal,
        onProgress: ({ part }) => (this.part = part),
      });
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (isCancelled(problem)) this.done = 'cancelled';
      else this.problem = problem;
      await this.load();
    } finally {
      this.doing = null;
      await this.#onChange();
    }
  }
}
