/** Imports whatever was picked, a file or a folder, in the format that was detected or asked for. Holds no rule of a format. */

import { DrugReader, type SiteMappings } from '../knowledge/drug-reader.ts';
import type { Drugs } from '../knowledge/drugs.ts';
import { detectSource } from '../records/sources/detect.ts';
import type { SourceOptions } from '../records/sources/open.ts';
import type { ImportFormat, ImportProgress, ImportReport } from '../shared/import-api.ts';
import { importSource } from './import-source.ts';
import { importVisits } from './import-visits.ts';
import type { WritableDb } from './store/handle.ts';
import type { Titles } from './store/search.ts';
import { StagingFile } from './store/staging.ts';

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

/** @throws FlameError IMPORT_EMPTY, FILE_NOT_READABLE, INVALID_INPUT, or of the STORE family */
export async function importPicked(db: WritableDb, options: PickedImport): Promise<ImportReport> {
  const source = await detectSource(options.path, options.format);
  if (source.format !== 'visits') return importSource(db, { ...options, source });
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
