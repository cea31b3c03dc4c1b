/**
 * Which drugs a cited rule of the checks forbids for a patient: what the checks beside the list call contraindicated must
 * not stand on it. Obeys no label text that was matched by words, and no rule below severity 4.
 */

import { Checker } from '../../checks/checker.ts';
import type { PatientFacts } from '../../checks/facts.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import type { CheckName, Finding, FoundFinding } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { Exclusion } from '../../shared/recommendation.ts';

/** Checks of one drug by cited rules. Pairs are hard rules already, and label text is shown, not obeyed. */
const RULED: readonly CheckName[] = ['allergies', 'pregnancy', 'lactation', 'renal-function', 'age'];

export class PatientExclusions {
  readonly #checker: Checker;

  constructor(knowledge: Knowledge) {
    this.#checker = new Checker(knowledge);
  }

  /** Every rule against every drug that has one. A check that breaks off excludes nothing; the screen says that it did. */
  of(facts: PatientFacts, drugs: readonly DrugId[]): Map<DrugId, readonly Exclusion[]> {
    const excluded = new Map<DrugId, readonly Exclusion[]>();
    for (const finding of this.#checker.check(facts, drugs, RULED).findings) {
      if (!forbids(finding)) continue;
      const [drug] = finding.drugs;
      excluded.set(drug!, [...(excluded.get(drug!) ?? []), exclusionOf(finding)]);
    }
    return excluded;
  }
}

/** Severity 4 by a rule that somebody wrote and cited, about one drug. */
export function forbids(finding: Finding): finding is FoundFinding {
  return (
    finding.state === 'found' &&
    finding.severity >= HARD_RULE_SEVERITY &&
    finding.drugs.length === 1 &&
    finding.sources.every(({ reviewed }) => reviewed)
  );
}

function exclusionOf({ check, because, effect, sources }: FoundFinding): Exclusion {
  return { kind: 'patient-rule', check, because, effect, source: sources[0]?.citation ?? '' };
}
