/**
 * What each entry of a visit does to the scores: the visit is scored again once for every entry, with that entry blanked.
 * Reads no weights of the model and explains no list; the scoring is handed in.
 */

import type { ClinicalContext, Diagnosis } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';

/** One entry of a visit that the model reads. Repeated codes are one entry. */
export type VisitEntry =
  | { readonly kind: 'diagnosis'; readonly diagnosis: Diagnosis }
  | { readonly kind: 'reason' | 'chronic' | 'procedure' | 'specialty'; readonly code: string }
  | { readonly kind: 'current-medication' | 'previous-medication'; readonly drug: DrugId }
  | { readonly kind: 'age' | 'sex' }
  | { readonly kind: 'note' };

/** All but the note, which is no part of the context. */
export type ContextEntry = Exclude<VisitEntry, { readonly kind: 'note' }>;

/** A visit as a model scores it; the note is empty for models that read none. */
export interface ScoredVisit {
  readonly context: ClinicalContext;
  readonly note: string;
}

/** Scores of a visit as it is, with each entry blanked, and with all of them blanked; in formulary order. */
export interface EntryScores {
  readonly entries: readonly VisitEntry[];
  readonly whole: ArrayLike<number>;
  /** One row for each entry, in the order of `entries`. */
  readonly without: readonly ArrayLike<number>[];
  readonly blank: ArrayLike<number>;
}

/** A diagnosis that no table maps, so that no feature but the number of diagnoses is left of it. */
const NO_DIAGNOSIS: Diagnosis = { system: 'ICD-10-CM', code: '' };
const NO_CODE = '';

/**
 * Every entry that can be blanked. The year and the setting are none: the first is no fact about the patient, the second
 * is not read by the model.
 */
export function entriesOf(context: ClinicalContext): ContextEntry[] {
  const { age, sex, specialty, reasons, chronic, procedures, currentMedications } = context;
  const diagnoses = new Map(context.diagnoses.map((entry) => [`${entry.system} ${entry.code}`, entry]));
  return [
    ...[...diagnoses.values()].map((diagnosis) => ({ kind: 'diagnosis', diagnosis }) as const),
    ...distinct(reasons).map((code) => ({ kind: 'reason', code }) as const),
    ...distinct(chronic).map((code) => ({ kind: 'chronic', code }) as const),
    ...distinct(procedures).map((code) => ({ kind: 'procedure', code }) as const),
    ...distinct(currentMedications).map((drug) => ({ kind: 'current-medication', drug }) as const),
    ...distinct(context.previousMedications).map((drug) => ({ kind: 'previous-medication', drug }) as const),
    ...(Number.isFinite(age) ? [{ kind: 'age' } as const] : []),
    ...(sex === 'unknown' ? [] : [{ kind: 'sex' } as const]),
    ...(specialty === null ? [] : [{ kind: 'specialty', code: specialty } as const]),
  ];
}

/**
 * The visit with an entry blanked. A blank code keeps its place, so that the number and the order of the others stay:
 * what changes is what the entry itself says.
 */
export function withoutEntry(context: ClinicalContext, entry: ContextEntry): ClinicalContext {
  switch (entry.kind) {
    case 'diagnosis': {
      const { system, code } = entry.diagnosis;
      const blanked = (one: Diagnosis): Diagnosis =>
        one.system === system && one.code === code ? NO_DIAGNOSIS : one;
      return { ...context, diagnoses: context.diagnoses.map(blanked) };
    }
    case 'reason':
      return { ...context, reasons: blank(context.reasons, entry.code) };
    case 'procedure':
      return { ...context, procedures: blank(context.procedures, entry.code) };
    case 'chronic':
      return { ...context, chronic: context.chronic.filter((code) => code !== entry.code) };
    case 'current-medication':
      return { ...context, currentMedications: without(context.currentMedications, entry.drug) };
    case 'previous-medication': {
      // A drug that was on the previous list and is blanked there alone would still be read from the lists before it.
      const earlierVisits = context.earlierVisits?.map((visit) => ({
        ...visit,
        drugs: without(visit.drugs, entry.drug),
      }));
      const previousMedications = without(context.previousMedications, entry.drug);
      return { ...context, previousMedications, ...(earlierVisits && { earlierVisits }) };
    }
    case 'age':
      return { ...context, age: Number.NaN };
    case 'sex':
      return { ...context, sex: 'unknown' };
    case 'specialty':
      return { ...context, specialty: null };
  }
}

/**
 * Scores the visit and all its blanked variants in one call of `score`, which answers in order with one row of
 * probabilities for each. Entries that say the same (a diagnosis and its chronic flag) stand in for each other, so each
 * alone may change little.
 */
export async function leaveOneOut(
  { context, note }: ScoredVisit,
  score: (visits: readonly ScoredVisit[]) => Promise<readonly ArrayLike<number>[]>,
): Promise<EntryScores> {
  const entries = entriesOf(context);
  const variants = entries.map((entry) => ({ context: withoutEntry(context, entry), note }));
  const nothing = { context: entries.reduce(withoutEntry, context), note: '' };
  const withoutNote = note === '' ? [] : [{ context, note: '' }];
  const [whole, blanked, ...rows] = await score([{ context, note }, nothing, ...variants, ...withoutNote]);
  return {
    entries: [...entries, ...withoutNote.map(() => ({ kind: 'note' }) as const)],
    whole: whole!,
    blank: blanked!,
    without: rows,
  };
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}

function blank(codes: readonly string[], code: string): string[] {
  return codes.map((one) => (one === code ? NO_CODE : one));
}

function without(drugs: readonly DrugId[], drug: DrugId): DrugId[] {
  return drugs.filter((one) => one !== drug);
}
