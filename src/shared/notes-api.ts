/** What is found in a free-text note and offered for confirmation. Nothing of it is stored or applied by being found. */

import type { Method } from './contract.ts';
import type { CodeTitle, Directions, DrugName } from './domain.ts';

export type NoteSection =
  'history' | 'family' | 'medications' | 'allergies' | 'problems' | 'plan' | 'results' | 'other';

/**
 * What the note says of a mention: `present` holds for the patient now; `past` is written as history; `stopped` and
 * `planned` are of medications; the others do not hold.
 */
export type MentionStatus = 'present' | 'past' | 'stopped' | 'planned' | 'possible' | 'family' | 'negated';

interface Mention {
  /** Place of the words in the note, in UTF-16 units; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  /** The sentence or line that holds them. */
  readonly sentence: { readonly from: number; readonly to: number };
  readonly section: NoteSection;
  readonly status: MentionStatus;
  /** The words that decided the status, or null when nothing but the section did. */
  readonly cue: string | null;
}

export interface MedicationMention extends Mention {
  readonly kind: 'medication';
  /** Several for a combination. */
  readonly drugs: readonly DrugName[];
  readonly directions: Directions;
}
export interface AllergyMention extends Mention {
  readonly kind: 'allergy';
  /** An entry as the allergy list takes it: an ingredient or a class. */
  readonly entry: string;
}
export interface ProblemMention extends Mention {
  readonly kind: 'problem';
  /** ICD-10-CM. */
  readonly diagnosis: CodeTitle;
  /** Other readings of the same words, the likelier first. */
  readonly others: readonly CodeTitle[];
}
export type NoteMention = MedicationMention | AllergyMention | ProblemMention;

export interface NoteReading {
  /** In the order of the note; one for each thing found, the firmest statement of it. */
  readonly mentions: readonly NoteMention[];
  /** The note says that no allergies are known. */
  readonly noKnownAllergies: boolean;
}

export interface NotesApi {
  /** Finds medications, allergies and diagnoses in a note. Stores nothing. */
  'notes.read': Method<{ text: string }, NoteReading>;
}

export const NOTES_METHODS = { 'notes.read': true } as const satisfies Record<keyof NotesApi, true>;
