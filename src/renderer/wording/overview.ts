/** Figures of the overview in words: rates with their number, periods by their start. Counts nothing. */

import { rateOf, type Overview } from '../../shared/overview.ts';
import { t } from '../language/language.svelte.ts';
import { dateWords } from './visit.ts';

/** "82 %", or "too few (n = 3)". One decimal below ten per cent, where a whole number would hide the difference. */
export function shareWords(sum: number, n: number): string {
  const rate = rateOf(sum, n);
  return rate === null ? t('overview:tooFew', { n }) : percentWords(rate);
}

export function percentWords(rate: number): string {
  const percent = rate * 100;
  return `${Number(percent.toFixed(percent < 10 ? 1 : 0))} %`;
}

/** "1.4", or "too few (n = 3)". */
export function meanWords(sum: number, n: number): string {
  const mean = rateOf(sum, n);
  return mean === null ? t('overview:tooFew', { n }) : mean.toFixed(2);
}

/** "14 Mar 2026" for a day or the first of a week, "Mar 2026" for a month. */
export function periodWords(period: Overview['period'], start: string): string {
  const words = dateWords(start);
  return period === 'month' ? words.replace(/^\d+ /, '') : words;
}

/** Short enough to stand under an axis: "14 Mar", "Mar 26". */
export function axisWords(period: Overview['period'], start: string): string {
  const [day = '', month = '', year = ''] = dateWords(start).split(' ');
  return period === 'month' ? `${month} ${year.slice(2)}` : `${day} ${month}`;
}
