/**
 * What the editor edits: the form as it is typed (and kept as a draft), and the input that it becomes. Holds no check
 * (check-input.ts does) and no wording.
 */

import type {
  ClinicalContext,
  CodeTitle,
  Diagnosis,
  Directions,
  DrugName,
  Lactation,
  Measurements,
  Pregnancy,
  Setting,
  Sex,
  Visit,
} from './domain.ts';
import type { PatientId, VisitId } from './ids.ts';

/** A patient to store. The id is made by the caller, so that a save repeated after a lost answer stores one patient. */
export interface PatientInput {
  readonly id: PatientId;
  readonly name: string;
  /** The site's own number for the patient; null when there is none. */
  readonly recordNumber: string | null;
  readonly sex: Sex;
  readonly birthYear: number | null;
}

/**
 * A visit to store: what of a visit and its context somebody enters. The engine adds what follows from the patient and
 * from an earlier state of the visit.
 */
export interface VisitInput
  extends Omit<Visit, 'context' | 'prescribed' | 'sourceId'>, Omit<ClinicalContext, 'year' | 'sex'> {}

/** Text fields hold what was typed, right or wrong: a draft loses nothing. */
export interface PatientForm {
  readonly kind: 'patient';
  readonly id: PatientId;
  readonly isNew: boolean;
  readonly name: string;
  readonly recordNumber: string;
  readonly sex: Sex;
  readonly birthYear: string;
}

export interface MedicationEntry extends Directions {
  readonly drug: DrugName;
}

export type DiagnosisEntry = Diagnosis & { readonly title: string | null };

export interface VisitForm {
  readonly kind: 'visit';
  readonly id: VisitId;
  readonly patientId: PatientId;
  readonly isNew: boolean;
  /** `YYYY-MM-DD`, or `YYYY` when only the year is known. */
  readonly date: string;
  /** Empty: follows from the patient's birth year. */
  readonly age: string;
  readonly setting: Setting;
  /** Code of the codebook, empty when unknown. */
  readonly specialty: string;
  readonly reasons: readonly CodeTitle[];
  readonly diagnoses: readonly DiagnosisEntry[];
  readonly chronic: readonly string[];
  readonly procedures: readonly CodeTitle[];
  readonly medications: readonly MedicationEntry[];
  readonly previous: readonly DrugName[];
  readonly allergies: readonly string[];
  readonly unmapped: readonly string[];
  readonly pregnancy: Pregnancy;
  readonly lactation: Lactation;
  readonly measurements: Readonly<Record<keyof Measurements, string>>;
  readonly notes: string;
}

export type EditorForm = PatientForm | VisitForm;

/** A form that was typed and not saved. Its id is the id of the patient or visit that it would become. */
export interface Draft {
  readonly id: string;
  /** Whose it is, in words, e.g. the patient's name. */
  readonly label: string;
  readonly form: EditorForm;
  /** ISO time. */
  readonly savedAt: string;
}

/** Most entries that a list of a visit may hold. */
export const LONGEST_LIST = 300;
/** Characters of one entry, a name, a dose. */
export const LONGEST_ENTRY = 300;
/** Characters of the notes. */
export const LONGEST_NOTE = 100_000;
