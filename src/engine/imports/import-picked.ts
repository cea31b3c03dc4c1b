/** Imports whatever was picked, a file or a folder, in the format that was detected or asked for. Holds no rule of a format. */

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { DrugReader, type SiteMappings } from '../../knowledge/drug-reader.ts';
import type { Drugs } from '../../knowledge/drugs.ts';
import { detectSource, type PickedSource } from '../../records/sources/detect.ts';
import type { SourceOptions } from '../../records/sources/open.ts';
import { FlameError } from '../../shared/errors.ts';
import type { ImportFormat, ImportProgress, ImportReport } from '../../shared/import-api.ts';
import { noteEnded, noteInterrupted } from './import-audit.ts';
import { importSource } from './import-source.ts';
import { importVisits } from './import-visits.ts';
import { withLeanHeap } from './lean-heap.ts';
import type { ReadableDb, WritableDb } from '../store/handle.ts';
import { newId } from '../store/ids.ts';
import { endRun, listRuns, startRun, type ImportRun } from '../store/import-runs.ts';
import type { Titles } from '../store/search.ts';
import { StagingFile } from '../store/staging.ts';

export interface PickedImport {
  readonly path: string;
  /** Null leaves it to the content. */
  readonly format: ImportFormat | null;
  readonly dryRun: boolean;
  readonly drugs: Drugs;
  readonly site: SiteMappings;
  readonly titles: Titles;
  readonly actor: string;
  /** Folder for the encrypted scratch file. */
  readonly scratch: string;
  readonly nativeBinding?: string | undefined;
  readonly settings?: SourceOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** Runs of this process, which alone has the database open. */
const underWay = new Set<string>();

/** Those that stopped: nothing works on them. */
export function listStoppedRuns(db: ReadableDb): ImportRun[] {
  return listRuns(db).filter(({ id }) => !underWay.has(id));
}

/** @throws FlameError IMPORT_EMPTY, FILE_NOT_READABLE, INVALID_INPUT, or of the STORE family; STORE_BUSY for files being imported */
export function importPicked(db: WritableDb, options: PickedImport): Promise<ImportReport> {
  return withLeanHeap(() => importDetected(db, options));
}

async function importDetected(db: WritableDb, options: PickedImport): Promise<ImportReport> {
  const source = await detectSource(options.path, options.format);
  const run = options.dryRun ? undefined : runOf(db, source, options);
  if (run) underWay.add(run.id);
  try {
    if (source.format !== 'visits') return await importSource(db, { ...options, source, run });
    return await importLines(db, source, { ...options, run });
  } catch (thrown) {
    if (run) settleBroken(db, run, options.actor);
    throw thrown;
  } finally {
    if (run) underWay.delete(run.id);
  }
}

/** A run that ended in an error: what it stored stands in the audit log; what stored nothing is nothing to go on with. */
function settleBroken(db: WritableDb, before: ImportRun, actor: string): void {
  const run = listRuns(db).find(({ id }) => id === before.id);
  if (!run) return;
  if (run.handled === 0) endRun(db, run.id);
  if (run.handled === before.handled) return;
  noteEnded(db, { actor, demo: false, name: run.name, run }, { ...run, cancelled: true });
}

async function importLines(
  db: WritableDb,
  source: PickedSource,
  options: PickedImport & { readonly run: ImportRun | undefined },
): Promise<ImportReport> {
  const reader = new DrugReader(options.drugs, options.site);
  const seen = options.dryRun ? new StagingFile(options.scratch, 0, options.nativeBinding) : null;
  try {
    return await importVisits(db, {
      ...options,
      file: source.files[0]!.path,
      resolveDrugs: (name) => reader.resolve(name),
      readDrug: (name) => reader.read({ name, codes: [] }),
      firstSeen: seen ? (key) => seen.see(key) : undefined,
    });
  } finally {
    seen?.close();
  }
}

/** The run that was interrupted on the very same files, or a new one. */
function runOf(db: WritableDb, source: PickedSource, { path, settings, actor }: PickedImport): ImportRun {
  const { name, format, files } = source;
  const { columns = {} } = settings ?? {};
  const marks = files.map((file) => [file.name, file.size, statSync(file.path).mtimeMs]);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([format, columns, marks]))
    .digest('hex');
  const before = listRuns(db).find((run) => run.fingerprint === fingerprint);
  if (before) {
    if (underWay.has(before.id)) throw new FlameError('STORE_BUSY');
    noteInterrupted(db, before, actor);
    return before;
  }
  const run: ImportRun = {
    id: newId<string>(),
    fingerprint,
    path: resolve(path),
    name,
    format,
    columns,
    startedAt: new Date().toISOString(),
    handled: 0,
    visitsCreated: 0,
    visitsSkipped: 0,
    patientsCreated: 0,
  };
  startRun(db, run);
  return run;
}
