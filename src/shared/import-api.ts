/** What importing is asked and answers: formats, reports, a site's own mapping table. Types and constants; no wording. */

import type { Method } from './contract.ts';
import type { DrugName } from './domain.ts';
import type { DrugId } from './ids.ts';

/** `visits` is Flame's own format (docs/references/visit-format.md); the others are docs/references/importers.md. */
export const IMPORT_FORMATS = ['visits', 'fhir', 'mimic-iv', 'mimic-iii', 'eicu', 'csv'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** What the columns of a generic CSV file can be: fields of the visit format, and codes beside drug names. */
export const CSV_FIELDS = [
  'visit',
  'patient',
  'name',
  'date',
  'year',
  'age',
  'birth_date',
  'sex',
  'setting',
  'clinician',
  'dx_system',
  'dx',
  'procedures',
  'drugs',
  'drugs_rxnorm',
  'drugs_ndc',
  'current',
  'current_rxnorm',
  'current_ndc',
  'allergies',
  'creatinine',
  'weight',
  'height',
  'systolic',
  'diastolic',
  'heart_rate',
  'temperature',
  'notes',
] as const;
export type CsvField = (typeof CSV_FIELDS)[number];
/** Column of each field; a field that is left out is looked for under its own name. */
export type ColumnMapping = Readonly<Partial<Record<CsvField, string>>>;

export type DrugCodeSystem = 'rxnorm' | 'ndc' | 'hicl';
/** What a row of a site's table maps: a drug by name or code, or a condition by its SNOMED CT code. */
export const MAPPING_KINDS = ['name', 'ndc', 'rxnorm', 'hicl', 'snomed'] as const;
export type MappingKind = (typeof MAPPING_KINDS)[number];

export interface ImportProgress {
  readonly linesRead: number;
  readonly visitsStored: number;
  /** 0 to 1; null when the size is unknown. */
  readonly fraction: number | null;
  readonly secondsLeft: number | null;
}

/** One refused row; `file` says which of several. */
export interface Refusal {
  readonly file?: string;
  readonly line: number;
  readonly problem: string;
}

/** How the drug entries of a source were read, each mention counted. */
export interface DrugMappingCounts {
  readonly mentions: number;
  readonly mapped: number;
  /** Of `mapped`: through the site's own table. */
  readonly throughSite: number;
  /** Of `mapped`: through a code alone. */
  readonly throughCode: number;
  /** The site's table says that they are no drug. */
  readonly setAside: number;
  readonly unmapped: number;
  /** Of `unmapped`: entries without a name. */
  readonly nameless: number;
}

export interface ImportReport {
  readonly file: string;
  readonly format: ImportFormat;
  /** True when nothing was stored: the report says what would be. */
  readonly dryRun: boolean;
  readonly linesRead: number;
  /** Rows by table or resource type, in the order in which they were met; `used` is false where Flame reads none of them. */
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly used: boolean }[];
  readonly patientsCreated: number;
  readonly visitsCreated: number;
  /** Lines whose visit was stored before (same source id): not stored twice. */
  readonly visitsSkipped: number;
  /** The first 100 refused lines; `refusedCount` counts all. */
  readonly refused: readonly Refusal[];
  readonly refusedCount: number;
  /** Parts of rows that were left out while the rest was imported, by reason, most frequent first (at most 100). */
  readonly leftOut: readonly { readonly reason: string; readonly count: number }[];
  readonly drugs: DrugMappingCounts;
  /** Drug entries that no table resolved, with their counts, most frequent first (at most 100). */
  readonly unresolvedDrugs: readonly {
    readonly name: string;
    readonly count: number;
    /** What the site's table can map it by; absent in the visit format, where it is the name. */
    readonly kind?: MappingKind;
  }[];
  /** Entries that can be read in two ways: how they were read, and how else (at most 100). */
  readonly ambiguousDrugs: readonly {
    readonly name: string;
    readonly count: number;
    readonly drugs: readonly DrugId[];
    readonly also: readonly DrugId[];
  }[];
  /** Diagnosis codes that no table knows; kept as written. */
  readonly unknownCodes: readonly { readonly code: string; readonly count: number }[];
  /** SNOMED CT conditions without an ICD code: the visit holds their words in its notes. */
  readonly unmappedConditions: readonly {
    readonly code: string;
    readonly title: string;
    readonly count: number;
  }[];
  /** True when the import was stopped before the end; what the report counts is stored all the same. */
  readonly cancelled?: boolean;
  /** Visits that an earlier, interrupted part of this import had handled; the counts hold both parts. */
  readonly resumedAfter?: number;
}

/** A row of the site's own table as the screen shows it. */
export interface SiteMapping {
  readonly kind: MappingKind;
  /** As the source writes it. */
  readonly written: string;
  /** Ingredients, or for `snomed` ICD-10-CM codes; empty: no drug, or no diagnosis. */
  readonly targets: readonly string[];
  /** Ingredients with their shown names; empty for `snomed`. */
  readonly names: readonly DrugName[];
  /** ISO time. */
  readonly changedAt: string;
}

/** What was picked, before anything of it is read through. */
export interface InspectedSource {
  readonly name: string;
  readonly format: ImportFormat;
  readonly files: number;
  /** As it lies on disk. */
  readonly bytes: number;
  /** The columns of a generic CSV file, to be mapped; empty for every other format. */
  readonly columns: readonly string[];
}

export interface MappingFileReport {
  readonly stored: number;
  readonly refused: readonly Refusal[];
}

/** An import that was cancelled or interrupted and can go on. */
export interface UnfinishedImport {
  readonly id: string;
  readonly name: string;
  readonly format: ImportFormat;
  readonly startedAt: string;
  readonly visitsStored: number;
}

export interface ImportsApi {
  /** Those that stopped; none that is under way. */
  'imports.unfinished': Method<Record<string, never>, readonly UnfinishedImport[]>;
  /** Goes on where an unfinished import stopped, if the files are still what they were; otherwise from the beginning. */
  'imports.resume': Method<{ id: string }, ImportReport, ImportProgress>;
  /** Takes an unfinished import off the list; what it stored stays. */
  'imports.forget': Method<{ id: string }, Record<string, never>>;
  /** Looks at what is behind a grant and tells its format. The grant stays good. */
  'imports.inspect': Method<{ grant: string }, InspectedSource>;
  /**
   * Imports the file or folder behind a grant; a dry run leaves the grant good. Without a format the content tells it.
   */
  'visits.import': Method<
    { grant: string; format?: ImportFormat; dryRun?: boolean; columns?: ColumnMapping },
    ImportReport,
    ImportProgress
  >;
  /** The site's own table. */
  'mappings.list': Method<Record<string, never>, readonly SiteMapping[]>;
  /** Stores a row or replaces the one of the same entry. No target says that the entry is no drug, or no diagnosis. */
  'mappings.put': Method<{ kind: MappingKind; written: string; targets: readonly string[] }, SiteMapping>;
  'mappings.remove': Method<{ kind: MappingKind; written: string }, Record<string, never>>;
  /** Adds the rows of a CSV file; its rows replace those of the same entry. */
  'mappings.import': Method<{ grant: string }, MappingFileReport>;
  'mappings.export': Method<{ grant: string }, { rows: number }>;
}

export const IMPORTS_METHODS = {
  'imports.unfinished': true,
  'imports.resume': true,
  'imports.forget': true,
  'imports.inspect': true,
  'visits.import': true,
  'mappings.list': true,
  'mappings.put': true,
  'mappings.remove': true,
  'mappings.import': true,
  'mappings.export': true,
} as const satisfies Record<keyof ImportsApi, true>;
