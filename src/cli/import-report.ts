/** The report of an import as lines for people. Counts nothing. */

import type { ImportReport } from '../shared/import-api.ts';
import { counted } from './output.ts';

const SHOWN = 20;

export function importReportLines(report: ImportReport): string[] {
  const { drugs, dryRun } = report;
  const rows = report.format === 'visits' ? 'line' : 'row';
  return [
    `${report.file}: ${counted(report.linesRead, rows)} read, ${counted(report.visitsCreated, 'visit')} of ` +
      `${counted(report.patientsCreated, 'new patient')} ${dryRun ? 'would be stored' : 'stored'}, ` +
      `${report.visitsSkipped} stored before` +
      (report.cancelled === true ? '; cancelled, the rest was not read' : ''),
    ...(report.format === 'visits'
      ? []
      : [
          `Read as ${report.format}: ${report.tables.map(({ name, rows: n, used }) => `${name} ${n}${used ? '' : ' (not used)'}`).join(', ')}`,
        ]),
    ...(drugs.mentions > 0
      ? [
          `Drug entries: ${drugs.mentions} read, ${drugs.mapped} mapped` +
            ` (${drugs.throughSite} by the site’s table, ${drugs.throughCode} by code), ` +
            `${drugs.setAside} set aside, ${drugs.unmapped} not mapped`,
        ]
      : []),
    ...section(
      `${counted(report.refusedCount, rows)} refused:`,
      report.refusedCount,
      report.refused.map(
        ({ file, line, problem }) => `${file === undefined ? '' : `${file}, `}line ${line}: ${problem}`,
      ),
    ),
    ...section(
      'Left out, while the rest was used:',
      report.leftOut.length,
      report.leftOut.map(({ reason, count }) => `${reason}, ${count} times`),
    ),
    ...section(
      'Drug names that no table knows (kept as written, not checked):',
      report.unresolvedDrugs.length,
      report.unresolvedDrugs.map(
        ({ name, kind = 'name', count }) => `${kind === 'name' ? '' : `${kind} `}${name}, ${count} times`,
      ),
    ),
    ...section(
      'Drug entries that can be read in two ways (the first one counts):',
      report.ambiguousDrugs.length,
      report.ambiguousDrugs.map(
        ({ name, drugs: first, also, count }) =>
          `${name}: ${first.join(' + ')}, or ${also.join(' + ')}, ${count} times`,
      ),
    ),
    ...section(
      'Diagnosis codes that no table knows (kept as written):',
      report.unknownCodes.length,
      report.unknownCodes.map(({ code, count }) => `${code}, ${count} times`),
    ),
    ...section(
      'Conditions without an ICD code (kept in words in the notes):',
      report.unmappedConditions.length,
      report.unmappedConditions.map(({ code, title, count }) => `${code} ${title}, ${count} times`),
    ),
  ];
}

function section(title: string, all: number, lines: readonly string[]): string[] {
  if (all === 0) return [];
  const more = all - Math.min(lines.length, SHOWN);
  return [
    title,
    ...lines.slice(0, SHOWN).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
