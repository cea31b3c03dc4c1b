/** Writes the local-site report as Markdown. Measures nothing. */

import { estimate as estimateWords, four, signed, table } from '../evaluation/markdown.ts';
import type { Estimate, SiteResult } from './measure-site.ts';

export interface LocalSiteReport {
  readonly createdAt: string;
  readonly command: string;
  readonly hardware: string;
  readonly classifier: string;
  readonly interactionTable: string;
  readonly sites: readonly SiteResult[];
}

export function siteMarkdown(report: LocalSiteReport): string {
  return [
    '# A local site: adaptation to its own visits',
    '',
    `Written by \`${report.command}\` on ${report.createdAt.slice(0, 10)}. ${report.hardware}. Shipped classifier: ${report.classifier}.`,
    '',
    'Five folds by patient (sha1 of `site:patient`, modulo 5). Every fitted row sees the four other folds only; the number of',
    'trees and the temperature of the adapted model are chosen on inner patients of those four folds. Its columns and its',
    'penalties were settled on the MIMIC-IV demo with other fold assignments: the same visits, so its margin there is',
    'somewhat optimistic; the eICU demo took no part in that. Lists are expected-Jaccard sets, except copied ones.',
    'Diagnoses (and procedures) were coded at or after discharge, or during the stay: they know more than a physician at the',
    'start of the visit, for every row alike. The formulary is counted on all visits of the corpus.',
    'Numbers in brackets: 95 % bootstrap interval over visits (visits of one patient are not independent, so it is narrow).',
    '',
    ...report.sites.flatMap((site) => siteSection(site, report.interactionTable)),
  ].join('\n');
}

function siteSection(site: SiteResult, interactionTable: string): string[] {
  const { visits, coverage } = site;
  return [
    `## ${site.corpus}`,
    '',
    `*${site.patients} patients, ${visits['all visits']} visits with at least two formulary drugs (${visits['with a previous visit']} with a previous visit); formulary of ${site.formulary} ingredients in ≥ 10 visits; interaction table ${interactionTable}, severity ≥ 2; content sha256 \`${site.sha256.slice(0, 12)}\`.*`,
    '',
    `The shipped classifier knows ${coverage.drugs} of the ${site.formulary} drugs, ${(100 * coverage.prescriptions).toFixed(1)} % of what was prescribed. ${site.seconds.toFixed(0)} s for all rows.`,
    '',
    table(
      ['Jaccard', ...site.rows[0]!.groups.map(({ group }) => `${group} (${visits[group]})`)],
      site.rows.map((row) => [row.name, ...row.groups.map(({ jaccard }) => estimate(jaccard))]),
    ),
    '',
    table(
      ['all visits', 'F1', 'PRAUC', 'R-precision', 'DDI rate over visits', 'mean length'],
      [
        ...site.rows.map((row) => {
          const { f1, prauc, rPrecision, ddiRate, meanLength } = row.groups[0]!;
          return [
            row.name,
            number(f1),
            number(prauc),
            number(rPrecision),
            number(ddiRate),
            meanLength.toFixed(1),
          ];
        }),
        ['truth', '', '', '', number(site.truth[0]!.ddiRate), site.truth[0]!.meanLength.toFixed(1)],
      ],
    ),
    '',
    'Jaccard of a model minus another model on the same visits, paired bootstrap:',
    '',
    table(
      ['model', 'minus', 'visits', 'difference', '95 % interval'],
      site.differences.map(({ of, against, group, difference, low, high }) => [
        of,
        against,
        group,
        signed(difference),
        `[${signed(low)}, ${signed(high)}]`,
      ]),
    ),
    '',
    table(
      ['model', 'what it is'],
      site.rows.map(({ name, note }) => [name, note]),
    ),
    '',
  ];
}

function estimate({ mean, low, high }: Estimate): string {
  return estimateWords({ mean, interval: { low, high } });
}

function number(value: number | null): string {
  return value === null ? '' : four(value);
}
