/** Keeps the site's own interaction table, one in use at a time. Resolves no name and merges nothing. */

import type { SiteRow, SiteTable } from '../../knowledge/site-table.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { SeverityColumn } from './json-columns.ts';

export interface StoredSiteTable extends SiteTable {
  /** ISO time. */
  readonly importedAt: string;
  readonly importedBy: string;
}

interface TableRow {
  readonly key: number;
  readonly name: string;
  readonly sha256: string;
  readonly imported_at: string;
  readonly imported_by: string;
}

interface RowRow extends Omit<SiteRow, 'severity' | 'nativeSeverity'> {
  readonly severity: number;
  readonly native_severity: string;
}

/** The table in use, or null. */
export function siteTableInUse(db: ReadableDb): StoredSiteTable | null {
  const found = db.get<TableRow>(
    'SELECT key, name, sha256, imported_at, imported_by FROM site_tables WHERE removed_at IS NULL',
  );
  if (!found) return null;
  const rows = db
    .all<RowRow>(
      `SELECT a, b, severity, native_severity, effect, mechanism, management, source, overrules
       FROM site_table_rows WHERE site_table = ? ORDER BY position`,
      found.key,
    )
    .map(({ severity, native_severity, ...texts }) => ({
      ...texts,
      severity: SeverityColumn.parse(severity),
      nativeSeverity: native_severity,
    }));
  const { name, sha256, imported_at, imported_by } = found;
  return { name, sha256, importedAt: imported_at, importedBy: imported_by, rows };
}

/** Puts a table in the place of the one in use. Call it inside a transaction with its audit entry. */
export function useSiteTable(db: WritableDb, table: StoredSiteTable): void {
  db.transaction(() => {
    dropSiteTable(db, table.importedAt);
    const { rowid } = db.run(
      'INSERT INTO site_tables (name, sha256, imported_at, imported_by) VALUES (?, ?, ?, ?)',
      table.name,
      table.sha256,
      table.importedAt,
      table.importedBy,
    );
    for (const [position, row] of table.rows.entries()) {
      db.run(
        `INSERT INTO site_table_rows (site_table, position, a, b, severity, native_severity, effect, mechanism,
           management, source, overrules) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        rowid,
        position,
        row.a,
        row.b,
        row.severity,
        row.nativeSeverity,
        row.effect,
        row.mechanism,
        row.management,
        row.source,
        row.overrules,
      );
    }
  });
}

/** Takes the table in use out of use and deletes its rows; that it was in use stays known. @returns false without one */
export function dropSiteTable(db: WritableDb, at: string): boolean {
  return db.transaction(() => {
    const found = db.get<{ key: number }>('SELECT key FROM site_tables WHERE removed_at IS NULL');
    if (!found) return false;
    db.run('DELETE FROM site_table_rows WHERE site_table = ?', found.key);
    db.run('UPDATE site_tables SET removed_at = ? WHERE key = ?', at, found.key);
    return true;
  });
}
