/** A checker over the shipped tables and patients to vary, for the tests of the checks. No product code imports it. */

import { drug, shippedKnowledge } from '../knowledge/fixture.ts';
import { lazy } from '../knowledge/tables.ts';
import type { Diagnosis } from '../shared/domain.ts';
import type { CheckName, Finding, FoundFinding } from '../shared/findings.ts';
import { Checker } from './checker.ts';
import type { PatientFacts } from './facts.ts';

export const shippedChecker = lazy(() => new Checker(shippedKnowledge()));

/** A man of 50 of whom nothing else is recorded. */
export const NOBODY: PatientFacts = {
  age: 50,
  ageMonths: null,
  sex: 'M',
  pregnancy: 'unknown',
  lactation: 'unknown',
  creatinine: null,
  weight: null,
  diagnoses: [],
  chronic: [],
  allergies: [],
  currentMedications: [],
};

export const icd10 = (...codes: string[]): Diagnosis[] =>
  codes.map((code) => ({ system: 'ICD-10-CM', code }));
export const icd9 = (...codes: string[]): Diagnosis[] => codes.map((code) => ({ system: 'ICD-9-CM', code }));

/** All findings of one check for a patient who differs from NOBODY so. */
export function findingsOf(
  check: CheckName,
  facts: Partial<PatientFacts>,
  list: readonly string[],
): readonly Finding[] {
  const { findings } = shippedChecker().check({ ...NOBODY, ...facts }, list.map(drug));
  return findings.filter((finding) => finding.check === check);
}

/** Only what it found, as `severity drug + drug`. */
export function found(check: CheckName, facts: Partial<PatientFacts>, list: readonly string[]): string[] {
  return foundFindings(check, facts, list).map(({ severity, drugs }) => `${severity} ${drugs.join(' + ')}`);
}

export function foundFindings(
  check: CheckName,
  facts: Partial<PatientFacts>,
  list: readonly string[],
): readonly FoundFinding[] {
  return findingsOf(check, facts, list).filter((finding) => finding.state === 'found');
}
