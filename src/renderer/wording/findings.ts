/** The words for checks, for what they could not answer, and for how much there is. Decides nothing. */

import type { CheckName, MissingFact } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { FindingsView, UnknownGroup } from '../state/findings-view.ts';
import { english } from '../language/english.ts';
import { t } from '../language/language.svelte.ts';
import { lazily } from '../language/lazily.ts';
import { sentenceList } from './changes.ts';

/** "Kidney function: no creatinine is recorded. Concerns metformin and ibuprofen." */
export function unknownWords(
  { check, missing, drugs, entries }: UnknownGroup,
  nameOf: (drug: DrugId) => string,
): string {
  const why = [missing === null ? notCoveredWords(check) : missingWords(missing), ...quoted(entries)].join(
    ' ',
  );
  const values = { check: checkName(check), why };
  return drugs.length === 0
    ? t('findings:unknown', values)
    : t('findings:unknownConcerns', { ...values, drugs: sentenceList(drugs.map(nameOf)) });
}

export function failedWords(check: CheckName): string {
  return t('findings:failed', { check: checkName(check) });
}

const CHECKS = Object.keys(english.findings.word) as CheckName[];
/** For the mark of a finding. */
export const CHECK_WORDS = lazily(CHECKS, (check) => t(`findings:word.${check}`));

/**
 * "1 to act on, 2 to know, 1 minor; 3 questions open".
 * @param elsewhere open questions that the checks do not know of
 */
export function findingsInWords(view: FindingsView, elsewhere = 0): string {
  const parts = (['interrupt', 'list', 'fold'] as const)
    .filter((attention) => view[attention].length > 0)
    .map((attention) => t(`findings:summary.${attention}`, { count: view[attention].length }));
  const found = parts.length === 0 ? t('findings:summary.nothing') : parts.join(', ');
  const count = view.missing.length + view.failed.length + elsewhere;
  return count === 0 ? found : t('findings:summary.open', { found, count });
}

function checkName(check: CheckName): string {
  return t(`findings:name.${check}`);
}

function missingWords(missing: MissingFact): string {
  return t(`findings:missing.${missing}`);
}

function notCoveredWords(check: CheckName): string {
  const known = check === 'contraindications' || check === 'interactions';
  return t(`findings:notCovered.${known ? check : 'other'}`);
}

function quoted(entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [sentenceList(entries.map((text) => t('findings:entry', { text })))];
}
