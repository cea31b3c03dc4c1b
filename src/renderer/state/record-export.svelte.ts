/** One export at a time: what is wished, how much it would hold, progress, cancel, outcome. Writes no file itself. */

import type { Engine } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import {
  EXPORT_FORMATS,
  SHORTEST_EXPORT_PASSPHRASE,
  type ExportCount,
  type ExportFormat,
  type ExportProgress,
  type ExportReport,
} from '../../shared/export-api.ts';
import { isCancelled, problemOf } from './problem.ts';
import { today } from './today.ts';

export class RecordExport {
  format = $state<ExportFormat>('fhir-bundle');
  from = $state<string | null>(null);
  to = $state<string | null>(null);
  demo = $state(false);
  encrypt = $state(true);
  passphrase = $state('');
  again = $state('');
  /** How much the wish holds; null before it is known. */
  count = $state.raw<ExportCount | null>(null);
  running = $state(false);
  progress = $state.raw<ExportProgress | null>(null);
  report = $state.raw<ExportReport | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  cancelled = $state(false);

  readonly passphraseShort = $derived(
    this.encrypt && this.passphrase !== '' && this.passphrase.length < SHORTEST_EXPORT_PASSPHRASE,
  );
  readonly passphrasesDiffer = $derived(this.encrypt && this.again !== '' && this.passphrase !== this.again);
  readonly ready = $derived(
    !this.running &&
      (this.count?.visits ?? 0) > 0 &&
      (!this.encrypt ||
        (this.passphrase.length >= SHORTEST_EXPORT_PASSPHRASE && this.passphrase === this.again)),
  );
  readonly #engine: Engine;
  #question = 0;
  #abort: AbortController | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async ask(): Promise<void> {
    const question = ++this.#question;
    const { from, to, demo } = this;
    try {
      const count = await this.#engine.call('exports.count', { from, to, demo, patientId: null });
      if (question !== this.#question) return;
      this.count = count;
      this.problem = null;
    } catch (thrown) {
      if (question === this.#question) this.problem = problemOf(thrown);
    }
  }

  /** Lets the user pick a place and has the file written there. */
  async write(): Promise<void> {
    if (!this.ready) return;
    const { format, from, to, demo, encrypt } = this;
    const ending = EXPORT_FORMATS[format];
    this.report = null;
    this.cancelled = false;
    this.problem = null;
    try {
      const name = `flame-records-${today()}.${ending}`;
      const picked = encrypt
        ? await this.#engine.pickSaveFile('age', `${name}.age`)
        : await this.#engine.pickSaveFile(ending, name);
      if (picked === null) return;
      this.running = true;
      this.progress = null;
      this.#abort = new AbortController();
      const passphrase = encrypt ? this.passphrase : null;
      this.report = await this.#engine.call(
        'exports.write',
        { format, from, to, demo, patientId: null, passphrase, grant: picked.grant },
        { onProgress: (progress) => (this.progress = progress), signal: this.#abort.signal },
      );
      this.passphrase = '';
      this.again = '';
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (isCancelled(problem)) this.cancelled = true;
      else this.problem = problem;
    } finally {
      this.running = false;
    }
  }

  cancel(): void {
    this.#abort?.abort();
  }
}
