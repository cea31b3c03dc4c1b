/**
 * What every foreign format is turned into: facts filed under their patient, then visits of one patient at a time. Types
 * that readers and the engine share; reads nothing itself.
 */

import type { DrugMention, DrugReader } from '../../knowledge/drug-reader.ts';
import type { VisitRecord } from '../../shared/domain.ts';
import type { ImportFormat } from '../../shared/import-api.ts';
import type { FileBytes } from '../file-bytes.ts';
import type { ImportLog } from '../import-log.ts';

/** A file of the picked folder. */
export interface SourceFile {
  readonly path: string;
  /** Without its folder. */
  readonly name: string;
}

/** A drug entry and how often the visit holds it. */
export interface CountedMention extends DrugMention {
  readonly count: number;
}

/** JSON; the first element says what kind of fact it is. */
export type Fact = readonly [kind: string, ...values: unknown[]];

/** Files facts by patient on disk and gives them back patient by patient, so that no file has to be in order. */
export interface Staging {
  add(patient: string, fact: Fact): void;
  /** A small table for references between rows, e.g. from a stay to its patient. */
  put(key: string, value: string): void;
  get(key: string): string | null;
}

/** The one visit model that every format ends in: the visit format, with drugs as the source writes them. */
export type SourceVisit = Omit<VisitRecord, 'drugs' | 'current' | 'previous' | 'unmapped'> & {
  readonly drugs: readonly CountedMention[] | null;
  readonly current: readonly CountedMention[];
  /** Where the source says it; otherwise they are the drugs of the patient's visit before. */
  readonly previous?: readonly CountedMention[];
  /** The row that made it. */
  readonly origin: { readonly file: string; readonly line: number };
  /**
   * Where the source orders visits only within an episode and episodes by year: two episodes of one year have no order, so
   * neither is the other's past. Absent: the patient's visits come in order.
   */
  readonly episode?: { readonly id: string; readonly position: number };
};

export interface SourceContext {
  readonly log: ImportLog;
  readonly drugs: DrugReader;
  readonly staging: Staging;
  /** ICD-10-CM codes that the site's table gives for a SNOMED CT code; null when it does not know it. */
  readonly conditionCodes: (snomed: string) => readonly string[] | null;
  /** Opens a file; what is read through it counts for the progress. */
  readonly open: (file: SourceFile) => FileBytes;
}

export interface VisitSource {
  readonly format: ImportFormat;
  /** Reads every file once and files its facts. Yields often, so that others are answered and a cancellation arrives. */
  stage(context: SourceContext): AsyncGenerator<void>;
  /** The visits of one patient, oldest first. */
  visitsOf(patient: string, facts: readonly Fact[], context: SourceContext): SourceVisit[];
}
