/** A site's own interaction table as the screen sees it: what was read, what it changes, what is in use. Types only. */

import type { DrugName, Severity } from './domain.ts';

interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
  readonly progress: never;
}

/** The table in use. */
export interface SiteTableSummary {
  /** Name of the file that it came from. */
  readonly name: string;
  /** SHA-256 of its rows, hexadecimal; its first eight digits stand in the version of the tables. */
  readonly sha256: string;
  /** ISO time. */
  readonly importedAt: string;
  readonly importedBy: string;
  readonly rows: number;
  /** Pairs of drugs that its rows speak of. */
  readonly pairs: number;
  /** Rows of names that the drug tables of now do not know: they say nothing. */
  readonly unresolvedRows: number;
}

/** A pair of drugs whose level differs with the table and without. */
export interface PairChange {
  readonly a: DrugName;
  readonly b: DrugName;
  /** Level without the table; 0 when nothing is recorded. */
  readonly before: 0 | Severity;
  readonly after: Severity;
  /** The highest level that the table itself states. */
  readonly stated: Severity;
  /** Why shipped statements do not count any more; null where they do. */
  readonly reason: string | null;
}

/** Some of many: `shown` are the first, worst first. */
export interface Sample<Item> {
  readonly count: number;
  readonly shown: readonly Item[];
}

/** What a file would change, before anything is changed. */
export interface SiteTablePreview {
  readonly name: string;
  readonly sha256: string;
  readonly rowsRead: number;
  readonly rowsUsed: number;
  readonly refused: Sample<{ readonly line: number; readonly problem: string }>;
  /** Names that no drug table knows, most frequent first. Their rows are kept and say nothing. */
  readonly unresolved: Sample<{ readonly name: string; readonly count: number }>;
  readonly pairs: number;
  readonly added: Sample<PairChange>;
  readonly raised: Sample<PairChange>;
  /** Lowered on purpose: the row says why. */
  readonly lowered: Sample<PairChange>;
  /** The table states less and gives no reason: the shipped level stays, the table's stands beside it. */
  readonly below: Sample<PairChange>;
  readonly unchanged: number;
}

export interface SiteTableApi {
  'siteTable.get': Method<Record<string, never>, { readonly table: SiteTableSummary | null }>;
  /** Reads the file behind a grant; changes nothing, and leaves the grant for the import. */
  'siteTable.preview': Method<{ grant: string }, SiteTablePreview>;
  /** Takes the table into use in place of the one before; `sha256` is that of the preview that was read. */
  'siteTable.import': Method<{ grant: string; sha256: string }, SiteTableSummary>;
  /** Takes the table out of use; its rows are deleted, decisions made with it keep what they hold. */
  'siteTable.remove': Method<Record<string, never>, Record<string, never>>;
}

export const SITE_TABLE_METHODS = {
  'siteTable.get': true,
  'siteTable.preview': true,
  'siteTable.import': true,
  'siteTable.remove': true,
} as const satisfies Record<keyof SiteTableApi, true>;
