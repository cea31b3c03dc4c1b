/** Probabilities in words and in natural frequencies. The bands are Flame's own wording, not a clinical scale. */

import { t } from '../language/language.svelte.ts';

/** Lower bounds of the words, highest first. */
export const PROBABILITY_BANDS = [
  { from: 0.75, word: 'veryLikely' },
  { from: 0.5, word: 'likely' },
  { from: 0.25, word: 'plausible' },
  { from: 0.1, word: 'possible' },
  { from: 0, word: 'uncommon' },
] as const;

export function probabilityWord(probability: number): string {
  const band = PROBABILITY_BANDS.find(({ from }) => probability >= from) ?? PROBABILITY_BANDS[4];
  return t(`probability:band.${band.word}`);
}

/** "31 %", "< 1 %". */
export function percent(probability: number): string {
  if (probability > 0 && probability < 0.01) return '< 1 %';
  if (probability < 1 && probability > 0.99) return '> 99 %';
  return `${Math.round(probability * 100)} %`;
}

/** "Prescribed at about 3 of 10 such visits". */
export function frequency(probability: number): string {
  const of = probability < 0.1 ? 100 : 10;
  const times = Math.round(probability * of);
  if (times === 0) return t('probability:rare');
  return t('probability:frequency', { times, of });
}
