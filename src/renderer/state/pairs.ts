/** Sorts every pair among the shown drugs into found, none recorded, not covered and not yet checked. Looks nothing up. */

import type { Interaction } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';

export interface PairQuestion {
  /** The list on the screen. */
  readonly list: readonly DrugId[];
  /** What the patient takes already. */
  readonly current: readonly DrugId[];
  readonly interactions: readonly Interaction[];
  readonly notCovered: ReadonlySet<DrugId>;
  /** Drugs whose check is under way or has failed. */
  readonly unchecked: ReadonlySet<DrugId>;
}

export interface Pair {
  readonly a: DrugId;
  readonly b: DrugId;
}

export interface PairAnswers {
  /** At least one drug of the list in each; most severe first. */
  readonly found: readonly Interaction[];
  /** Both drugs were taken together before this visit and neither is on the list; not counted, not drawn. */
  readonly amongCurrent: readonly Interaction[];
  readonly noneRecorded: readonly Pair[];
  readonly notCovered: readonly Pair[];
  readonly unchecked: readonly Pair[];
  /** Drugs of list and current medications that no table covers, or whose check is missing. */
  readonly uncoveredDrugs: readonly DrugId[];
  readonly uncheckedDrugs: readonly DrugId[];
}

export function answerPairs(question: PairQuestion): PairAnswers {
  const list = new Set(question.list);
  const shown = [...new Set([...question.list, ...question.current])];
  const recorded = new Map(question.interactions.map((pair) => [pairKey(pair.a, pair.b), pair]));
  const found: Interaction[] = [];
  const amongCurrent: Interaction[] = [];
  const noneRecorded: Pair[] = [];
  const notCovered: Pair[] = [];
  const unchecked: Pair[] = [];

  shown.forEach((a, i) => {
    for (const b of shown.slice(i + 1)) {
      const interaction = recorded.get(pairKey(a, b));
      const onList = list.has(a) || list.has(b);
      if (interaction) (onList ? found : amongCurrent).push(interaction);
      else if (!onList) continue;
      else if (question.unchecked.has(a) || question.unchecked.has(b)) unchecked.push({ a, b });
      else if (question.notCovered.has(a) || question.notCovered.has(b)) notCovered.push({ a, b });
      else noneRecorded.push({ a, b });
    }
  });

  return {
    found: bySeverity(found),
    amongCurrent: bySeverity(amongCurrent),
    noneRecorded,
    notCovered,
    unchecked,
    uncoveredDrugs: shown.filter((drug) => question.notCovered.has(drug) && !question.unchecked.has(drug)),
    uncheckedDrugs: shown.filter((drug) => question.unchecked.has(drug)),
  };
}

/** The partner of a drug in a pair. */
export function partner(pair: Pair, drug: DrugId): DrugId {
  return pair.a === drug ? pair.b : pair.a;
}

function bySeverity(pairs: readonly Interaction[]): Interaction[] {
  return pairs.toSorted((x, y) => y.severity - x.severity || (x.a + x.b < y.a + y.b ? -1 : 1));
}
