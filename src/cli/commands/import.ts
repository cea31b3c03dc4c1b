/** `flame import`: visits from a file or folder into the database of a profile. The importer is the app's own. */

import { Command, Option } from 'commander';
import { actorName } from '../../engine/access/actor.ts';
import { importPicked } from '../../engine/imports/import-picked.ts';
import { readMappingFile } from '../../engine/imports/mapping-file.ts';
import { storeMappings } from '../../engine/imports/mapping-changes.ts';
import { listMappings, siteMappingsOf } from '../../engine/store/site-mappings.ts';
import { readColumnMapping } from '../../records/sources/generic-csv.ts';
import { titlesOf } from '../../engine/editing/visit-detail.ts';
import { FlameError } from '../../shared/errors.ts';
import { IMPORT_FORMATS, type ImportFormat, type ImportReport } from '../../shared/import-api.ts';
import { counted, duration, ProgressLine, writeJson, writeLines } from '../output.ts';
import { importReportLines } from '../import-report.ts';
import { withProfile } from '../open-profile.ts';
import { interruptible, openKnowledge } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
  readonly format?: ImportFormat;
  readonly dryRun?: boolean;
  readonly mapping?: string;
  readonly column?: readonly string[];
}

export function importCommand(): Command {
  return new Command('import')
    .description('store the visits of a file or folder in the visit database')
    .argument(
      '<source>',
      'visits (JSON lines), FHIR R4 (JSON, NDJSON), CSV; or a folder of MIMIC, eICU or FHIR files',
    )
    .addOption(new Option('--format <format>', 'read it as this format').choices(IMPORT_FORMATS))
    .option('--dry-run', 'read and report everything, store nothing')
    .option('--mapping <table>', 'CSV of the site’s own drug and condition names; kept in the database')
    .option('--column <field=column...>', 'for CSV: which column holds a field; repeat for each')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nStored visits are not stored twice, so an import can be repeated. Ends with 1 when a row was refused; the others\n' +
        'are stored then all the same. A database with a passphrase is opened with FLAME_PASSPHRASE. Formats and mapping\n' +
        'tables: docs/references/importers.md',
    )
    .action(
      async (source: string, { json, profile, format, dryRun = false, mapping, column = [] }: Options) => {
        const knowledge = openKnowledge();
        const line = new ProgressLine();
        const wish = { profile, roles: ['data-steward'], command: 'import' } as const;
        await withProfile(wish, async ({ db, folder }) => {
          const actor = actorName();
          const given =
            mapping === undefined ? null : await readMappingFile(mapping, knowledge.drugs, new Date());
          const [wrong] = given?.refused ?? [];
          if (wrong)
            throw new FlameError('INVALID_INPUT', {
              problem: `${mapping!}, line ${wrong.line}: ${wrong.problem}`,
            });
          if (given && !dryRun) storeMappings(db, given.rows, actor);
          const report: ImportReport = await importPicked(db, {
            path: source,
            format: format ?? null,
            dryRun,
            drugs: knowledge.drugs,
            site: siteMappingsOf([...listMappings(db), ...(given?.rows ?? [])]),
            titles: titlesOf(knowledge),
            actor,
            scratch: folder,
            settings: { columns: readColumnMapping(column) },
            signal: interruptible(),
            onProgress: ({ linesRead, visitsStored, fraction, secondsLeft }) => {
              const share = fraction === null ? '' : `, ${Math.round(fraction * 100)} %`;
              const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
              line.show(
                `${counted(linesRead, 'row')} read, ${counted(visitsStored, 'visit')} stored${share}${left}`,
              );
            },
          });
          line.end();
          if (json) writeJson(report);
          else writeLines(importReportLines(report));
          if (report.refusedCount > 0 || report.cancelled === true) process.exitCode = 1;
        }).finally(() => line.end());
      },
    );
}
