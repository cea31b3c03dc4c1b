/** The clinical vocabulary every process shares: patients, visits, interactions. Types and constants only, no behaviour. */

import type { DrugId, PatientId, VisitId } from './ids.ts';

export type Sex = 'F' | 'M' | 'unknown';
export type DiagnosisSystem = 'ICD-9-CM' | 'ICD-10-CM';

/** Where the visit took place; the shipped model was trained on office visits only. */
export type Setting = 'office' | 'inpatient' | 'intensive-care' | 'emergency' | 'unknown';

/** An ICD code without its dot, upper case, e.g. `25000` or `E119`. */
export interface Diagnosis {
  readonly system: DiagnosisSystem;
  readonly code: string;
}

/**
 * One line of the JSON-lines visit format (data/visits/README.md).
 * The fields down to `unmapped` are the survey's; the optional ones carry what a clinic knows besides.
 */
export interface VisitRecord {
  readonly visit: string;
  readonly year: number;
  readonly clinician?: string;
  /** Whole years. */
  readonly age: number;
  /** Completed months, for patients under two years. */
  readonly age_months?: number;
  readonly sex: Sex;
  /** Specialty code of the NAMCS codebook. */
  readonly specialty?: string;
  /** Reason-for-visit codes of the NAMCS codebook. */
  readonly reasons: readonly string[];
  readonly dx_system: DiagnosisSystem;
  readonly dx: readonly string[];
  /** Chronic-condition flags of the NAMCS codebook, e.g. `HTN`. */
  readonly chronic: readonly string[];
  /** ICD-9 procedure or ICD-10-PCS codes. */
  readonly procedures: readonly string[];
  /** What the clinician prescribed or continued: the truth. Never an input of the recommendation. */
  readonly drugs: readonly string[];
  readonly unmapped?: readonly string[];

  /** Stable identifier of the patient at the source; visits of one patient share it. */
  readonly patient?: string;
  readonly name?: string;
  /** ISO date of the visit. */
  readonly date?: string;
  readonly setting?: Setting;
  /** Ingredients or brands the patient is allergic to. */
  readonly allergies?: readonly string[];
  /** Ingredients taken when the visit starts. */
  readonly current?: readonly string[];
  /** Ingredients of the patient's previous visit. */
  readonly previous?: readonly string[];
  readonly pregnancy?: Pregnancy;
  readonly lactation?: Lactation;
  /** mg/dL */
  readonly creatinine?: number;
  /** kg */
  readonly weight?: number;
  /** cm */
  readonly height?: number;
  /** mmHg */
  readonly systolic?: number;
  /** mmHg */
  readonly diastolic?: number;
  /** per minute */
  readonly heart_rate?: number;
  /** °C */
  readonly temperature?: number;
  readonly notes?: string;
}

/** What a policy may see of a visit (METHOD section 1: the context x). The visit's own drugs are not part of it. */
export interface ClinicalContext {
  readonly year: number;
  readonly age: number;
  readonly sex: Sex;
  readonly setting: Setting;
  readonly specialty: string | null;
  readonly reasons: readonly string[];
  readonly diagnoses: readonly Diagnosis[];
  readonly chronic: readonly string[];
  readonly procedures: readonly string[];
  readonly currentMedications: readonly DrugId[];
  readonly previousMedications: readonly DrugId[];
  /**
   * What was decided at the patient's visits on earlier days, newest first, as the record of patients knows it. No part of
   * the visit's own content: absent where nobody looked it up.
   */
  readonly earlierVisits?: readonly EarlierVisit[];
}

/** What a later visit of the patient may know of an earlier one. */
export interface EarlierVisit {
  readonly drugs: readonly DrugId[];
  /** Days before the visit that looks back; at least 1. */
  readonly daysAgo: number;
}

/** 4 contraindicated, 3 avoid the combination, 2 monitor or adjust, 1 be aware. */
export type Severity = 1 | 2 | 3 | 4;

/** The cut of the evaluation's interaction matrix (data/knowledge/README.md). */
export const EVALUATION_SEVERITY: Severity = 2;
/** From here on a pair needs a written reason before a list that holds it can be saved. */
export const OVERRIDE_SEVERITY: Severity = 3;
/** Pairs at this severity are never proposed together, whatever the slider says. */
export const HARD_RULE_SEVERITY: Severity = 4;

/**
 * How far a rule was held against text, since rules were written from memory of the sources that they cite: the label
 * text in the tables agrees or reads otherwise, another table records the same pair, a public copy of the source or what
 * somebody else says of it was read and agrees or not, or none of these.
 */
export const SUPPORT_STATES = [
  'label',
  'label-differs',
  'table',
  'read',
  'secondary',
  'read-differs',
  'memory',
] as const;

export interface SourceSupport {
  readonly state: (typeof SUPPORT_STATES)[number];
  /** The label's words, or what was read and where; empty where there is nothing to quote. */
  readonly words: string;
}

/** What one table or rule says of a pair, at its own level and in its own words. */
export interface InteractionSource {
  /** Identifier of the table or of the class rule, e.g. `ndf-rt` or `rule:warfarin-azole`. */
  readonly source: string;
  readonly severity: Severity;
  readonly nativeSeverity: string;
  readonly effect?: string;
  readonly mechanism?: string;
  readonly management?: string;
  readonly citation: string;
  /** False for text mined from labels that nobody has read. */
  readonly reviewed: boolean;
  /** Why this statement does not count, e.g. the two drugs are sold as one product; it then leaves the maximum. */
  readonly setAside?: string;
  /** The drug whose pair this is when it was inherited, e.g. `prednisolone` for its sodium phosphate. */
  readonly recordedFor?: DrugId;
  /** For a class rule: how far it was held against text for this pair; absent for tables, and in pairs from before. */
  readonly support?: SourceSupport;
}

/** An interacting pair, a < b in code-unit order, with every source that records it. */
export interface Interaction {
  readonly a: DrugId;
  readonly b: DrugId;
  /** The maximum over the sources that are not set aside. */
  readonly severity: Severity;
  /** Sources differ by two levels or more. */
  readonly disputed: boolean;
  readonly sources: readonly InteractionSource[];
}

/** Three different answers: a recorded pair, a pair no table records, and a drug no table covers. */
export type InteractionAnswer =
  | { readonly state: 'found'; readonly interaction: Interaction }
  | { readonly state: 'none-recorded' }
  | { readonly state: 'not-covered'; readonly drugs: readonly DrugId[] };

export interface Patient {
  readonly id: PatientId;
  /** As shown in lists; a site's own label, e.g. a name or a record number. */
  readonly name: string;
  /** Identifier at the source, when the patient was imported. */
  readonly sourceId: string | null;
  readonly sex: Sex;
  readonly birthYear: number | null;
  readonly demo: boolean;
}

/** Whether pregnancy or lactation has to be thought of. `unknown` is never read as no. */
export type Pregnancy = 'pregnant' | 'not-pregnant' | 'unknown';
export type Lactation = 'lactating' | 'not-lactating' | 'unknown';

/** What was measured at or before the visit; null when not recorded. */
export interface Measurements {
  /** mg/dL */
  readonly creatinine: number | null;
  /** kg */
  readonly weight: number | null;
  /** cm */
  readonly height: number | null;
  /** mmHg */
  readonly systolic: number | null;
  /** mmHg */
  readonly diastolic: number | null;
  /** per minute */
  readonly heartRate: number | null;
  /** °C */
  readonly temperature: number | null;
}

/** How a drug is taken; each field as entered, empty when unknown. */
export interface Directions {
  readonly dose: string;
  readonly route: string;
  readonly frequency: string;
}

/** How a current medication is taken. */
export interface MedicationUse extends Directions {
  readonly drug: DrugId;
}

export interface Visit {
  readonly id: VisitId;
  readonly patientId: PatientId;
  readonly sourceId: string | null;
  /** ISO date; January 1 of the year when only the year is known (`dateKnown` is false then). */
  readonly date: string;
  readonly dateKnown: boolean;
  readonly context: ClinicalContext;
  /** Completed months of a patient under two years, where they are known; `context.age` holds the completed years. */
  readonly ageMonths: number | null;
  readonly allergies: readonly string[];
  readonly notes: string;
  /** What the record says was prescribed; null when the visit is still open. */
  readonly prescribed: readonly DrugId[] | null;
  /** Drug entries of the source without an ingredient. */
  readonly unmapped: readonly string[];
  readonly pregnancy: Pregnancy;
  readonly lactation: Lactation;
  readonly measurements: Measurements;
  /** For current medications only; a drug without an entry is taken in an unknown way. */
  readonly medicationUse: readonly MedicationUse[];
}

export const NO_MEASUREMENTS: Measurements = {
  creatinine: null,
  weight: null,
  height: null,
  systolic: null,
  diastolic: null,
  heartRate: null,
  temperature: null,
};

/** What a visit holds of these when its source says nothing of them. */
export const NOT_RECORDED: Pick<
  Visit,
  'ageMonths' | 'pregnancy' | 'lactation' | 'measurements' | 'medicationUse'
> = {
  ageMonths: null,
  pregnancy: 'unknown',
  lactation: 'unknown',
  measurements: NO_MEASUREMENTS,
  medicationUse: [],
};

/** A drug as people see it. */
export interface DrugName {
  readonly id: DrugId;
  /** US name where it differs from the id. */
  readonly name: string;
  readonly drugClass: string | null;
}

/** A code with its title for display; `title` is null when no table knows the code. */
export interface CodeTitle {
  readonly code: string;
  readonly title: string | null;
}
