/** Imports that have not come to their end: where they read and how far they stored, so that they can go on. */

import { z } from 'zod';
import {
  CSV_FIELDS,
  IMPORT_FORMATS,
  type ColumnMapping,
  type ImportFormat,
} from '../../shared/import-api.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

/** What was stored so far. */
export interface RunCounts {
  /** Visits that were judged, in the order of the source. */
  readonly handled: number;
  readonly visitsCreated: number;
  readonly visitsSkipped: number;
  readonly patientsCreated: number;
}

export interface ImportRun extends RunCounts {
  readonly id: string;
  /** Of the files' names, sizes and times, the format and the settings: another file is another run. */
  readonly fingerprint: string;
  readonly path: string;
  readonly name: string;
  readonly format: ImportFormat;
  readonly columns: ColumnMapping;
  readonly startedAt: string;
}

interface Row {
  readonly id: string;
  readonly fingerprint: string;
  readonly path: string;
  readonly name: string;
  readonly format: string;
  readonly settings: string;
  readonly started_at: string;
  readonly handled: number;
  readonly visits_created: number;
  readonly visits_skipped: number;
  readonly patients_created: number;
}

const Format = z.enum(IMPORT_FORMATS);
const Settings = z.object({ columns: z.partialRecord(z.enum(CSV_FIELDS), z.string()) });

/** Latest first. */
export function listRuns(db: ReadableDb): ImportRun[] {
  return db.all<Row>('SELECT * FROM import_runs ORDER BY started_at DESC').map((row) => ({
    id: row.id,
    fingerprint: row.fingerprint,
    path: row.path,
    name: row.name,
    format: Format.parse(row.format),
    columns: Settings.parse(JSON.parse(row.settings)).columns,
    startedAt: row.started_at,
    handled: row.handled,
    visitsCreated: row.visits_created,
    visitsSkipped: row.visits_skipped,
    patientsCreated: row.patients_created,
  }));
}

export function startRun(db: WritableDb, run: ImportRun): void {
  db.run(
    `INSERT INTO import_runs (id, fingerprint, path, name, format, settings, started_at, handled, visits_created,
       visits_skipped, patients_created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run.id,
    run.fingerprint,
    run.path,
    run.name,
    run.format,
    JSON.stringify({ columns: run.columns }),
    run.startedAt,
    run.handled,
    run.visitsCreated,
    run.visitsSkipped,
    run.patientsCreated,
  );
}

/** Call it inside the transaction that stored what the counts count. */
export function advanceRun(db: WritableDb, id: string, counts: RunCounts): void {
  db.run(
    'UPDATE import_runs SET handled = ?, visits_created = ?, visits_skipped = ?, patients_created = ? WHERE id = ?',
    counts.handled,
    counts.visitsCreated,
    counts.visitsSkipped,
    counts.patientsCreated,
    id,
  );
}

/** @returns false when there was no such run */
export function endRun(db: WritableDb, id: string): boolean {
  return db.run('DELETE FROM import_runs WHERE id = ?', id).changes > 0;
}
