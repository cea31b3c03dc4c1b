/** One backup on its way into a new folder: whose secrets open it, what it holds, where it went. Restores over nothing. */

import type {
  BackupOpeners,
  BackupPreview,
  BackupSecret,
  BackupSource,
  RestoredBackup,
} from '../../shared/backup-api.ts';
import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import { isCancelled, problemOf } from './problem.ts';

export class BackupRestore {
  readonly source: BackupSource;
  /** Beside a database that does not open. */
  readonly isRescue: boolean;
  openers = $state.raw<BackupOpeners | null>(null);
  kind = $state<BackupSecret['kind']>('account');
  account = $state('');
  secret = $state('');
  preview = $state.raw<BackupPreview | null>(null);
  restored = $state.raw<RestoredBackup | null>(null);
  busy = $state(false);
  /** Part of the restore that is done, 0 to 1; null while none is under way. */
  part = $state<number | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  readonly ready = $derived(
    !this.busy && this.secret !== '' && (this.kind !== 'account' || this.account !== ''),
  );
  readonly #engine: Engine;
  #abort: AbortController | undefined;

  constructor(engine: Engine, source: BackupSource, isRescue = false) {
    this.isRescue = isRescue;
    this.#engine = engine;
    this.source = source;
  }

  load(): Promise<void> {
    return this.#run(async () => {
      this.openers = await this.#engine.call(this.isRescue ? 'rescue.openers' : 'backups.openers', {
        source: this.source,
      });
      const { people } = this.openers;
      this.kind = people === null ? 'passphrase' : 'account';
      this.account = people?.[0] ?? '';
    });
  }

  look(): Promise<void> {
    return this.#run(async () => {
      const { source } = this;
      this.preview = await this.#engine.call(this.isRescue ? 'rescue.preview' : 'backups.preview', {
        source,
        secret: this.#given(),
      });
    });
  }

  /** Asks for the place first. */
  restore(): Promise<void> {
    return this.#run(async () => {
      const place = await this.#engine.pickImportFile('restore-folder');
      if (place === null) return;
      this.#abort = new AbortController();
      this.part = 0;
      const { source } = this;
      this.restored = await this.#engine.call(
        this.isRescue ? 'rescue.restore' : 'backups.restore',
        { source, secret: this.#given(), grant: place.grant },
        { signal: this.#abort.signal, onProgress: ({ part }) => (this.part = part) },
      );
      this.secret = '';
    });
  }

  /** Flame starts again with what was restored. */
  openRestored(): Promise<void> {
    return this.#run(() => this.#engine.openRestored());
  }

  cancel(): void {
    this.#abort?.abort();
  }

  #given(): BackupSecret {
    const { kind, account, secret } = this;
    return kind === 'account' ? { kind, account, secret } : { kind, secret };
  }

  async #run(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    try {
      await work();
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (!isCancelled(problem)) this.problem = problem;
    } finally {
      this.busy = false;
      this.part = null;
    }
  }
}
