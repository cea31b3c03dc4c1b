/** Changes the site's own mapping table, each change audited with it. Decides nothing about what a row may hold. */

import type { MappingKind } from '../../shared/import-api.ts';
import { appendAudit } from '../store/audit.ts';
import type { WritableDb } from '../store/handle.ts';
import { putMapping, removeMapping, type StoredMapping } from '../store/site-mappings.ts';

/** Stores rows, all of them or none. */
export function storeMappings(db: WritableDb, rows: readonly StoredMapping[], actor: string): void {
  if (rows.length === 0) return;
  db.transaction(() => {
    for (const row of rows) putMapping(db, row);
    const [first] = rows;
    const content =
      rows.length === 1
        ? { kind: first!.kind, written: first!.written, targets: first!.targets }
        : { rows: rows.length };
    appendAudit(db, { actor, action: 'mapping.changed', subject: 'site mappings', content });
  });
}

/** @returns false when there was no such row */
export function forgetMapping(db: WritableDb, kind: MappingKind, written: string, actor: string): boolean {
  return db.transaction(() => {
    if (!removeMapping(db, kind, written)) return false;
    appendAudit(db, {
      actor,
      action: 'mapping.removed',
      subject: 'site mappings',
      content: { kind, written },
    });
    return true;
  });
}
