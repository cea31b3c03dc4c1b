/** What every check is given and gives back. Holds no check. */

import type { Knowledge } from '../knowledge/knowledge.ts';
import { FROM_MEMORY, type PatientRule } from '../knowledge/patient-rules.ts';
import type { Interaction, Severity } from '../shared/domain.ts';
import type { CheckName, Finding, FoundFinding } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import type { PatientFacts } from './facts.ts';

/** A drug to check, under the id that the caller used and under the tables' own. */
export interface CheckedDrug {
  readonly id: DrugId;
  readonly canonical: DrugId;
  /** Taken when the visit starts. */
  readonly taken: boolean;
}

export interface CheckInput {
  readonly facts: PatientFacts;
  /** List and current medications, each drug once, in code-unit order. */
  readonly drugs: readonly CheckedDrug[];
  /** Conditions of patient-rules.json that the patient's codes say, with the title of the code that says so. */
  readonly conditions: () => ReadonlyMap<string, string>;
  /** Recorded pairs among the drugs, looked up once for the checks that read them. */
  readonly pairs: () => readonly Interaction[];
}

/**
 * Answers for a list of drugs. What it says of a drug or a pair depends on the patient and on these drugs alone, never on
 * the rest of the list: so a list's findings are those of any longer list whose drugs are all in it.
 */
export type Check = (input: CheckInput) => readonly Finding[];
export type MakeCheck = (knowledge: Knowledge) => Check;

/** Rules by drug. */
export function rulesByDrug<Rule extends PatientRule>(
  rules: readonly Rule[],
): ReadonlyMap<DrugId, readonly Rule[]> {
  const byDrug = new Map<DrugId, Rule[]>();
  for (const rule of rules) {
    for (const drug of rule.drugs) byDrug.set(drug, [...(byDrug.get(drug) ?? []), rule]);
  }
  return byDrug;
}

/** What a rule says of a drug, because of something about the patient. */
export function findingOf(
  check: CheckName,
  rule: PatientRule,
  drug: CheckedDrug,
  because: string,
  severity: Severity = rule.severity,
): FoundFinding {
  const { effect, management, mechanism, citation, version } = rule;
  const support = rule.support[drug.canonical] ?? FROM_MEMORY;
  return {
    state: 'found',
    check,
    drugs: [drug.id],
    severity,
    because,
    effect,
    management,
    mechanism,
    label: null,
    sources: [{ citation, version: `rule ${rule.id}, ${version}`, reviewed: true, support }],
  };
}

/** The rules of the highest severity among some; a milder rule about the same drug says nothing more. */
export function worstOf<Rule extends { readonly severity: Severity }>(
  rules: readonly Rule[],
): readonly Rule[] {
  const worst = Math.max(...rules.map(({ severity }) => severity));
  return rules.filter(({ severity }) => severity === worst);
}
