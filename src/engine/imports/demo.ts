/** The bundled demo patients: describes their sources and terms, and loads them when asked. Loads nothing by itself. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { DemoDescription } from '../../shared/contract.ts';
import type { ImportProgress, ImportReport } from '../../shared/import-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { importVisits, type ImportOptions } from './import-visits.ts';
import type { WritableDb } from '../store/handle.ts';

const demoManifest = z.object({
  format: z.literal(1),
  sources: z
    .array(
      z.object({
        name: z.string(),
        licence: z.string(),
        terms: z.string(),
        file: z.string().regex(/^[a-z0-9-]+\.jsonl\.gz$/),
        /** Of the content before compression. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        patients: z.int(),
        visits: z.int(),
      }),
    )
    .min(1),
});
export type DemoManifest = z.infer<typeof demoManifest>;

/** @throws FlameError DEMO_CORRUPT */
export function describeDemo(folder: string, loaded: boolean): DemoDescription {
  const { sources } = readManifest(folder);
  return {
    patients: sources.reduce((sum, { patients }) => sum + patients, 0),
    visits: sources.reduce((sum, { visits }) => sum + visits, 0),
    loaded,
    sources: sources.map(({ name, licence, terms }) => ({ name, licence, terms })),
  };
}

/** Imports every source through the importer of all visit files; the report adds them up. */
export async function loadDemo(
  db: WritableDb,
  folder: string,
  options: Omit<ImportOptions, 'file' | 'demo'>,
): Promise<ImportReport> {
  const { sources } = readManifest(folder);
  for (const { file, sha256 } of sources) verify(folder, file, sha256);
  const reports: ImportReport[] = [];
  let before: Pick<ImportProgress, 'linesRead' | 'visitsStored'> = { linesRead: 0, visitsStored: 0 };
  for (const [index, { file }] of sources.entries()) {
    if (options.signal?.aborted) break;
    let last = before;
    const report = await importVisits(db, {
      ...options,
      file: join(folder, file),
      demo: true,
      onProgress: (progress) => {
        last = {
          linesRead: before.linesRead + progress.linesRead,
          visitsStored: before.visitsStored + progress.visitsStored,
        };
        const fraction = (index + (progress.fraction ?? 0)) / sources.length;
        options.onProgress?.({ ...last, fraction, secondsLeft: null });
      },
    });
    before = last;
    reports.push(report);
  }
  return sumOf(reports, options.signal?.aborted ?? false);
}

function readManifest(folder: string): DemoManifest {
  try {
    return demoManifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  } catch (cause) {
    throw new FlameError('DEMO_CORRUPT', { file: 'manifest.json' }, { cause });
  }
}

function verify(folder: string, file: string, sha256: string): void {
  let found: string;
  try {
    found = createHash('sha256')
      .update(gunzipSync(readFileSync(join(folder, file))))
      .digest('hex');
  } catch (cause) {
    throw new FlameError('DEMO_CORRUPT', { file }, { cause });
  }
  if (found !== sha256) throw new FlameError('DEMO_CORRUPT', { file });
}

function sumOf(reports: readonly ImportReport[], cancelled: boolean): ImportReport {
  const total = (numberOf: (report: ImportReport) => number): number =>
    reports.reduce((sum, report) => sum + numberOf(report), 0);
  const all = <Item>(listOf: (report: ImportReport) => readonly Item[]): Item[] => reports.flatMap(listOf);
  return {
    file: 'demo patients',
    format: 'visits',
    dryRun: false,
    linesRead: total((report) => report.linesRead),
    tables: [{ name: 'visits', rows: total((report) => report.linesRead), used: true }],
    patientsCreated: total((report) => report.patientsCreated),
    visitsCreated: total((report) => report.visitsCreated),
    visitsSkipped: total((report) => report.visitsSkipped),
    refused: all(({ refused }) => refused),
    refusedCount: total((report) => report.refusedCount),
    leftOut: all(({ leftOut }) => leftOut),
    drugs: {
      mentions: total(({ drugs }) => drugs.mentions),
      mapped: total(({ drugs }) => drugs.mapped),
      throughSite: total(({ drugs }) => drugs.throughSite),
      throughCode: total(({ drugs }) => drugs.throughCode),
      setAside: total(({ drugs }) => drugs.setAside),
      unmapped: total(({ drugs }) => drugs.unmapped),
      nameless: total(({ drugs }) => drugs.nameless),
    },
    unresolvedDrugs: all(({ unresolvedDrugs }) => unresolvedDrugs),
    ambiguousDrugs: all(({ ambiguousDrugs }) => ambiguousDrugs),
    unknownCodes: all(({ unknownCodes }) => unknownCodes),
    unmappedConditions: all(({ unmappedConditions }) => unmappedConditions),
    cancelled,
  };
}
