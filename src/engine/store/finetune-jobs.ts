/**
 * Fine-tuning jobs as they stand, with their training sets, curves and log. A job's set is dropped when the job is through.
 * Runs no job and judges no result.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { FlameError, type WireError } from '../../shared/errors.ts';
import type {
  DataReport,
  FinetuneSelection,
  FinetuneSettings,
  JobState,
  JobUsage,
  TrainingPoint,
} from '../../shared/finetune.ts';
import type { JobEvent, JobResult } from '../../shared/finetune-api.ts';
import { asId, type JobId, type ModelId } from '../../shared/ids.ts';
import type { TrainingSet } from '../../shared/trainer-process.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

export interface StoredJob {
  readonly id: JobId;
  readonly name: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly state: JobState;
  readonly selection: FinetuneSelection;
  readonly settings: FinetuneSettings;
  readonly report: DataReport;
  /** The user asked it to wait. */
  readonly held: boolean;
  /** Starts since it last got further. */
  readonly attempts: number;
  /** How far it ever got: grows with stage and step. */
  readonly reached: number;
  /** Seconds that training processes worked on it, pauses left out. */
  readonly spent: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: WireError | null;
  readonly result: JobResult | null;
  readonly usage: JobUsage | null;
  readonly model: ModelId | null;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly state: JobState;
  readonly selection: string;
  readonly settings: string;
  readonly report: string;
  readonly held: number;
  readonly attempts: number;
  readonly reached: number;
  readonly spent_seconds: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: string | null;
  readonly result: string | null;
  readonly usage: string | null;
  readonly model: string | null;
}

const COLUMNS = `id, name, created_at, created_by, state, selection, settings, report, held, attempts, reached,
  spent_seconds, started_at, finished_at, error, result, usage, model`;

export type NewJob = Pick<
  StoredJob,
  'id' | 'name' | 'createdAt' | 'createdBy' | 'selection' | 'settings' | 'report'
>;

/** Queues a job with its training set. */
export function insertJob(db: WritableDb, job: NewJob, set: TrainingSet): void {
  db.transaction(() => {
    const { rowid } = db.run(
      `INSERT INTO finetune_jobs (id, name, created_at, created_by, state, selection, settings, report)
       VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)`,
      job.id,
      job.name,
      job.createdAt,
      job.createdBy,
      JSON.stringify(job.selection),
      JSON.stringify(job.settings),
      JSON.stringify(job.report),
    );
    // NaN stands for an unknown age, which JSON cannot say.
    const text = JSON.stringify(set, (key, value: unknown) =>
      key === 'age' && Number.isNaN(value) ? null : value,
    );
    db.run('INSERT INTO finetune_sets (job, content) VALUES (?, ?)', rowid, gzipSync(text));
  });
}

export type JobChange = Partial<
  Pick<
    StoredJob,
    | 'state'
    | 'held'
    | 'attempts'
    | 'reached'
    | 'spent'
    | 'startedAt'
    | 'finishedAt'
    | 'error'
    | 'result'
    | 'usage'
    | 'model'
  >
>;

/** Writes the given fields; a job that is through loses its training set. @throws FlameError NOT_FOUND */
export function changeJob(db: WritableDb, id: JobId, change: JobChange): void {
  db.transaction(() => {
    const job = { ...getJob(db, id), ...change };
    const json = (value: object | null): string | null => value && JSON.stringify(value);
    db.run(
      `UPDATE finetune_jobs SET state = ?, held = ?, attempts = ?, reached = ?, spent_seconds = ?,
         started_at = ?, finished_at = ?, error = ?, result = ?, usage = ?, model = ? WHERE id = ?`,
      job.state,
      job.held ? 1 : 0,
      job.attempts,
      job.reached,
      job.spent,
      job.startedAt,
      job.finishedAt,
      json(job.error),
      json(job.result),
      json(job.usage),
      job.model,
      id,
    );
    if (job.state !== 'queued' && job.state !== 'running')
      db.run('DELETE FROM finetune_sets WHERE job = (SELECT key FROM finetune_jobs WHERE id = ?)', id);
  });
}

/** @throws FlameError NOT_FOUND */
export function getJob(db: ReadableDb, id: JobId): StoredJob {
  const row = db.get<Row>(`SELECT ${COLUMNS} FROM finetune_jobs WHERE id = ?`, id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'training' });
  return jobOf(row);
}

/** Newest first. */
export function listJobs(db: ReadableDb): StoredJob[] {
  return db.all<Row>(`SELECT ${COLUMNS} FROM finetune_jobs ORDER BY key DESC`).map(jobOf);
}

/** The job to go on with: one that runs, else the oldest that waits its turn. */
export function nextJob(db: ReadableDb): StoredJob | null {
  const row = db.get<Row>(
    `SELECT ${COLUMNS} FROM finetune_jobs WHERE state IN ('running', 'queued')
     ORDER BY state = 'queued', key LIMIT 1`,
  );
  return row ? jobOf(row) : null;
}

/** @throws FlameError NOT_FOUND once the job is through */
export function trainingSet(db: ReadableDb, id: JobId): TrainingSet {
  const row = db.get<{ content: Uint8Array }>(
    'SELECT content FROM finetune_sets WHERE job = (SELECT key FROM finetune_jobs WHERE id = ?)',
    id,
  );
  if (!row) throw new FlameError('NOT_FOUND', { what: 'training set' });
  return JSON.parse(gunzipSync(row.content).toString('utf8'), (key, value: unknown) =>
    key === 'age' && value === null ? Number.NaN : value,
  ) as TrainingSet;
}

export function addPoint(db: WritableDb, id: JobId, point: TrainingPoint): void {
  db.run(
    `INSERT INTO finetune_points (job, position, stage, step, steps, point_values)
     SELECT key, coalesce((SELECT max(position) FROM finetune_points WHERE job = key), 0) + 1, ?, ?, ?, ?
     FROM finetune_jobs WHERE id = ?`,
    point.stage,
    point.step,
    point.steps,
    JSON.stringify(point.values),
    id,
  );
}

export function pointsOf(db: ReadableDb, id: JobId): TrainingPoint[] {
  return db
    .all<{ stage: TrainingPoint['stage']; step: number; steps: number; point_values: string }>(
      `SELECT stage, step, steps, point_values FROM finetune_points
       WHERE job = (SELECT key FROM finetune_jobs WHERE id = ?) ORDER BY position`,
      id,
    )
    .map(({ stage, step, steps, point_values }) => ({
      stage,
      step,
      steps,
      values: JSON.parse(point_values) as TrainingPoint['values'],
    }));
}

export function addEvent(
  db: WritableDb,
  id: JobId,
  event: JobEvent['event'],
  details: JobEvent['details'] = {},
): void {
  db.run(
    `INSERT INTO finetune_log (job, position, at, event, details)
     SELECT key, coalesce((SELECT max(position) FROM finetune_log WHERE job = key), 0) + 1, ?, ?, ?
     FROM finetune_jobs WHERE id = ?`,
    new Date().toISOString(),
    event,
    JSON.stringify(details),
    id,
  );
}

export function eventsOf(db: ReadableDb, id: JobId): JobEvent[] {
  return db
    .all<{ at: string; event: JobEvent['event']; details: string }>(
      `SELECT at, event, details FROM finetune_log
       WHERE job = (SELECT key FROM finetune_jobs WHERE id = ?) ORDER BY position`,
      id,
    )
    .map(({ at, event, details }) => ({ at, event, details: JSON.parse(details) as JobEvent['details'] }));
}

function jobOf(row: Row): StoredJob {
  const json = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
  return {
    id: asId<JobId>(row.id),
    name: row.name,
    createdAt: row.created_at,
    createdBy: row.created_by,
    state: row.state,
    selection: JSON.parse(row.selection) as FinetuneSelection,
    settings: JSON.parse(row.settings) as FinetuneSettings,
    report: JSON.parse(row.report) as DataReport,
    held: row.held === 1,
    attempts: row.attempts,
    reached: row.reached,
    spent: row.spent_seconds,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: json(row.error) as WireError | null,
    result: json(row.result) as JobResult | null,
    usage: json(row.usage) as JobUsage | null,
    model: row.model === null ? null : asId<ModelId>(row.model),
  };
}
