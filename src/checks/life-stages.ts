/** Drugs that speak differently to children, older adults, pregnant and breastfeeding women. Reads "unknown" as unknown. */

import type { AgeRule } from '../knowledge/patient-rules.ts';
import type { Pregnancy, Severity } from '../shared/domain.ts';
import type { Finding } from '../shared/findings.ts';
import { findingOf, rulesByDrug, worstOf, type MakeCheck } from './check.ts';
import type { PatientFacts } from './facts.ts';

export const ageCheck: MakeCheck = ({ patientRules }) => {
  const rules = rulesByDrug(patientRules().age);
  return ({ facts, drugs, conditions }) =>
    drugs.flatMap((drug) => {
      const holding = (rules.get(drug.canonical) ?? [])
        .filter(
          ({ minAge, maxAge, belowMonths, condition }) =>
            facts.age >= (minAge ?? 0) &&
            facts.age <= (maxAge ?? Infinity) &&
            (belowMonths === null || facts.ageMonths === null || facts.ageMonths < belowMonths) &&
            (condition === null || conditions().has(condition)),
        )
        .map((rule) => ({ ...rule, severity: severityAt(rule, facts) }));
      return worstOf(holding).map((rule) => {
        const besides = rule.condition === null ? '' : `, ${conditions().get(rule.condition) ?? ''}`;
        return findingOf('age', rule, drug, `${ageWords(facts)}${besides}`);
      });
    });
};

function severityAt({ severity, whenMonthsUnknown }: AgeRule, { ageMonths }: PatientFacts): Severity {
  return ageMonths === null ? (whenMonthsUnknown ?? severity) : severity;
}

function ageWords({ age, ageMonths }: PatientFacts): string {
  const [count, unit] = ageMonths === null ? [age, 'year'] : [ageMonths, 'month'];
  return `Age ${count} ${unit}${count === 1 ? '' : 's'}`;
}

export const pregnancyCheck: MakeCheck = ({ patientRules }) => {
  const rules = rulesByDrug(patientRules().pregnancy);
  return ({ facts, drugs }) => {
    const pregnancy = pregnancyOf(facts);
    if (pregnancy.state === 'not-pregnant') return [];
    return drugs.flatMap((drug): Finding[] => {
      const mine = rules.get(drug.canonical) ?? [];
      if (pregnancy.state === 'pregnant')
        return worstOf(mine).map((rule) => findingOf('pregnancy', rule, drug, pregnancy.because));
      return mine.length === 0
        ? []
        : [{ state: 'not-checked', check: 'pregnancy', drugs: [drug.id], missing: 'pregnancy', entry: null }];
    });
  };
};

export const lactationCheck: MakeCheck = ({ patientRules }) => {
  const rules = rulesByDrug(patientRules().lactation);
  return ({ facts, drugs }) => {
    const { lactation } = facts;
    if (lactation === 'not-lactating' || (lactation === 'unknown' && !mayBePregnant(facts))) return [];
    return drugs.flatMap((drug): Finding[] => {
      const mine = rules.get(drug.canonical) ?? [];
      if (lactation === 'lactating')
        return worstOf(mine).map((rule) => findingOf('lactation', rule, drug, 'Breastfeeding'));
      return mine.length === 0
        ? []
        : [{ state: 'not-checked', check: 'lactation', drugs: [drug.id], missing: 'lactation', entry: null }];
    });
  };
};

/** Ages at which an unrecorded pregnancy is asked for. US birth statistics report births from 10 to 54 years. */
const YOUNGEST = 10;
const OLDEST = 54;
/** Ongoing pregnancy by code: supervision, state and complications; not delivery, abortion or the puerperium. */
const ICD9 = ['V22', 'V23', '640', '641', '642', '643', '644', '645', '646', '647', '648', '649'];
const ICD10 = /^(O0[9]|O[1-4]\d|Z331|Z34|Z3A)/;

/** What is known of a pregnancy, and what says so. A code outranks a missing entry. */
export function pregnancyOf(facts: PatientFacts): { readonly state: Pregnancy; readonly because: string } {
  if (facts.pregnancy === 'pregnant') return { state: 'pregnant', because: 'Recorded pregnancy' };
  const coded = facts.diagnoses.find(({ system, code }) =>
    system === 'ICD-9-CM' ? ICD9.some((beginning) => code.startsWith(beginning)) : ICD10.test(code),
  );
  if (coded) return { state: 'pregnant', because: `Pregnancy by the diagnosis ${coded.code}` };
  const open = facts.pregnancy === 'unknown' && mayBePregnant(facts);
  return { state: open ? 'unknown' : 'not-pregnant', because: '' };
}

function mayBePregnant({ sex, age }: PatientFacts): boolean {
  return sex !== 'M' && age >= YOUNGEST && age <= OLDEST;
}
