/**
 * What the audit log says of an import: that it began, in the transaction of the first visits that it stores; how it ended; and,
 * found afterwards, that it was interrupted. Stores no visit and ends no run.
 */

import type { ImportFormat, ImportReport } from '../../shared/import-api.ts';
import { appendAudit } from '../store/audit.ts';
import type { ReadableDb, WritableDb } from '../store/handle.ts';
import { listRuns, type ImportRun } from '../store/import-runs.ts';

export interface ImportStart {
  readonly actor: string;
  readonly demo: boolean;
  /** Of the file or folder, without its place. */
  readonly name: string;
  readonly format: ImportFormat;
  /** Absent for the demo patients, which cannot be resumed. */
  readonly run?: Pick<ImportRun, 'id' | 'fingerprint'> | undefined;
  /** Visits that an earlier part of the run had stored or passed over. */
  readonly resumedAfter: number;
}

/** Call it inside the transaction that stores the first visits: none is ever stored of which the log knows nothing. */
export function noteStarted(db: WritableDb, start: ImportStart): void {
  const { actor, demo, name, format, run, resumedAfter } = start;
  appendAudit(db, {
    actor,
    action: demo ? 'demo.load-started' : 'visits.import-started',
    subject: name,
    content: {
      ...(run ? { import: run.id, fingerprint: run.fingerprint } : {}),
      format,
      ...(resumedAfter > 0 ? { resumedAfter } : {}),
    },
  });
}

export type ImportEnd = Pick<ImportReport, 'format' | 'patientsCreated' | 'visitsCreated' | 'visitsSkipped'> &
  Partial<Pick<ImportReport, 'linesRead' | 'refusedCount' | 'cancelled' | 'resumedAfter'>>;

/** The counts are those of all parts of an import that went on. Call it inside the transaction that ends the run. */
export function noteEnded(
  db: WritableDb,
  { actor, demo, name, run }: Omit<ImportStart, 'format' | 'resumedAfter'>,
  end: ImportEnd,
): void {
  const { format, linesRead, patientsCreated, visitsCreated, visitsSkipped, refusedCount } = end;
  const { cancelled = false, resumedAfter } = end;
  appendAudit(db, {
    actor,
    action: demo ? 'demo.loaded' : 'visits.imported',
    subject: name,
    content: {
      ...(run ? { import: run.id } : {}),
      format,
      ...(linesRead === undefined ? {} : { linesRead }),
      patientsCreated,
      visitsCreated,
      visitsSkipped,
      ...(refusedCount === undefined ? {} : { refusedCount }),
      cancelled,
      ...(resumedAfter === undefined ? {} : { resumedAfter }),
    },
  });
}

/**
 * Writes down how far an import came that was killed, by the name of whoever finds it: who imported stands where it began.
 * Nothing for a run whose end is written down. Never call it for one that is under way.
 */
export function noteInterrupted(db: WritableDb, run: ImportRun, actor: string): void {
  if (isTold(db, run)) return;
  const { id, format, startedAt, patientsCreated, visitsCreated, visitsSkipped } = run;
  appendAudit(db, {
    actor,
    action: 'visits.import-interrupted',
    subject: run.name,
    content: { import: id, format, startedAt, patientsCreated, visitsCreated, visitsSkipped },
  });
}

/** At an opening, when none can be under way. */
export function noteInterruptedRuns(db: WritableDb, actor: string): void {
  for (const run of listRuns(db)) noteInterrupted(db, run, actor);
}

/** True when no visit of the run was stored since the log last counted them. */
function isTold(db: ReadableDb, { id, visitsCreated }: ImportRun): boolean {
  const last = db.get<{ action: string }>(
    `SELECT action FROM audit_entries
     WHERE action IN ('visits.import-started', 'visits.imported', 'visits.import-interrupted')
       AND content ->> '$.import' = ? ORDER BY sequence DESC LIMIT 1`,
    id,
  );
  return last ? last.action !== 'visits.import-started' : visitsCreated === 0;
}
