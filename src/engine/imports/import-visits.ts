/**
 * Imports a file in the visit format into the store: in batches, with progress, cancellable between them, and safe to
 * repeat. Decides nothing about the format (src/records) or the tables (store/).
 */

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DrugReading } from '../../knowledge/drug-reader.ts';
import { ImportLog } from '../../records/import-log.ts';
import { readVisitLines } from '../../records/visit-lines.ts';
import type { DrugResolver, ParsedVisit } from '../../records/visit-record.ts';
import type { ImportProgress, ImportReport } from '../../shared/import-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { makeSearchable } from './complete-search.ts';
import { ProgressTeller, STORING } from './import-progress.ts';
import type { WritableDb } from '../store/handle.ts';
import type { Titles } from '../store/search.ts';
import { VisitWriter, type ImportedVisit, type WriterOptions } from './visit-writer.ts';

export interface ImportOptions {
  readonly file: string;
  readonly resolveDrugs: DrugResolver;
  /** How a name is read, for the report; without it only whether it is known. */
  readonly readDrug?: ((name: string) => DrugReading) | undefined;
  readonly titles: Titles;
  /** Marks the patients as bundled demonstration patients. */
  readonly demo?: boolean;
  /** Who imports, for the audit log. */
  readonly actor: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Set in a dry run, which stores nothing: true when a key is asked for the first time. */
  readonly firstSeen?: ((key: string) => boolean) | undefined;
  /** The run that this import is; see VisitWriter. */
  readonly run?: WriterOptions['run'];
}

/** Lines a transaction: long enough that the disk does not set the pace, short enough to answer other calls between. */
const BATCH = 500;

/**
 * Reads a file in the visit format into the store. Lines that cannot be used are reported and skipped; visits that
 * are stored already are not stored twice. When `signal` aborts, what is stored stays and the report says so.
 * @throws FlameError IMPORT_EMPTY when no line was usable, FILE_NOT_READABLE, INVALID_INPUT, or of the STORE family
 */
export async function importVisits(db: WritableDb, options: ImportOptions): Promise<ImportReport> {
  const { file, signal, onProgress, demo = false } = options;
  const size = sizeOf(file);
  const log = new ImportLog();
  const writer = new VisitWriter({ db, log, ...options, name: basename(file), format: 'visits', demo });
  const progress = new ProgressTeller(onProgress);
  const count = drugCounter(log, options);
  let batch: ImportedVisit[] = [];
  let bytesRead = 0;
  const stopped = (): boolean => signal?.aborted ?? false;

  const flush = async (): Promise<void> => {
    writer.store(batch);
    batch = [];
    const fraction = size === null || size === 0 ? null : Math.min(1, bytesRead / size);
    progress.tell(log.linesRead, writer.visitsCreated, fraction === null ? null : STORING * fraction);
    await nextTurn(); // Other calls are answered here, a cancellation arrives here.
  };

  if (!stopped()) {
    for await (const line of readVisitLines(file)) {
      bytesRead = line.bytesRead;
      log.row('visits');
      if (line.ok) {
        const { record } = line;
        count(record);
        const hash = createHash('sha256').update(JSON.stringify(record)).digest('hex');
        batch.push({ record, hash, line: line.line });
      } else log.refuse(line.line, line.problem);
      if (batch.length < BATCH) continue;
      await flush();
      if (stopped()) break;
    }
    if (batch.length > 0) await flush();
  }
  const report = writer.finish(stopped());
  await makeSearchable(db, report, { stopped, progress });
  return report;
}

function drugCounter(
  log: ImportLog,
  { resolveDrugs, readDrug }: ImportOptions,
): (record: ParsedVisit) => void {
  const read =
    readDrug ??
    ((name: string): DrugReading => {
      const drugs = resolveDrugs(name);
      return drugs && drugs.length > 0 ? { kind: 'drug', drugs, through: 'name' } : { kind: 'unmapped' };
    });
  return ({ drugs, current = [], previous = [] }) => {
    for (const name of [...(drugs ?? []), ...current, ...previous])
      log.drug({ name, codes: [], count: 1 }, read(name));
  };
}

function sizeOf(file: string): number | null {
  try {
    const stat = statSync(file);
    return stat.isFile() ? stat.size : null;
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file: basename(file) }, { cause });
  }
}
