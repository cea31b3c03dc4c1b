/** The project's class rules as compiled: two explicit drug lists, what may happen and what to do. Applies none. */

import type { Severity, SourceSupport } from '../shared/domain.ts';
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

/** What was found for the class rules besides their own words; scripts/knowledge/class-evidence.ts finds it. */
export interface RuleSupport {
  /** By rule and by the drug whose label it is: words that name the other drug (`of`) or its class (null). */
  readonly labels: Readonly<
    Record<
      string,
      Readonly<Record<DrugId, readonly { readonly of: readonly DrugId[] | null; readonly words: string }[]>>
    >
  >;
  /** By rule: a public copy of what it cites was read. */
  readonly read: Readonly<Record<string, SourceSupport>>;
}

export function readRuleSupport(tables: Tables): RuleSupport {
  return tables.json('rule-support.json.gz') as RuleSupport;
}

export function readRules(tables: Tables): ReadonlyMap<string, InteractionRule> {
  const rules = tables.json('rules.json') as InteractionRule[];
  return new Map(rules.map((rule) => [rule.id, rule]));
}
