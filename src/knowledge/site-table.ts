/**
 * A site's own interaction table: its rows as pairs of drugs, and the tables with them laid over the shipped ones. Reads
 * no file; a level falls only where a row says why.
 */

import type { Severity } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import { pairKey } from '../shared/interactions.ts';
import type { Drugs } from './drugs.ts';
import type { Knowledge } from './knowledge.ts';

/** Source identifier of every statement of the site's table. */
export const SITE_SOURCE = 'site-table';

/** One row as written; texts are empty where the file says nothing. */
export interface SiteRow {
  readonly a: string;
  readonly b: string;
  readonly severity: Severity;
  /** The level in the file's own words. */
  readonly nativeSeverity: string;
  readonly effect: string;
  readonly mechanism: string;
  readonly management: string;
  readonly source: string;
  /** Why the shipped statements of the pair do not count at this site; empty unless the level is to fall. */
  readonly overrules: string;
}

export interface SiteTable {
  /** Name of the file. */
  readonly name: string;
  /** SHA-256 of the rows, hexadecimal. */
  readonly sha256: string;
  readonly rows: readonly SiteRow[];
}

/** What the table says of one pair, in the drug tables' spelling. */
export interface SiteStatement {
  readonly a: DrugId;
  readonly b: DrugId;
  readonly row: SiteRow;
}

export interface ResolvedSiteTable {
  readonly statements: readonly SiteStatement[];
  /** Pairs that are stated. */
  readonly pairs: number;
  /** Names that nothing is called, with the rows that hold them. */
  readonly unresolved: ReadonlyMap<string, number>;
  readonly unresolvedRows: number;
}

/**
 * Reads the names of the rows: ingredients, brands, synonyms. A brand of several ingredients speaks for each of them,
 * which warns too often rather than too seldom. A row with an unknown name says nothing and is counted.
 */
export function resolveSiteTable(rows: readonly SiteRow[], drugs: Drugs): ResolvedSiteTable {
  const unresolved = new Map<string, number>();
  const statements: SiteStatement[] = [];
  const pairs = new Set<string>();
  let unresolvedRows = 0;
  for (const row of rows) {
    const found = [row.a, row.b].map((name) => {
      const ids = drugs.find(name);
      if (ids.length === 0) unresolved.set(name, (unresolved.get(name) ?? 0) + 1);
      return ids.map((id) => drugs.canonical(id));
    });
    const [left = [], right = []] = found;
    if (left.length === 0 || right.length === 0) unresolvedRows += 1;
    for (const a of left) {
      for (const b of right) {
        if (a === b) continue;
        statements.push({ a, b, row });
        pairs.add(pairKey(a, b));
      }
    }
  }
  return { statements, pairs: pairs.size, unresolved, unresolvedRows };
}

/** The tables with a site's own laid over them, under a version that names it. The shipped ones stay as they are. */
export function withSiteTable(knowledge: Knowledge, table: SiteTable): Knowledge {
  const { statements } = resolveSiteTable(table.rows, knowledge.drugs);
  const mark = `+site-${table.sha256.slice(0, 8)}`;
  return {
    ...knowledge,
    version: `${knowledge.version}${mark}`,
    interactionVersion: `${knowledge.interactionVersion}${mark}`,
    interactions: knowledge.interactions.withSite(statements, table.name),
  };
}
