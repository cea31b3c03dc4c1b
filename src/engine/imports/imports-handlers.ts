/** The handlers of imports and of the site's own table. Parse, then ask the importer, the table and the store. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { columnsOf, detectSource } from '../../records/sources/detect.ts';
import type { EngineApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import type {
  ColumnMapping,
  ImportFormat,
  ImportProgress,
  ImportReport,
  ImportsApi,
  SiteMapping,
} from '../../shared/import-api.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import type { Grants } from '../grants.ts';
import { noteInterrupted } from './import-audit.ts';
import { importPicked, listStoppedRuns } from './import-picked.ts';
import { mappingCsv, readMapping, readMappingFile } from './mapping-file.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { forgetMapping, storeMappings } from './mapping-changes.ts';
import { appendAudit } from '../store/audit.ts';
import { endRun } from '../store/import-runs.ts';
import { listMappings, siteMappings, type StoredMapping } from '../store/site-mappings.ts';
import { titlesOf } from '../editing/visit-detail.ts';
import type { Workspace } from '../workspace.ts';
import { draftBook } from '../unfinished-files.ts';
import { writeWhole } from '../write-whole.ts';

interface Wish {
  readonly path: string;
  readonly format: ImportFormat | null;
  readonly dryRun: boolean;
  readonly columns: ColumnMapping | undefined;
  readonly signal: AbortSignal;
  readonly progress: (progress: ImportProgress) => void;
}

export function importsHandlers(
  workspace: Workspace,
  actor: () => string,
  grants: Grants,
): Pick<Handlers<EngineApi>, keyof ImportsApi> {
  const run = ({ path, format, dryRun, columns, signal, progress }: Wish): Promise<ImportReport> => {
    const { knowledge, db, options } = workspace; // Names cannot be read without the tables: refuse at once.
    return importPicked(db, {
      path,
      format,
      dryRun,
      drugs: knowledge.drugs,
      site: siteMappings(db),
      titles: titlesOf(knowledge),
      actor: actor(),
      scratch: options.profile,
      nativeBinding: options.sqliteBinding ?? undefined,
      settings: { columns },
      signal,
      onProgress: progress,
    }).finally(() => workspace.store.completeSearch()); // What a cancelled one left.
  };
  const unfinished = (id: string) => {
    const found = listStoppedRuns(workspace.db).find((one) => one.id === id);
    if (!found) throw new FlameError('NOT_FOUND', { what: 'unfinished import' });
    return found;
  };

  return {
    'imports.unfinished': (params) => {
      parseParameters('imports.unfinished', params);
      return listStoppedRuns(workspace.db).map(({ id, name, format, startedAt, visitsCreated }) => ({
        id,
        name,
        format,
        startedAt,
        visitsStored: visitsCreated,
      }));
    },

    'imports.resume': async (params, { signal, progress }) => {
      const { id } = parseParameters('imports.resume', params);
      const { path, format, columns } = unfinished(id);
      const report = await run({ path, format, dryRun: false, columns, signal, progress });
      // Other files under that name were another run, which is at its end now.
      if (report.cancelled !== true) endRun(workspace.db, id);
      return report;
    },

    'imports.forget': (params) => {
      const { id } = parseParameters('imports.forget', params);
      const { db } = workspace;
      const run = unfinished(id);
      db.transaction(() => {
        noteInterrupted(db, run, actor());
        endRun(db, run.id);
      });
      return {};
    },

    'imports.inspect': async (params) => {
      const { grant } = parseParameters('imports.inspect', params);
      const { name, format, files, bytes } = await detectSource(grants.path(grant, 'read'));
      const columns = format === 'csv' ? await columnsOf(files[0]!) : [];
      return { name, format, files: files.length, bytes, columns };
    },

    'visits.import': async (params, { signal, progress }) => {
      const { grant, format = null, dryRun = false, columns } = parseParameters('visits.import', params);
      const path = grants.path(grant, 'read');
      const report = await run({ path, format, dryRun, columns, signal, progress });
      if (!dryRun) grants.used(grant);
      return report;
    },

    'mappings.list': (params) => {
      parseParameters('mappings.list', params);
      const { knowledge, db } = workspace;
      return listMappings(db).map((row) => shown(row, knowledge));
    },

    'mappings.put': (params) => {
      const { kind, written, targets } = parseParameters('mappings.put', params);
      const { knowledge, db } = workspace;
      const row = readMapping(kind, written, targets, knowledge.drugs, new Date());
      if (typeof row === 'string') throw new FlameError('INVALID_INPUT', { problem: row });
      storeMappings(db, [row], actor());
      return shown(row, knowledge);
    },

    'mappings.remove': (params) => {
      const { kind, written } = parseParameters('mappings.remove', params);
      if (!forgetMapping(workspace.db, kind, written, actor()))
        throw new FlameError('NOT_FOUND', { what: 'row of the site’s table' });
      return {};
    },

    'mappings.import': async (params) => {
      const { grant } = parseParameters('mappings.import', params);
      const path = grants.path(grant, 'read');
      const { knowledge, db } = workspace;
      const { rows, refused } = await readMappingFile(path, knowledge.drugs, new Date());
      storeMappings(db, rows, actor());
      grants.used(grant);
      return { stored: rows.length, refused: refused.slice(0, 100) };
    },

    'mappings.export': async (params) => {
      const { grant } = parseParameters('mappings.export', params);
      const { db } = workspace;
      const rows = listMappings(db);
      await writeWhole(grants.path(grant, 'write'), [mappingCsv(rows)], {
        book: draftBook(db),
        // Written down before it has its name: no file leaves Flame unwritten in the log.
        beforePublish: () =>
          appendAudit(db, {
            actor: actor(),
            action: 'mapping.exported',
            subject: 'site mappings',
            content: { rows: rows.length },
          }),
      });
      grants.used(grant);
      return { rows: rows.length };
    },
  };
}

function shown({ kind, written, targets, changedAt }: StoredMapping, { drugs }: Knowledge): SiteMapping {
  const names = kind === 'snomed' ? [] : targets.map((target) => drugs.name(asId<DrugId>(target)));
  return { kind, written, targets, names, changedAt };
}
