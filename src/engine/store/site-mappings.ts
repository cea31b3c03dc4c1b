/** The site's own table: what its drug names, drug codes and conditions mean. Reads and writes rows, judges none. */

import { z } from 'zod';
import { mappingKey, type SiteMappings } from '../../knowledge/drug-reader.ts';
import type { MappingKind } from '../../shared/import-api.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

export interface StoredMapping {
  readonly kind: MappingKind;
  readonly written: string;
  readonly targets: readonly string[];
  readonly changedAt: string;
}

interface Row {
  readonly kind: MappingKind;
  readonly key: string;
  readonly written: string;
  readonly targets: string;
  readonly changed_at: string;
}

const Targets = z.array(z.string());

/** By kind and spelling. */
export function listMappings(db: ReadableDb): StoredMapping[] {
  return db
    .all<Row>('SELECT * FROM site_mappings ORDER BY kind, key')
    .map(({ kind, written, targets, changed_at }) => ({
      kind,
      written,
      targets: Targets.parse(JSON.parse(targets)),
      changedAt: changed_at,
    }));
}

/** Stores a row or replaces the one for the same entry. */
export function putMapping(db: WritableDb, { kind, written, targets, changedAt }: StoredMapping): void {
  db.run(
    `INSERT INTO site_mappings (kind, key, written, targets, changed_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (kind, key) DO UPDATE SET written = excluded.written, targets = excluded.targets,
       changed_at = excluded.changed_at`,
    kind,
    mappingKey(kind, written),
    written,
    JSON.stringify(targets),
    changedAt,
  );
}

/** True when there was such a row. */
export function removeMapping(db: WritableDb, kind: MappingKind, written: string): boolean {
  return (
    db.run('DELETE FROM site_mappings WHERE kind = ? AND key = ?', kind, mappingKey(kind, written)).changes >
    0
  );
}

/** The table as it is now, for an import. */
export function siteMappings(db: ReadableDb): SiteMappings {
  return siteMappingsOf(listMappings(db));
}

export function siteMappingsOf(
  rows: readonly Pick<StoredMapping, 'kind' | 'written' | 'targets'>[],
): SiteMappings {
  const known = new Map(
    rows.map(({ kind, written, targets }) => [`${kind} ${mappingKey(kind, written)}`, targets]),
  );
  return {
    look: (kind, key) => (known.size === 0 ? null : (known.get(`${kind} ${mappingKey(kind, key)}`) ?? null)),
  };
}
