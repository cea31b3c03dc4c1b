/** Pure counting over interacting pairs. Looks nothing up by itself and knows no table. */

import type { Interaction, Severity } from './domain.ts';
import type { DrugId } from './ids.ts';

/** Key of an unordered pair, the same for (a, b) and (b, a). */
export function pairKey(a: DrugId, b: DrugId): string {
  return a < b ? `${a}\u0000${b}` : `${b}\u0000${a}`;
}

/** Interactions of `all` whose two drugs are both in `list`, at `minimum` severity or above. */
export function interactionsWithin(
  all: readonly Interaction[],
  list: Iterable<DrugId>,
  minimum: Severity = 1,
): Interaction[] {
  const members = new Set(list);
  return all.filter((pair) => pair.severity >= minimum && members.has(pair.a) && members.has(pair.b));
}

/**
 * DDI(M) of METHOD section 1: interacting pairs over all pairs of a list, 0 for fewer than two drugs.
 * @param pairs number of interacting pairs @param size number of drugs
 */
export function interactionRate(pairs: number, size: number): number {
  return size < 2 ? 0 : pairs / ((size * (size - 1)) / 2);
}
