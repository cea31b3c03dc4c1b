/** The words for interaction severities, the same in list, graph, table and dialog. Decides nothing. */

import type { Severity } from '../../shared/domain.ts';
import { t } from '../language/language.svelte.ts';
import { lazily } from '../language/lazily.ts';

export interface SeverityWords {
  /** For marks and table cells. */
  readonly word: string;
  /** For the tight label on a graph edge. */
  readonly short: string;
  readonly meaning: string;
}

export const SEVERITIES: readonly Severity[] = [4, 3, 2, 1];

export const SEVERITY_WORDS: Readonly<Record<Severity, SeverityWords>> = lazily(SEVERITIES, (level) => ({
  word: t(`severity:level.${level}.word`),
  short: t(`severity:level.${level}.short`),
  meaning: t(`severity:level.${level}.meaning`),
}));

/** "1 pair: contraindicated", "3 pairs: 1 avoid combination, 2 monitor or adjust". */
export function countInWords(severities: readonly Severity[]): string {
  if (severities.length === 0) return t('severity:none');
  const words = SEVERITIES.map((level) => ({ level, n: severities.filter((s) => s === level).length }))
    .filter(({ n }) => n > 0)
    .map(({ level, n }) =>
      severities.length === 1 ? SEVERITY_WORDS[level].word : `${n} ${SEVERITY_WORDS[level].word}`,
    )
    .join(', ');
  return t('severity:counted', { count: severities.length, words });
}
