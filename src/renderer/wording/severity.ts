/** The words for interaction severities, the same in list, graph, table and dialog. Decides nothing. */

import type { Severity } from '../../shared/domain.ts';

export interface SeverityWords {
  /** For marks and table cells. */
  readonly word: string;
  /** For the tight label on a graph edge. */
  readonly short: string;
  readonly meaning: string;
}

export const SEVERITIES: readonly Severity[] = [4, 3, 2, 1];

export const SEVERITY_WORDS: Readonly<Record<Severity, SeverityWords>> = {
  4: {
    word: 'contraindicated',
    short: 'contraindicated',
    meaning: 'The combination is contraindicated.',
  },
  3: {
    word: 'avoid combination',
    short: 'avoid',
    meaning: 'Avoid the combination unless there is no alternative.',
  },
  2: {
    word: 'monitor or adjust',
    short: 'monitor',
    meaning: 'Monitor the patient or adjust a dose.',
  },
  1: { word: 'be aware', short: 'be aware', meaning: 'Minor; know about it.' },
};

/** "1 pair: contraindicated", "3 pairs: 1 avoid combination, 2 monitor or adjust". */
export function countInWords(severities: readonly Severity[]): string {
  if (severities.length === 0) return 'no interaction recorded';
  const total = `${severities.length} ${severities.length === 1 ? 'pair' : 'pairs'}`;
  const parts = SEVERITIES.map((level) => ({ level, n: severities.filter((s) => s === level).length }))
    .filter(({ n }) => n > 0)
    .map(({ level, n }) =>
      severities.length === 1 ? SEVERITY_WORDS[level].word : `${n} ${SEVERITY_WORDS[level].word}`,
    );
  return `${total}: ${parts.join(', ')}`;
}
