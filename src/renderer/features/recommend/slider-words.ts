/** The slider's positions in words, and where its list changes. */

import type { GridPoint } from '../../../shared/recommendation.ts';
import { t } from '../../language/language.svelte.ts';
import { countedPairs } from '../../wording/changes.ts';

/** What assistive technology reads at a position: "Position 3 of 11, toward safety: 5 drugs, 1 pair to monitor or avoid". */
export function positionWords(grid: readonly GridPoint[], position: number): string {
  const point = grid[position];
  if (!point) return '';
  const side = position === 0 ? 'accurate' : position === grid.length - 1 ? 'safe' : 'between';
  return t('recommend:slider.position', {
    position: position + 1,
    positions: grid.length,
    side: t(`recommend:slider.${side}`),
    drugs: t('common:count.drugs', { count: point.list.length }),
    pairs: countedPairs(point.interactionCount),
  });
}

/** Positions whose list differs from the one before. */
export function turningPoints(grid: readonly GridPoint[]): number[] {
  return grid.flatMap((point, position) => {
    const before = grid[position - 1];
    const same =
      before?.list.length === point.list.length && before.list.every((drug, i) => drug === point.list[i]);
    return before === undefined || same ? [] : [position];
  });
}
