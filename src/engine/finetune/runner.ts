/**
 * Runs queued fine-tuning jobs one at a time in a training process: starts, watches, pauses, restarts after a loss, and
 * stores what comes of it. What a job needs to go on stands in the database and in its folder, never in memory alone.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SHIPPED_PACK } from '../../flame/model-pack.ts';
import { FlameError } from '../../shared/errors.ts';
import { JOB_STAGES, type TrainingPoint } from '../../shared/finetune.ts';
import type { JobEvent, JobSummary } from '../../shared/finetune-api.ts';
import type { ProviderName } from '../../shared/devices-api.ts';
import { asId, type JobId, type ModelId } from '../../shared/ids.ts';
import type { FromTrainer, TrainingOrder } from '../../shared/trainer-process.ts';
import { LOCAL_MODELS } from '../models/installed.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import {
  addEvent,
  addPoint,
  changeJob,
  eventsOf,
  getJob,
  nextJob,
  type StoredJob,
  trainingSet,
} from '../store/finetune-jobs.ts';
import type { Workspace } from '../workspace.ts';
import type { TrainerLauncher, TrainerProcess } from './launcher.ts';

/** Starts without getting any further before a job is given up. */
export const MOST_ATTEMPTS = 3;
const RESTART_PAUSE_MS = 500;
const LOOK_EVERY_MS = 2000;
/** A clinician is at work for so long after a recommendation was asked for. */
const WORKING_MS = 5 * 60_000;
/** Points of one stage are stored at most this often, so that a long training keeps a short curve. */
const POINTS_A_STAGE = 150;
/** Folder of checkpoints in a profile. */
export const WORK_FOLDER = 'finetune';

/** Where the files of an adapter from elsewhere stand while it is measured. */
export function adapterFolder(profile: string, id: JobId): string {
  return join(profile, WORK_FOLDER, id, 'adapter');
}

interface Running {
  readonly job: StoredJob;
  readonly trainer: TrainerProcess;
  /** Where steps run. */
  provider: ProviderName;
  /** Seconds of work before `goingSince`, in this process and those before it. */
  spent: number;
  /** When the work began that is not counted yet; null while it is paused. */
  goingSince: number | null;
  point: TrainingPoint | null;
  reached: number;
  paused: JobSummary['waitingFor'];
  over: boolean;
}

export class FinetuneRunner {
  readonly #workspace: Workspace;
  readonly #launcher: TrainerLauncher;
  #running: Running | null = null;
  #starting = false;
  #stopped = false;
  #onBattery = false;
  #lastWork = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #watch: ReturnType<typeof setInterval> | null = null;

  constructor(workspace: Workspace, launcher: TrainerLauncher) {
    this.#workspace = workspace;
    this.#launcher = launcher;
  }

  /** Looks now and then for a job to go on with: the database may open late, by a passphrase or a sign-in. */
  watch(): void {
    this.#watch = setInterval(() => this.wake(), LOOK_EVERY_MS);
    this.#watch.unref();
    this.wake();
  }

  /** Goes on with what waits, if nothing runs. Safe to call at any time, also while the database is locked. */
  wake(): void {
    if (this.#stopped || this.#starting || this.#running || !this.#workspace.store.isOpen) return;
    const job = nextJob(this.#workspace.db);
    if (!job || job.held) return;
    this.#starting = true;
    void this.#start(job).finally(() => {
      this.#starting = false;
    });
  }

  /** Hears of the battery. */
  setPower(onBattery: boolean): void {
    this.#onBattery = onBattery;
    this.#decidePause();
  }

  /** Hears that a clinician is at work. */
  noteWork(): void {
    this.#lastWork = Date.now();
    this.#decidePause();
  }

  hold(id: JobId, held: boolean): void {
    changeJob(this.#workspace.db, id, { held });
    if (this.#running?.job.id === id) this.#decidePause();
    else this.wake();
  }

  /** @throws FlameError INVALID_INPUT for a job that is through */
  cancel(id: JobId, actor: string): void {
    const { db } = this.#workspace;
    const { state } = getJob(db, id);
    if (state !== 'queued' && state !== 'running')
      throw new FlameError('INVALID_INPUT', { problem: `the training is ${state} already` });
    const running = this.#running?.job.id === id ? this.#running : null;
    this.#close(id, { state: 'cancelled' }, 'cancelled', 'finetune.cancelled', actor);
    if (running) {
      running.over = true;
      running.trainer.kill();
      this.#running = null;
    }
    this.#dropWork(id);
    this.wake();
  }

  /** What a list shows of a running job beside what is stored. */
  live(id: JobId): Pick<JobSummary, 'waitingFor' | 'point'> & { readonly seconds: number } {
    const running = this.#running?.job.id === id ? this.#running : null;
    return {
      waitingFor: running?.paused ?? null,
      point: running?.point ?? null,
      seconds: running ? secondsOf(running) : getJob(this.#workspace.db, id).spent,
    };
  }

  /** A training process computes or is being started; one that was held waits for its word and is none. */
  get isTraining(): boolean {
    return this.#starting || (this.#running !== null && this.#running.paused !== 'user');
  }

  /** Ends the training process; the job goes on at the next start. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#watch) clearInterval(this.#watch);
    const running = this.#running;
    running?.trainer.kill();
    if (running && this.#workspace.store.isOpen) this.#keepTime(running);
    this.#running = null;
  }

  modelId(id: JobId): ModelId {
    return asId<ModelId>(`local/trained-${id}`);
  }

  async #start(job: StoredJob): Promise<void> {
    const { db } = this.#workspace;
    if (job.attempts >= MOST_ATTEMPTS) {
      this.#fail(job.id, new FlameError('TRAINER_DIED', { attempts: job.attempts }));
      return;
    }
    const first = job.state === 'queued';
    db.transaction(() => {
      changeJob(db, job.id, {
        state: 'running',
        attempts: job.attempts + 1,
        ...(job.startedAt === null ? { startedAt: new Date().toISOString() } : {}),
      });
      addEvent(db, job.id, first ? 'started' : 'resumed', { attempt: job.attempts + 1 });
    });
    let trainer: TrainerProcess;
    try {
      trainer = await this.#launcher.launch();
    } catch (thrown) {
      this.#fail(job.id, new FlameError('INTERNAL', { problem: String(thrown) }));
      return;
    }
    if (this.#stopped || getJob(db, job.id).state !== 'running') {
      trainer.kill();
      return;
    }
    const running: Running = {
      job,
      trainer,
      provider: 'cpu',
      spent: job.spent,
      goingSince: performance.now(),
      point: null,
      reached: job.reached,
      paused: null,
      over: false,
    };
    this.#running = running;
    trainer.onMessage((message) => this.#hear(running, message));
    trainer.onClose(() => this.#lost(running));
    const order = this.#orderFor(job);
    running.provider = order.provider;
    trainer.post({ kind: 'start', order });
    this.#decidePause();
  }

  /** A device that failed a job once, or took its process with it, does not get it again. */
  #providerFor(id: JobId): ProviderName {
    const { db, devices } = this.#workspace;
    const failed = eventsOf(db, id).some(({ event }) => event === 'device-lost');
    return failed ? 'cpu' : devices.trainingProvider();
  }

  #orderFor(job: StoredJob): TrainingOrder {
    const { options, db } = this.#workspace;
    return {
      job: job.id,
      name: job.name,
      settings: job.settings,
      ...trainingSet(db, job.id),
      base: join(options.models, SHIPPED_PACK),
      knowledge: join(options.resources, 'knowledge'),
      work: join(options.profile, WORK_FOLDER, job.id),
      model: join(options.profile, LOCAL_MODELS, `trained-${job.id}`),
      provider: this.#providerFor(job.id),
      adapter: isOfAdapter(eventsOf(db, job.id)) ? adapterFolder(options.profile, job.id) : null,
    };
  }

  #hear(running: Running, message: FromTrainer): void {
    if (running.over || this.#stopped) return;
    const { id } = running.job;
    if (message.kind === 'point') {
      this.#notePoint(running, message.point);
      return;
    }
    if (message.kind === 'device-lost') {
      this.#loseDevice(running, message.reason);
      return;
    }
    running.over = true;
    this.#running = null;
    this.#keepTime(running);
    // The process counts its own seconds; the job may have had several.
    const usage = { ...message.usage, seconds: secondsOf(running) };
    if (message.kind === 'done') {
      const { result } = message;
      const model = this.modelId(id);
      this.#close(id, { state: 'evaluated', result, usage, model }, 'evaluated', 'finetune.evaluated');
    } else this.#fail(id, new FlameError(message.error.code, message.error.details), usage);
    running.trainer.kill();
    this.#dropWork(id);
    this.wake();
  }

  #notePoint(running: Running, point: TrainingPoint): void {
    const { db } = this.#workspace;
    const { id } = running.job;
    const isNewStage = running.point?.stage !== point.stage;
    const every = Math.max(1, Math.floor(point.steps / POINTS_A_STAGE));
    const looked = 'validationLoss' in point.values;
    const reached = JOB_STAGES.indexOf(point.stage) * 1e7 + point.step;
    const further = reached > running.reached;
    running.point = point;
    if (!isNewStage && !looked && point.step % every !== 0 && point.step !== point.steps) return;
    db.transaction(() => {
      if (isNewStage) addEvent(db, id, 'stage', { stage: point.stage });
      // What was trained once more after a loss stands in the curve already.
      if (further && Object.keys(point.values).length > 0) addPoint(db, id, point);
      if (further) changeJob(db, id, { reached, attempts: 0, spent: secondsOf(running) });
    });
    if (further) running.reached = reached;
  }

  /** The process is gone without a result: start once more, or give up. */
  #lost(running: Running): void {
    if (running.over || this.#stopped || this.#running !== running) return;
    this.#running = null;
    this.#keepTime(running);
    const { db } = this.#workspace;
    const { attempts } = getJob(db, running.job.id);
    addEvent(db, running.job.id, 'trainer-lost', { attempt: attempts });
    // A driver that aborts looks like this: the rest is the CPU's.
    if (running.provider !== 'cpu') this.#loseDevice(running, '');
    this.#timer = setTimeout(() => this.wake(), RESTART_PAUSE_MS);
  }

  #decidePause(): void {
    const running = this.#running;
    if (!running) return;
    const { settings } = running.job;
    const working = Date.now() - this.#lastWork < WORKING_MS;
    const reason = getJob(this.#workspace.db, running.job.id).held
      ? 'user'
      : settings.pauseOnBattery && this.#onBattery
        ? 'power'
        : settings.pauseWhileWorking && working
          ? 'clinician'
          : null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer =
      reason === 'clinician'
        ? setTimeout(() => this.#decidePause(), this.#lastWork + WORKING_MS - Date.now() + 1000)
        : null;
    if (reason === running.paused) return;
    if (running.paused === null || reason === null) {
      running.spent = secondsOf(running);
      running.goingSince = reason === null ? performance.now() : null;
    }
    running.paused = reason;
    running.trainer.post({ kind: 'pause', paused: reason !== null });
    addEvent(this.#workspace.db, running.job.id, reason === null ? 'going-on' : 'waiting', {
      ...(reason === null ? {} : { reason }),
    });
  }

  #loseDevice(running: Running, problem: string): void {
    const device = running.provider;
    running.provider = 'cpu';
    addEvent(this.#workspace.db, running.job.id, 'device-lost', { device, problem: problem.slice(0, 400) });
  }

  #keepTime(running: Running): void {
    changeJob(this.#workspace.db, running.job.id, { spent: secondsOf(running) });
  }

  #fail(id: JobId, error: FlameError, usage?: StoredJob['usage']): void {
    const { code, details } = error;
    this.#close(
      id,
      { state: 'failed', error: { code, details }, ...(usage ? { usage } : {}) },
      'failed',
      'finetune.failed',
    );
    this.#dropWork(id);
    this.#timer = setTimeout(() => this.wake(), RESTART_PAUSE_MS);
  }

  #close(
    id: JobId,
    change: Parameters<typeof changeJob>[2],
    event: 'evaluated' | 'cancelled' | 'failed',
    action: AuditEvent['action'],
    actor?: string,
  ): void {
    const { db } = this.#workspace;
    const { name, createdBy } = getJob(db, id);
    db.transaction(() => {
      changeJob(db, id, { ...change, finishedAt: new Date().toISOString() });
      addEvent(db, id, event, change.error ? { code: change.error.code } : {});
      appendAudit(db, {
        actor: actor ?? createdBy,
        action,
        subject: id,
        content: { label: name, ...(change.error ? { code: change.error.code } : {}) },
      });
    });
  }

  #dropWork(id: JobId): void {
    rmSync(join(this.#workspace.options.profile, WORK_FOLDER, id), { recursive: true, force: true });
  }
}

function secondsOf({ spent, goingSince }: Running): number {
  return spent + (goingSince === null ? 0 : (performance.now() - goingSince) / 1000);
}

/** Whether a job only measures an adapter that was trained elsewhere: its first event says so. */
function isOfAdapter([created]: readonly JobEvent[]): boolean {
  return created?.details['adapter'] !== undefined;
}
