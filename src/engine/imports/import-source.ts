/**
 * Imports a foreign format into the store: files its facts by patient on disk, then makes and stores the visits patient by
 * patient. Cancellable throughout, safe to repeat, bounded in memory.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { DrugReader, type SiteMappings } from '../../knowledge/drug-reader.ts';
import type { Drugs } from '../../knowledge/drugs.ts';
import { FileBytes } from '../../records/file-bytes.ts';
import { ImportLog } from '../../records/import-log.ts';
import type { PickedSource } from '../../records/sources/detect.ts';
import { mapVisits, type MappedVisit } from '../../records/sources/map-visits.ts';
import { openSource, type SourceOptions } from '../../records/sources/open.ts';
import type { SourceContext, VisitSource } from '../../records/sources/source.ts';
import { parseVisitRecord, type DrugResolver } from '../../records/visit-record.ts';
import type { ImportProgress, ImportReport } from '../../shared/import-api.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { makeSearchable } from './complete-search.ts';
import { ProgressTeller, STORING } from './import-progress.ts';
import type { WritableDb } from '../store/handle.ts';
import type { Titles } from '../store/search.ts';
import { StagingFile } from '../store/staging.ts';
import { VisitWriter, type ImportedVisit, type WriterOptions } from './visit-writer.ts';

export interface SourceRun {
  readonly source: PickedSource;
  readonly drugs: Drugs;
  readonly site: SiteMappings;
  /** Where the encrypted scratch file lies meanwhile. */
  readonly scratch: string;
  readonly nativeBinding?: string | undefined;
  readonly settings?: SourceOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Of the whole import, where this is a part of one. */
  readonly progress?: ProgressTeller;
  /** The fraction of all work at which this ends; 1 where nothing comes afterwards. */
  readonly end?: number;
}

export interface SourceImport extends SourceRun {
  readonly titles: Titles;
  readonly actor: string;
  readonly dryRun: boolean;
  /** The run that this import is; see VisitWriter. */
  readonly run?: WriterOptions['run'];
}

/** Visits a transaction. */
const BATCH = 500;
/** The share of the work that is reading; the rest is making and storing visits. */
const READING = 0.4;
/** How much bigger the text is than its gzip file. */
const UNPACKED = 8;

/** @throws FlameError IMPORT_EMPTY, FILE_NOT_READABLE, INVALID_INPUT, or of the STORE family */
export async function importSource(db: WritableDb, options: SourceImport): Promise<ImportReport> {
  const { source, titles, actor, dryRun, signal, run, onProgress } = options;
  const log = new ImportLog();
  let writer: VisitWriter | null = null;
  const { name, format } = source;
  const writerWith = (resolveDrugs: DrugResolver, see: (key: string) => boolean): VisitWriter =>
    new VisitWriter({
      db,
      log,
      name,
      format,
      resolveDrugs,
      titles,
      demo: false,
      actor,
      firstSeen: dryRun ? see : undefined,
      run,
    });
  let batch: ImportedVisit[] = [];
  const flush = (to: VisitWriter): void => {
    if (batch.length === 0) return;
    to.store(batch);
    batch = [];
  };
  const end = dryRun ? 1 : STORING;
  const progress = new ProgressTeller(onProgress);
  await runSource({ ...options, progress, end }, log, async (visits, staging, tell) => {
    writer ??= writerWith(
      (name) => [asId<DrugId>(name)],
      (key) => staging.see(key),
    ); // They are ingredients by now.
    for (const { record, hash, origin } of visits) {
      const parsed = parseVisitRecord(record);
      if (parsed.ok) batch.push({ record: parsed.record, hash, ...origin });
      else log.refuse(origin.line, parsed.problem, origin.file);
    }
    if (batch.length < BATCH && visits.length > 0) return;
    flush(writer);
    tell(writer.visitsCreated);
    await nextTurn();
  });
  writer ??= writerWith(
    () => null,
    () => true,
  );
  const stopped = (): boolean => signal?.aborted ?? false;
  const report = writer.finish(stopped());
  await makeSearchable(db, report, { stopped, progress });
  return report;
}

type Progress = (visits: number) => void;

/**
 * Runs a source to its end or until it is cancelled. `take` gets the visits of one patient at a time, and an empty list at
 * the end. What it took stays.
 */
export async function runSource(
  {
    source,
    drugs,
    site,
    scratch,
    nativeBinding,
    settings,
    signal,
    onProgress,
    progress = new ProgressTeller(onProgress),
    end = 1,
  }: SourceRun,
  log: ImportLog,
  take: (visits: readonly MappedVisit[], staging: StagingFile, progress: Progress) => Promise<void>,
): Promise<void> {
  const opened: FileBytes[] = [];
  const packed = source.files.reduce(
    (sum, { size, name }) => sum + size * (name.endsWith('.gz') ? UNPACKED : 1),
    0,
  );
  const staging = new StagingFile(scratch, packed / 2, nativeBinding);
  const context: SourceContext = {
    log,
    drugs: new DrugReader(drugs, site),
    staging,
    conditionCodes: (code) => site.look('snomed', code),
    open: ({ path }) => {
      const file = new FileBytes(path);
      opened.push(file);
      return file;
    },
  };
  const stopped = (): boolean => signal?.aborted ?? false;
  try {
    const reader: VisitSource = openSource(source, settings);
    let turn = performance.now();
    for await (const _read of reader.stage(context)) {
      if (performance.now() - turn < 20) continue;
      const bytes = opened.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
      progress.tell(log.linesRead, 0, end * READING * Math.min(1, bytes / Math.max(1, source.bytes)));
      await nextTurn(); // Other calls are answered here, a cancellation arrives here.
      turn = performance.now();
      if (stopped()) return;
    }
    for (let bucket = 0; bucket < staging.buckets && !stopped(); bucket += 1) {
      const tell: Progress = (visits) =>
        progress.tell(log.linesRead, visits, end * (READING + (1 - READING) * (bucket / staging.buckets)));
      for (const { patient, facts } of staging.patients(bucket)) {
        if (facts === null) log.refuse(0, `patient ${patient} has more rows than can be read; none was used`);
        else {
          const visits = reader.visitsOf(patient, facts, context);
          if (visits.length > 0) await take(mapVisits(visits, context), staging, tell);
        }
        if (stopped()) break;
      }
      await nextTurn();
    }
    await take([], staging, (visits) => progress.tell(log.linesRead, visits, stopped() ? null : end));
  } finally {
    staging.close();
  }
}
