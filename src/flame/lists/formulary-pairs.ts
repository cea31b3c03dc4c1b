/**
 * The pair tables of a formulary: what is recorded, for counting, and what decoding may not put on one list. Reads the
 * compiled tables; decides no severity.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { buildPairMatrix, type PairMatrix } from './pair-matrix.ts';

/** Recorded severities among the formulary, position by position. */
export function recordedPairs(
  formulary: readonly DrugId[],
  { drugs, interactions }: Pick<Knowledge, 'drugs' | 'interactions'>,
): PairMatrix {
  return buildPairMatrix(
    formulary.map((drug) => drugs.canonical(drug)),
    interactions.pairs(),
  );
}

/** The same with duplicate therapy raised to the level of pairs that never stand on a list together. */
export function decodingPairs(
  formulary: readonly DrugId[],
  knowledge: Pick<Knowledge, 'drugs' | 'interactions' | 'rules'>,
): PairMatrix {
  const recorded = recordedPairs(formulary, knowledge);
  const duplicates = new DuplicateTherapy(knowledge);
  const names = formulary.map((drug) => knowledge.drugs.canonical(drug));
  const levels = Uint8Array.from(recorded.levels);
  names.forEach((a, i) => {
    names.forEach((b, j) => {
      if (duplicates.between(a, b) !== null) levels[i * recorded.size + j] = HARD_RULE_SEVERITY;
    });
  });
  return { size: recorded.size, levels };
}

/** The tables' explicit rules of duplicate therapy (`duplicate-…`): any two drugs of one group. */
export class DuplicateTherapy {
  readonly #groups = new Map<DrugId, ReadonlyMap<string, string>>();

  constructor({ drugs, rules }: Pick<Knowledge, 'drugs' | 'rules'>) {
    for (const { id, title, a, b } of rules().values()) {
      if (b !== null || !id.startsWith('duplicate-')) continue;
      const group = title.replace(/^Two /, '');
      for (const drug of a.map((name) => drugs.canonical(name))) {
        this.#groups.set(drug, new Map([...(this.#groups.get(drug) ?? []), [id, group]]));
      }
    }
  }

  /** The group in which two drugs (in the tables' spelling) are duplicates, e.g. `statins`; null without such a rule. */
  between(a: DrugId, b: DrugId): string | null {
    const mine = this.#groups.get(a);
    const theirs = this.#groups.get(b);
    if (a === b || !mine || !theirs) return null;
    for (const [id, group] of mine) if (theirs.has(id)) return group;
    return null;
  }
}
