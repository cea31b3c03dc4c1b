/** What moving the slider or editing changed, in words. Compares lists; chooses nothing. */

import type { DrugId } from '../../shared/ids.ts';
import { t } from '../language/language.svelte.ts';
import { locale } from './numbers.ts';

export interface ListChange {
  readonly gained: readonly DrugId[];
  readonly lost: readonly DrugId[];
}

export function listChange(from: readonly DrugId[], to: readonly DrugId[]): ListChange {
  const before = new Set(from);
  const after = new Set(to);
  return { gained: to.filter((drug) => !before.has(drug)), lost: from.filter((drug) => !after.has(drug)) };
}

/** "+ lisinopril, − naproxen" with unbreakable spaces; empty when nothing changed. */
export function changeInWords(change: ListChange, nameOf: (drug: DrugId) => string): string {
  return [
    ...change.gained.map((drug) => `+\u00a0${nameOf(drug)}`),
    ...change.lost.map((drug) => `−\u00a0${nameOf(drug)}`),
  ].join(', ');
}

/** The pairs that the slider counts: severity 2 or above. "3 pairs to monitor or avoid". */
export function countedPairs(count: number): string {
  return t('recommend:slider.pairs', { count });
}

/** "2 → 0 pairs to monitor or avoid", "2 pairs to monitor or avoid, as before". */
export function pairsInWords(from: number, to: number): string {
  const pairs = countedPairs(to);
  return from === to
    ? t('recommend:slider.pairsAsBefore', { pairs })
    : t('recommend:slider.pairsFrom', { from, pairs });
}

/** "a", "a and b", "a, b and c". */
export function sentenceList(items: readonly string[]): string {
  return new Intl.ListFormat(locale(), { type: 'conjunction' }).format(items);
}
