/**
 * The rules that no slider outranks: which drugs may not be proposed for a visit, and why. Weighs no probabilities;
 * contraindicated pairs within a list are the decoder's (decoding.ts).
 */

import { HARD_RULE_SEVERITY, type Severity } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { Exclusion } from '../../shared/recommendation.ts';

export interface HardRuleInput {
  /** Drugs the model can propose, in the tables' spelling. */
  readonly drugs: readonly DrugId[];
  /** What the patient takes, in the tables' spelling. */
  readonly currentMedications: readonly DrugId[];
  /** Drugs that a recorded allergy excludes, with the entry. */
  readonly allergies: ReadonlyMap<DrugId, string>;
  readonly severity: (a: DrugId, b: DrugId) => 0 | Severity;
  /** The class in which two drugs are duplicate therapy by an explicit rule of the tables; null when none says so. */
  readonly duplicateClass: (a: DrugId, b: DrugId) => string | null;
}

/** Every reason against every drug that has one. */
export function exclusionsOf(input: HardRuleInput): Map<DrugId, readonly Exclusion[]> {
  const { currentMedications, allergies, severity, duplicateClass } = input;
  const excluded = new Map<DrugId, readonly Exclusion[]>();
  for (const drug of input.drugs) {
    const reasons: Exclusion[] = [];
    const allergy = allergies.get(drug);
    if (allergy !== undefined) reasons.push({ kind: 'allergy', allergy });
    if (currentMedications.includes(drug)) reasons.push({ kind: 'already-taken' });
    for (const other of currentMedications) {
      if (other === drug) continue;
      if (severity(drug, other) >= HARD_RULE_SEVERITY) {
        reasons.push({ kind: 'contraindicated-pair', with: other });
      }
      const drugClass = duplicateClass(drug, other);
      if (drugClass !== null) reasons.push({ kind: 'duplicate-class', with: other, drugClass });
    }
    if (reasons.length > 0) excluded.set(drug, reasons);
  }
  return excluded;
}
