/** What pairs the slider's lists gain and lose from one position to another, in words. Compares proposals; chooses nothing. */

import { EVALUATION_SEVERITY, type Interaction } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import { SEVERITY_WORDS } from './severity.ts';

export interface PairChange {
  /** Most severe first. */
  readonly gone: readonly Interaction[];
  readonly come: readonly Interaction[];
}

/**
 * The pairs that the slider counts (severity 2 or above, with a drug of the list in each) at one list and not at the other.
 * @param current medications taken already: they stand beside both lists
 */
export function pairChange(
  from: readonly DrugId[],
  to: readonly DrugId[],
  current: readonly DrugId[],
  interactions: readonly Interaction[],
): PairChange {
  const before = countedPairsOf(from, current, interactions);
  const after = countedPairsOf(to, current, interactions);
  const without = (pairs: readonly Interaction[], others: readonly Interaction[]): Interaction[] => {
    const keys = new Set(others.map(({ a, b }) => pairKey(a, b)));
    return pairs.filter(({ a, b }) => !keys.has(pairKey(a, b))).toSorted((x, y) => y.severity - x.severity);
  };
  return { gone: without(before, after), come: without(after, before) };
}

function countedPairsOf(
  list: readonly DrugId[],
  current: readonly DrugId[],
  interactions: readonly Interaction[],
): Interaction[] {
  const own = new Set(list);
  const shown = new Set([...list, ...current]);
  return interactions.filter(
    ({ a, b, severity }) =>
      severity >= EVALUATION_SEVERITY && (own.has(a) || own.has(b)) && shown.has(a) && shown.has(b),
  );
}

/** "naproxen + warfarin (avoid combination), aspirin + naproxen (monitor or adjust)". */
export function pairsByName(pairs: readonly Interaction[], nameOf: (drug: DrugId) => string): string {
  return pairs
    .map(({ a, b, severity }) => `${nameOf(a)} + ${nameOf(b)} (${SEVERITY_WORDS[severity].word})`)
    .join(', ');
}
