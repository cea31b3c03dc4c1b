/**
 * The rules about one drug and one patient as compiled: kidney, age, pregnancy, lactation, cross-reacting allergies, and
 * the conditions that labels name. Applies none of them (src/checks does).
 */

import type { Severity, SourceSupport } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import type { Tables } from './tables.ts';

export interface PatientRule {
  readonly id: string;
  readonly drugs: readonly DrugId[];
  readonly severity: Severity;
  /** What may happen. */
  readonly effect: string;
  /** What to do. */
  readonly management: string;
  /** Null where the source gives none. */
  readonly mechanism: string | null;
  /** Label and section, or guideline. */
  readonly citation: string;
  /** Version of the file that holds the rule. */
  readonly version: string;
  /** How far the rule was held against text, by drug; a drug that is missing rests on memory alone. */
  readonly support: SupportByDrug;
}

export type SupportByDrug = Readonly<Record<DrugId, SourceSupport>>;

/** What holds where nothing was found: the rule was written from memory of what it cites. */
export const FROM_MEMORY: SourceSupport = { state: 'memory', words: '' };

export interface RenalRule extends PatientRule {
  /** What the source measures by: eGFR in mL/min/1.73 m², or creatinine clearance in mL/min. */
  readonly measure: 'egfr' | 'clearance';
  /** The rule holds below this value; with `inclusive` at it too. */
  readonly below: number;
  readonly inclusive: boolean;
  /** Severity for a drug that is taken already, where the source speaks against starting it; null when the same. */
  readonly whenTaken: Severity | null;
}

export interface AgeRule extends PatientRule {
  /** Whole years, both ends included; null for no end. */
  readonly minAge: number | null;
  readonly maxAge: number | null;
  /** The rule holds below this age in completed months; where the months are unknown, in all of `maxAge`. */
  readonly belowMonths: number | null;
  /** Severity where the age in months is unknown; null without `belowMonths`. */
  readonly whenMonthsUnknown: Severity | null;
  /** Condition that the patient must have besides; null for none. */
  readonly condition: string | null;
}

export interface CrossReactivityRule extends PatientRule {
  /** Title of the allergy class (allergies.ts) that an allergy must belong to. */
  readonly allergyClass: string;
}

/** A condition that labels name: the codes that say a patient has it, and the phrases that labels use for it. */
export interface LabelCondition {
  readonly id: string;
  readonly title: string;
  /** Beginnings of codes. */
  readonly icd9: readonly string[];
  readonly icd10: readonly string[];
  /** NAMCS chronic flags. */
  readonly chronic: readonly string[];
  /** Regular expressions, to be matched as whole words without regard to case. */
  readonly phrases: readonly string[];
  /** Words of degree that the codes carry themselves. */
  readonly accepts: readonly string[];
  /** Words before the phrase that make it another condition. */
  readonly notAfterWords: readonly string[];
}

export interface PatientRules {
  readonly renal: readonly RenalRule[];
  readonly age: readonly AgeRule[];
  readonly pregnancy: readonly PatientRule[];
  readonly lactation: readonly PatientRule[];
  readonly crossReactivity: readonly CrossReactivityRule[];
  readonly conditions: readonly LabelCondition[];
  /** What labels say of an allergy class as a whole, by its title (allergies.ts) and by member. */
  readonly allergyClasses: Readonly<Record<string, SupportByDrug>>;
}

export function readPatientRules(tables: Tables): PatientRules {
  return tables.json('patient-rules.json') as PatientRules;
}
