/** `flame import`: visits from a file into the database of a profile. The importer is the app's own. */

import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { importVisits } from '../../engine/import-visits.ts';
import { openProfile } from '../../engine/profile.ts';
import { titlesOf } from '../../engine/visit-detail.ts';
import type { ImportReport } from '../../shared/contract.ts';
import { counted, duration, ProgressLine, writeJson, writeLines } from '../output.ts';
import { defaultProfile, interruptible, openKnowledge } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
}

const SHOWN = 20;

export function importCommand(): Command {
  return new Command('import')
    .description('store the visits of a file in the visit database')
    .argument('<file>', 'JSON lines in the visit format, plain or gzip')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nStored visits are not stored twice, so an import can be repeated. Ends with 1 when a line was refused; the other\n' +
        'lines are stored then all the same. A database with a passphrase is opened with FLAME_PASSPHRASE.',
    )
    .action(async (file: string, { json, profile }: Options) => {
      const knowledge = openKnowledge();
      const { db } = await openProfile({
        folder: profile === undefined ? defaultProfile() : resolve(profile),
        passphrase: process.env['FLAME_PASSPHRASE'] ?? null,
      });
      const line = new ProgressLine();
      try {
        const report = await importVisits(db, {
          file,
          resolveDrugs: (name) => knowledge.drugs.find(name),
          titles: titlesOf(knowledge),
          actor: userInfo().username,
          signal: interruptible(),
          onProgress: ({ visitsStored, fraction, secondsLeft }) => {
            const share = fraction === null ? '' : `, ${Math.round(fraction * 100)} %`;
            const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
            line.show(`${counted(visitsStored, 'visit')} stored${share}${left}`);
          },
        });
        line.end();
        if (json) writeJson(report);
        else writeLines(linesOf(report));
        if (report.refusedCount > 0 || report.cancelled === true) process.exitCode = 1;
      } finally {
        line.end();
        db.close();
      }
    });
}

function linesOf(report: ImportReport): string[] {
  const { refused, refusedCount, unresolvedDrugs, unknownCodes } = report;
  const more = (all: number, shown: number): string[] => (all > shown ? [`  and ${all - shown} more`] : []);
  return [
    `${report.file}: ${counted(report.linesRead, 'line')} read, ${counted(report.visitsCreated, 'visit')} of ` +
      `${counted(report.patientsCreated, 'new patient')} stored, ${report.visitsSkipped} stored before` +
      (report.cancelled === true ? '; cancelled, the rest was not read' : ''),
    ...(refusedCount > 0
      ? [
          `${counted(refusedCount, 'line')} refused:`,
          ...refused.slice(0, SHOWN).map(({ line, problem }) => `  line ${line}: ${problem}`),
          ...more(refusedCount, SHOWN),
        ]
      : []),
    ...(unresolvedDrugs.length > 0
      ? [
          'Drug names that no table knows (kept as written, not checked):',
          ...unresolvedDrugs.slice(0, SHOWN).map(({ name, count }) => `  ${name}, ${count} times`),
          ...more(unresolvedDrugs.length, SHOWN),
        ]
      : []),
    ...(unknownCodes.length > 0
      ? [
          'Diagnosis codes that no table knows (kept as written):',
          ...unknownCodes.slice(0, SHOWN).map(({ code, count }) => `  ${code}, ${count} times`),
          ...more(unknownCodes.length, SHOWN),
        ]
      : []),
  ];
}
