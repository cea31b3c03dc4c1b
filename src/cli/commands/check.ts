/**
 * `flame check`: what the tables record of every pair among the named drugs, and with a visit what the checks say of them
 * for its patient. Gives no opinion of its own.
 */

import { Command } from 'commander';
import { Checker } from '../../checks/checker.ts';
import { factsOf } from '../../checks/facts.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { NOT_RECORDED, type Interaction } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { Finding } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { findingLines } from '../findings.ts';
import { interactionLines } from '../interactions.ts';
import { counted, writeJson, writeLines } from '../output.ts';
import { openKnowledgeWith, SITE_TABLE_OPTION } from '../setup.ts';
import { readOneVisit, type VisitFile } from '../visit-file.ts';

export interface CheckReport {
  readonly drugs: readonly { readonly typed: string; readonly ingredients: readonly DrugId[] }[];
  readonly interactionTable: string;
  readonly interactions: readonly Interaction[];
  /** Pairs of covered drugs of which no table or rule records anything. */
  readonly noneRecorded: readonly (readonly [DrugId, DrugId])[];
  /** Drugs that no table covers, and the pairs that are unchecked because of them. */
  readonly notCovered: readonly DrugId[];
  readonly unchecked: readonly (readonly [DrugId, DrugId])[];
  /** What the checks say for the patient of the visit, pairs aside; null without a visit. */
  readonly findings: readonly Finding[] | null;
  /** Drug names of the visit that no table knows: they are in none of the above. */
  readonly unresolved: readonly string[];
}

interface Options {
  readonly json?: boolean;
  readonly visit?: string;
  readonly siteTable?: string;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('show every recorded interaction among the named drugs (ingredients, brands, synonyms)')
    .argument('<drug...>', 'two or more names (one with --visit); quote a name with spaces')
    .option(
      '--visit <file>',
      'check for the patient of this visit, current medications included; - reads standard input',
    )
    .option(...SITE_TABLE_OPTION)
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nA combination brand counts as its ingredients. A name that nothing is called fails, with close names.',
    )
    .action(async (names: string[], { json, visit, siteTable }: Options) => {
      const knowledge = await openKnowledgeWith(siteTable);
      const report = checkDrugs(
        knowledge,
        names,
        visit === undefined ? null : readOneVisit(visit, knowledge),
      );
      if (json) writeJson(report);
      else writeLines(linesOf(knowledge, report));
    });
}

/** @throws FlameError DRUG_UNKNOWN with close names, INVALID_INPUT for fewer than two ingredients */
export function checkDrugs(
  knowledge: Knowledge,
  names: readonly string[],
  visit: VisitFile | null = null,
): CheckReport {
  const { drugs, interactions, interactionVersion } = knowledge;
  const found = names.map((typed) => ({ typed, ingredients: drugs.find(typed) }));
  const unknown = found.filter(({ ingredients }) => ingredients.length === 0).map(({ typed }) => typed);
  if (unknown.length > 0) {
    const close = [...new Set(unknown.flatMap((name) => drugs.suggestions(name)))];
    const suggestions = close.length > 0 ? `Close names: ${close.join(', ')}.` : '';
    throw new FlameError('DRUG_UNKNOWN', { name: unknown.join('", "'), suggestions });
  }
  const taken = visit?.content.context.currentMedications ?? [];
  const all = [...new Set([...found.flatMap(({ ingredients }) => ingredients), ...taken])];
  if (all.length < 2 && visit === null) {
    throw new FlameError('INVALID_INPUT', { problem: 'name at least two different drugs' });
  }
  const recorded: Interaction[] = [];
  const noneRecorded: [DrugId, DrugId][] = [];
  const unchecked: [DrugId, DrugId][] = [];
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      const answer = interactions.between(a, b);
      if (answer.state === 'found') recorded.push(answer.interaction);
      else if (answer.state === 'none-recorded') noneRecorded.push([a, b]);
      else unchecked.push([a, b]);
    }
  }
  return {
    drugs: found,
    interactionTable: interactionVersion,
    interactions: recorded.sort((x, y) => y.severity - x.severity),
    noneRecorded,
    notCovered: interactions.notCovered(all),
    unchecked,
    findings: visit === null ? null : patientFindings(knowledge, visit, all),
    unresolved: visit?.content.unresolved ?? [],
  };
}

/** The pairs stand in the report already. */
function patientFindings(
  knowledge: Knowledge,
  { content }: VisitFile,
  drugs: readonly DrugId[],
): readonly Finding[] {
  const facts = factsOf({ ...NOT_RECORDED, ...content });
  const { findings } = new Checker(knowledge).check(facts, drugs);
  const toldByPairs = (finding: Finding): boolean =>
    finding.check === 'interactions' ||
    (finding.check === 'duplicate-therapy' &&
      finding.state === 'found' &&
      finding.sources.some(({ citation }) => citation.includes('rule:')));
  return findings.filter((finding) => !toldByPairs(finding));
}

function linesOf(knowledge: Knowledge, report: CheckReport): string[] {
  const name = (drug: DrugId): string => knowledge.drugs.name(drug).name;
  const pairs = (list: CheckReport['unchecked']): string =>
    list.map(([a, b]) => `${name(a)} + ${name(b)}`).join(', ');
  const read = report.drugs.map(({ typed, ingredients }) => {
    const shown = ingredients.map(name).join(' + ');
    return shown.toLowerCase() === typed.toLowerCase() ? shown : `${typed} (${shown})`;
  });
  return [
    `Checked ${read.join(', ')} in table ${report.interactionTable}: ${counted(report.interactions.length, 'interaction')}.`,
    ...report.interactions.flatMap((pair) => ['', ...interactionLines(knowledge, pair)]),
    ...(report.noneRecorded.length > 0
      ? ['', `None recorded in any table: ${pairs(report.noneRecorded)}.`]
      : []),
    ...(report.notCovered.length > 0
      ? [
          '',
          `Not covered by any table, so not checked, which does not mean safe: ${report.notCovered.map(name).join(', ')}.`,
          `Unchecked pairs: ${pairs(report.unchecked)}.`,
        ]
      : []),
    ...(report.findings === null
      ? []
      : ['', 'For the patient of the visit:', ...findingLines(report.findings, name)]),
    ...(report.unresolved.length > 0
      ? ['', `Known to no table, so not checked: ${report.unresolved.join(', ')}.`]
      : []),
  ];
}
