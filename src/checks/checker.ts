/**
 * Runs every check over a list of drugs for one patient. A check that breaks off says so, and the others still answer.
 * No model, no files, no state but what the tables made.
 */

import type { Knowledge } from '../knowledge/knowledge.ts';
import { lazy } from '../knowledge/tables.ts';
import { CHECKS, type CheckName, type CheckReport, type Finding } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import { allergyCheck } from './allergies.ts';
import type { Check, CheckedDrug, CheckInput, MakeCheck } from './check.ts';
import { conditionsOf } from './conditions.ts';
import { contraindicationCheck } from './contraindications.ts';
import type { PatientFacts } from './facts.ts';
import { duplicateCheck, interactionCheck } from './interactions.ts';
import { ageCheck, lactationCheck, pregnancyCheck } from './life-stages.ts';
import { renalCheck } from './renal.ts';

export const ALL_CHECKS: Readonly<Record<CheckName, MakeCheck>> = {
  allergies: allergyCheck,
  contraindications: contraindicationCheck,
  pregnancy: pregnancyCheck,
  lactation: lactationCheck,
  'renal-function': renalCheck,
  age: ageCheck,
  interactions: interactionCheck,
  'duplicate-therapy': duplicateCheck,
};

const STATE_ORDER: readonly Finding['state'][] = ['found', 'failed', 'not-checked', 'not-covered'];

export class Checker {
  readonly #knowledge: Knowledge;
  readonly #make: Readonly<Record<CheckName, MakeCheck>>;
  readonly #made = new Map<CheckName, Check>();

  /** @param checks other checks than the usual ones, for tests */
  constructor(knowledge: Knowledge, checks: Readonly<Record<CheckName, MakeCheck>> = ALL_CHECKS) {
    this.#knowledge = knowledge;
    this.#make = checks;
  }

  /**
   * Everything there is to say of these drugs and the current medications together, worst first. Throws never.
   * @param names the checks to run; all unless said
   */
  check(facts: PatientFacts, list: readonly DrugId[], names: readonly CheckName[] = CHECKS): CheckReport {
    const { drugs, version } = this.#knowledge;
    const taken = new Set(facts.currentMedications);
    const checked = [...new Set([...list, ...taken])]
      .sort()
      .map((id): CheckedDrug => ({ id, canonical: drugs.canonical(id), taken: taken.has(id) }));
    const input = this.#input(facts, checked);
    const findings = names.flatMap((name): readonly Finding[] => {
      try {
        return this.#check(name)(input);
      } catch (thrown) {
        const problem = thrown instanceof Error ? thrown.message : String(thrown);
        return [{ state: 'failed', check: name, drugs: [], problem }];
      }
    });
    return { findings: findings.sort(byWeight), knowledgeVersion: version };
  }

  #check(name: CheckName): Check {
    let made = this.#made.get(name);
    if (!made) {
      made = this.#make[name](this.#knowledge);
      this.#made.set(name, made);
    }
    return made;
  }

  #input(facts: PatientFacts, drugs: readonly CheckedDrug[]): CheckInput {
    const { patientRules, codes, interactions } = this.#knowledge;
    return {
      facts,
      drugs,
      conditions: lazy(() => conditionsOf(facts, patientRules().conditions, codes)),
      pairs: lazy(() => interactions.among(drugs.map(({ id }) => id))),
    };
  }
}

function byWeight(a: Finding, b: Finding): number {
  return (
    STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) ||
    severityOf(b) - severityOf(a) ||
    CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check) ||
    compare(a.drugs.join(), b.drugs.join())
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function severityOf(finding: Finding): number {
  return finding.state === 'found' ? finding.severity : 0;
}
