/** Fine-tuning as the page sees it: jobs, the one that is looked at, the report before a start. Trains and judges nothing. */

import type { Engine } from '../../shared/bridge.ts';
import type { AppStatus, WireErrorData } from '../../shared/contract.ts';
import {
  DEFAULT_SETTINGS,
  type DataReport,
  type FinetuneSelection,
  type FinetuneSettings,
} from '../../shared/finetune.ts';
import type { DriftReport, JobDetail, JobSummary } from '../../shared/finetune-api.ts';
import type { JobId } from '../../shared/ids.ts';
import { problemOf } from './problem.ts';

/** How often a running job is asked after. */
const ASK_EVERY_MS = 1000;

export class TrainingView {
  jobs = $state.raw<readonly JobSummary[] | null>(null);
  drift = $state.raw<DriftReport | null>(null);
  detail = $state.raw<JobDetail | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  /** Something was asked for and is not through. */
  busy = $state(false);
  readonly #engine: Engine;
  readonly #onStatus: (status: AppStatus) => void;
  #shown: JobId | null = null;

  constructor(engine: Engine, onStatus: (status: AppStatus) => void) {
    this.#engine = engine;
    this.#onStatus = onStatus;
  }

  /** Asks now and then while the page is open. @returns a function that stops it */
  follow(): () => void {
    void this.refresh();
    const timer = setInterval(() => {
      const live = this.jobs?.some(({ state }) => state === 'running' || state === 'queued');
      if (live && !this.busy) void this.refresh();
    }, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }

  async refresh(): Promise<void> {
    await this.#try(async () => {
      const { jobs, drift } = await this.#engine.call('finetune.list', {});
      this.jobs = jobs;
      this.drift = drift;
      this.#shown ??= jobs[0]?.id ?? null;
      await this.#readShown();
    });
  }

  async show(id: JobId): Promise<void> {
    this.#shown = id;
    await this.#try(() => this.#readShown());
  }

  async hold(id: JobId, held: boolean): Promise<void> {
    await this.#change(() => this.#engine.call('finetune.hold', { jobId: id, held }));
  }

  async cancel(id: JobId): Promise<void> {
    await this.#change(() => this.#engine.call('finetune.cancel', { jobId: id }));
  }

  async promote(id: JobId): Promise<void> {
    await this.#change(async () =>
      this.#onStatus(await this.#engine.call('finetune.promote', { jobId: id })),
    );
  }

  async reject(id: JobId): Promise<void> {
    await this.#change(() => this.#engine.call('finetune.reject', { jobId: id }));
  }

  async started(job: JobSummary): Promise<void> {
    this.#shown = job.id;
    await this.refresh();
  }

  async #readShown(): Promise<void> {
    const id = this.#shown;
    if (id === null) return;
    const detail = await this.#engine.call('finetune.get', { jobId: id });
    if (id === this.#shown) this.detail = detail;
  }

  async #change(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    await this.#try(async () => {
      await work();
      await this.refresh();
    });
    this.busy = false;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}

/** A training that is being set up: what would be learnt from, and how. */
export class TrainingStart {
  name = $state('');
  selection = $state.raw<FinetuneSelection>({ source: 'both', from: null, to: null, demo: false });
  settings = $state.raw<FinetuneSettings>(DEFAULT_SETTINGS);
  report = $state.raw<DataReport | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  asking = $state(false);
  /** The training set that was written, for training elsewhere. */
  exported = $state.raw<{ readonly file: string; readonly visits: number } | null>(null);
  readonly #engine: Engine;
  #question = 0;

  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  readonly ready = $derived(
    this.report !== null && this.report.refusals.length === 0 && this.name.trim() !== '' && !this.asking,
  );

  async ask(
    selection: Partial<FinetuneSelection> = {},
    settings: Partial<FinetuneSettings> = {},
  ): Promise<void> {
    this.selection = { ...this.selection, ...selection };
    this.settings = { ...this.settings, ...settings };
    const question = ++this.#question;
    this.asking = true;
    try {
      const asked = { selection: this.selection, settings: this.settings };
      const report = await this.#engine.call('finetune.report', asked);
      if (question !== this.#question) return;
      this.report = report;
      this.problem = null;
    } catch (thrown) {
      if (question === this.#question) this.problem = problemOf(thrown);
    }
    if (question === this.#question) this.asking = false;
  }

  /** @returns the queued job; null when it was refused, with `problem` saying why */
  start(): Promise<JobSummary | null> {
    const { selection, settings } = this;
    return this.#work(() =>
      this.#engine.call('finetune.start', { name: this.name.trim(), selection, settings }),
    );
  }

  /** Lets the user pick a place for the training set; does nothing when none is picked. */
  async exportSet(suggested: string): Promise<void> {
    const { selection, settings } = this;
    this.exported = null;
    await this.#work(async () => {
      const picked = await this.#engine.pickSaveFile('zip', suggested);
      if (picked === null) return;
      const asked = { selection, settings, grant: picked.grant };
      const { visits } = await this.#engine.call('finetune.export', asked);
      this.exported = { file: picked.name, visits };
    });
  }

  /** Lets the user pick the folder of an adapter. @returns the job that measures it; null without one */
  importAdapter(): Promise<JobSummary | null> {
    const { selection, settings } = this;
    return this.#work(async () => {
      const picked = await this.#engine.pickImportFile('adapter');
      if (picked === null) return null;
      const asked = { name: this.name.trim(), selection, settings, grant: picked.grant };
      return this.#engine.call('finetune.importAdapter', asked);
    });
  }

  async #work<Result>(work: () => Promise<Result>): Promise<Result | null> {
    this.asking = true;
    this.problem = null;
    try {
      return await work();
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return null;
    } finally {
      this.asking = false;
    }
  }
}
