/** Reasons in words: entries, changes in points, steps of the slider. Leaves nothing out and claims no cause. */

import type { EntryEffect, SliderReasons } from '../../shared/reasons.ts';
import type { ListStep } from '../../shared/recommendation.ts';
import { t } from '../language/language.svelte.ts';
import { numberWords } from './numbers.ts';

/** "Type 2 diabetes mellitus", "61 years", "94.2, without a title". */
export function entryWords({ kind, entry }: Pick<EntryEffect, 'kind' | 'entry'>): string {
  if (kind === 'age') return t('reasons:years', { count: Number(entry.code) });
  if (kind === 'sex') return t(entry.code === 'F' ? 'reasons:sex.F' : 'reasons:sex.M');
  if (kind === 'note') return t('reasons:note');
  return entry.title ?? t('reasons:noTitle', { code: entry.code });
}

/** A change of a probability in percentage points, with its sign: "+31", "−1.2". */
export function points(change: number): string {
  return signed(100 * change, Math.abs(change) < 0.1 ? 1 : 0);
}

/** With its sign: `+0.12`, `−1`, `±0`. */
export function signed(value: number, digits: number): string {
  const text = numberWords(Math.abs(value), digits);
  if (Number(value.toFixed(digits)) === 0) return `±${text}`;
  return `${value > 0 ? '+' : '−'}${text}`;
}

/** What the slider does with the drug, a sentence a line. */
export function sliderLines({ proposed, step, positions, of, leaves }: SliderReasons): readonly string[] {
  if (!proposed) {
    const [first] = positions;
    return [
      step?.action === 'remove'
        ? t('reasons:slider.removed', { change: changeWords(step) })
        : t('reasons:slider.notProposed'),
      first === undefined
        ? t('reasons:slider.never')
        : t('reasons:slider.elsewhere', { positions: positions.length, of, first: first + 1 }),
    ];
  }
  return [
    step?.action === 'add'
      ? t('reasons:slider.added', { change: changeWords(step) })
      : t('reasons:slider.proposed'),
    leaves === null ? t('reasons:slider.stays') : leavingWords(leaves, of),
  ];
}

function leavingWords({ position, step }: NonNullable<SliderReasons['leaves']>, of: number): string {
  const where = { position: position + 1, of };
  return step?.action === 'remove'
    ? t('reasons:slider.leaves', { ...where, change: changeWords(step) })
    : t('reasons:slider.leavesSilently', where);
}

function changeWords({ expectedJaccardChange, interactionChange }: ListStep): string {
  return t('reasons:slider.change', {
    jaccard: signed(expectedJaccardChange, 3),
    pairs: signed(interactionChange, 0),
  });
}
