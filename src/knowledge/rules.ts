/** The project's class rules as compiled: two explicit drug lists, what may happen and what to do. Applies none. */

import type { Severity } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import type { Tables } from './tables.ts';

export interface InteractionRule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly a: readonly DrugId[];
  /** Null: every two drugs of `a`. */
  readonly b: readonly DrugId[] | null;
  readonly mechanism: string;
  readonly effect: string;
  readonly management: string;
  readonly citations: readonly string[];
  readonly version: string;
}

export function readRules(tables: Tables): ReadonlyMap<string, InteractionRule> {
  const rules = tables.json('rules.json') as InteractionRule[];
  return new Map(rules.map((rule) => [rule.id, rule]));
}
