/** What the checks need to know of a patient, read from a visit. Looks nothing up and guesses nothing. */

import type { Diagnosis, Lactation, Pregnancy, Sex, Visit } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';

export interface PatientFacts {
  /** Whole years. */
  readonly age: number;
  /** Completed months; null from two years on, and where they are unknown. */
  readonly ageMonths: number | null;
  readonly sex: Sex;
  readonly pregnancy: Pregnancy;
  readonly lactation: Lactation;
  /** mg/dL; null when not measured. */
  readonly creatinine: number | null;
  /** kg; null when not measured. */
  readonly weight: number | null;
  readonly diagnoses: readonly Diagnosis[];
  /** Chronic-condition flags of the NAMCS codebook. */
  readonly chronic: readonly string[];
  readonly allergies: readonly string[];
  readonly currentMedications: readonly DrugId[];
}

export type VisitFacts = Pick<
  Visit,
  'context' | 'ageMonths' | 'allergies' | 'pregnancy' | 'lactation' | 'measurements'
>;

export function factsOf({
  context,
  ageMonths,
  allergies,
  pregnancy,
  lactation,
  measurements,
}: VisitFacts): PatientFacts {
  return {
    age: context.age,
    ageMonths,
    sex: context.sex,
    pregnancy,
    lactation,
    creatinine: measurements.creatinine,
    weight: measurements.weight,
    diagnoses: context.diagnoses,
    chronic: context.chronic,
    allergies,
    currentMedications: context.currentMedications,
  };
}
