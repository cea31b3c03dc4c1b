/** The handlers of a site's own interaction table: what a file would change, take it into use, take it out again. */

import {
  resolveSiteTable,
  withSiteTable,
  type ResolvedSiteTable,
  type SiteTable,
} from '../../knowledge/site-table.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { readSiteTableFile, type SiteTableFile } from '../../records/site-table-csv.ts';
import type { EngineApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import { pairKey } from '../../shared/interactions.ts';
import type {
  PairChange,
  Sample,
  SiteTableApi,
  SiteTablePreview,
  SiteTableSummary,
} from '../../shared/site-table-api.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import { dropSiteTable, useSiteTable, type StoredSiteTable } from '../store/site-tables.ts';
import type { Workspace } from '../workspace.ts';

const SHOWN = 200;

export function siteTableHandlers(
  workspace: Workspace,
  grants: Grants,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof SiteTableApi> {
  return {
    'siteTable.get': (params) => {
      parseParameters('siteTable.get', params);
      const { siteTable, shippedKnowledge } = workspace;
      return { table: siteTable && summaryOf(siteTable, resolve(siteTable, shippedKnowledge)) };
    },

    'siteTable.preview': async (params) => {
      const { grant } = parseParameters('siteTable.preview', params);
      const file = await readSiteTableFile(grants.path(grant, 'read'));
      return previewOf(file, workspace.shippedKnowledge);
    },

    'siteTable.import': async (params) => {
      const { grant, sha256 } = parseParameters('siteTable.import', params);
      const { table } = await readSiteTableFile(grants.path(grant, 'read'));
      const { db, shippedKnowledge } = workspace;
      if (table.sha256 !== sha256)
        throw new FlameError('INVALID_INPUT', {
          problem: `${table.name} has changed since its preview was made`,
        });
      const resolved = resolve(table, shippedKnowledge);
      if (resolved.pairs === 0)
        throw new FlameError('INVALID_INPUT', { problem: `${table.name} holds no usable pair` });
      const stored: StoredSiteTable = { ...table, importedAt: new Date().toISOString(), importedBy: actor() };
      db.transaction(() => {
        useSiteTable(db, stored);
        appendAudit(db, {
          actor: actor(),
          action: 'site-table.imported',
          subject: 'site-table',
          content: { file: table.name, sha256, rows: table.rows.length, pairs: resolved.pairs },
        });
      });
      workspace.takeSiteTable(stored);
      grants.used(grant);
      return summaryOf(stored, resolved);
    },

    'siteTable.remove': (params) => {
      parseParameters('siteTable.remove', params);
      const { db, siteTable } = workspace;
      if (siteTable === null) throw new FlameError('NOT_FOUND', { what: 'site table' });
      db.transaction(() => {
        dropSiteTable(db, new Date().toISOString());
        appendAudit(db, {
          actor: actor(),
          action: 'site-table.removed',
          subject: 'site-table',
          content: { file: siteTable.name, sha256: siteTable.sha256 },
        });
      });
      workspace.takeSiteTable(null);
      return {};
    },
  };
}

function resolve(table: SiteTable, { drugs }: Knowledge): ResolvedSiteTable {
  return resolveSiteTable(table.rows, drugs);
}

function summaryOf(
  { name, sha256, importedAt, importedBy, rows }: StoredSiteTable,
  { pairs, unresolvedRows }: ResolvedSiteTable,
): SiteTableSummary {
  return { name, sha256, importedAt, importedBy, rows: rows.length, pairs, unresolvedRows };
}

/** Every stated pair, by what happens to its level over the shipped tables. */
export function previewOf(
  { table, rowsRead, refused }: SiteTableFile,
  knowledge: Knowledge,
): SiteTablePreview {
  const resolved = resolve(table, knowledge);
  const layered = withSiteTable(knowledge, table);
  const stated = new Map<string, PairChange>();
  for (const { a, b, row } of resolved.statements) {
    const key = pairKey(a, b);
    const before = knowledge.interactions.severity(a, b);
    const after = layered.interactions.severity(a, b);
    if (after === 0) continue;
    const reason = row.overrules !== '' && after < before ? row.overrules : null;
    const held = stated.get(key);
    const higher = held !== undefined && held.stated > row.severity ? held.stated : row.severity;
    stated.set(key, {
      a: knowledge.drugs.name(a),
      b: knowledge.drugs.name(b),
      before,
      after,
      stated: higher,
      reason: held?.reason ?? reason,
    });
  }
  const changes = [...stated.values()].sort(byWeight);
  const added = changes.filter(({ before }) => before === 0);
  const raised = changes.filter(({ before, after }) => before !== 0 && after > before);
  const lowered = changes.filter(({ before, after }) => after < before);
  const below = changes.filter(({ before, after, stated: level }) => after === before && level < before);
  const names = [...resolved.unresolved]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name, count]) => ({ name, count }));
  return {
    name: table.name,
    sha256: table.sha256,
    rowsRead,
    rowsUsed: table.rows.length - resolved.unresolvedRows,
    refused: sample(refused),
    unresolved: sample(names),
    pairs: resolved.pairs,
    added: sample(added),
    raised: sample(raised),
    lowered: sample(lowered),
    below: sample(below),
    unchanged: changes.length - added.length - raised.length - lowered.length - below.length,
  };
}

function sample<Item>(items: readonly Item[]): Sample<Item> {
  return { count: items.length, shown: items.slice(0, SHOWN) };
}

/** Where the level matters most comes first. */
function byWeight(x: PairChange, y: PairChange): number {
  const weight = ({ before, after }: PairChange): number => Math.max(before, after);
  return weight(y) - weight(x) || (x.a.name < y.a.name ? -1 : 1);
}
