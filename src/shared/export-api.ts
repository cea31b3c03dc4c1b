/** What leaves Flame as a file of records: formats, the wish, progress, report. Types and constants only. */

import type { PatientId } from './ids.ts';

interface Method<Params, Result, Progress = never> {
  readonly params: Params;
  readonly result: Result;
  readonly progress: Progress;
}

/** Ending of the file's name by format; docs/references/exports.md describes each. */
export const EXPORT_FORMATS = {
  'fhir-bundle': 'json',
  'fhir-ndjson': 'ndjson',
  json: 'jsonl',
  visits: 'jsonl',
  'csv-visits': 'csv',
  'csv-decisions': 'csv',
  research: 'jsonl',
} as const;
export type ExportFormat = keyof typeof EXPORT_FORMATS;
export const EXPORT_FORMAT_NAMES = Object.keys(EXPORT_FORMATS) as ExportFormat[];

/** Characters of a passphrase at least: the file may lie anywhere, and whoever has it may guess for years. */
export const SHORTEST_EXPORT_PASSPHRASE = 12;

/** Which visits: by their own date, both days included; null leaves an end open. */
export interface ExportScope {
  readonly from: string | null;
  readonly to: string | null;
  /** The bundled demo patients instead of the site's own. */
  readonly demo: boolean;
  /** One patient alone; null for all. */
  readonly patientId: PatientId | null;
}

export interface ExportCount {
  readonly patients: number;
  readonly visits: number;
  readonly decisions: number;
}

export interface ExportWish extends ExportScope {
  readonly format: ExportFormat;
  /** Encrypts the file by the age format; null writes it in clear. */
  readonly passphrase: string | null;
}

export interface ExportProgress {
  readonly visits: number;
  readonly totalVisits: number;
  /** Null before it can be told. */
  readonly secondsLeft: number | null;
}

export interface ExportReport extends ExportCount {
  /** Name of the file without its folder. */
  readonly file: string;
  /** Resources, lines or rows, by format. */
  readonly records: number;
  /** Of the file as it lies there, encrypted or not. */
  readonly bytes: number;
  readonly sha256: string;
  readonly encrypted: boolean;
}

export interface ExportApi {
  /** How much an export would hold. */
  'exports.count': Method<ExportScope, ExportCount>;
  /** Writes records to the place behind a grant for writing. The audit entry stands before the file does. */
  'exports.write': Method<ExportWish & { grant: string }, ExportReport, ExportProgress>;
}

export const EXPORT_METHODS = {
  'exports.count': true,
  'exports.write': true,
} as const satisfies Record<keyof ExportApi, true>;
