/** The reply of recommend() and the pure selection that the slider and the save both make from it. No model, no I/O. */

import type { DrugName, Interaction, Severity } from './domain.ts';
import type { CheckName } from './findings.ts';
import type { DrugId, RecommendationId, VisitId } from './ids.ts';

/** Why a drug is never proposed for this visit, at any position of the slider. */
export type Exclusion =
  | { readonly kind: 'allergy'; readonly allergy: string }
  | { readonly kind: 'already-taken' }
  | { readonly kind: 'duplicate-class'; readonly with: DrugId; readonly drugClass: string }
  | { readonly kind: 'contraindicated-pair'; readonly with: DrugId }
  /** A cited rule of the checks calls the drug contraindicated for this patient (severity 4). */
  | {
      readonly kind: 'patient-rule';
      readonly check: CheckName;
      /** What about the patient called for it. */
      readonly because: string;
      readonly effect: string;
      readonly source: string;
    };

/** A drug that the model scored high enough to be looked at. */
export interface Candidate {
  readonly drug: DrugName;
  /** Probability that a clinician prescribes the drug at such a visit, 0 to 1, with the habits of the clinic if used. */
  readonly probability: number;
  /** What the clinic's habits multiplied the odds of the drug by; 1 without habits. */
  readonly habitFactor: number;
  /** Hard rules that keep the drug off every list of the grid; empty when it may be proposed. */
  readonly exclusions: readonly Exclusion[];
}

/** One action of the decoding that built a list (METHOD section 1: a_n). */
export interface ListStep {
  readonly action: 'add' | 'remove';
  readonly drug: DrugId;
  readonly probability: number;
  /** Change of the expected Jaccard of the list by this step. */
  readonly expectedJaccardChange: number;
  /** Change of the number of interacting pairs (severity 2 or above) by this step, current medications included. */
  readonly interactionChange: number;
}

/** The list for one position of the slider. */
export interface GridPoint {
  /** Weight of the interactions in the potential φ (METHOD section 1); grows toward safety. */
  readonly alpha: number;
  readonly list: readonly DrugId[];
  readonly steps: readonly ListStep[];
  /** Pairs of severity 2 or above within the list and with current medications. Never rises along the grid. */
  readonly interactionCount: number;
  readonly expectedJaccard: number;
}

/** A point of the front measured on validation visits, shipped with the model pack. */
export interface FrontPoint {
  readonly alpha: number;
  readonly jaccard: number;
  /** Mean over visits of interacting pairs / all pairs. */
  readonly interactionRate: number;
  readonly meanLength: number;
}

/** What a number was measured on (METHOD section 5). */
export interface Protocol {
  readonly corpus: string;
  readonly split: string;
  readonly formularySize: number;
  readonly interactionTable: string;
  readonly severityCut: Severity;
}

/** The protocol in words, without a full stop: the one wording that stands beside every measured number. */
export function protocolSentence(protocol: Protocol, seeds?: number): string {
  const { corpus, split, formularySize, interactionTable, severityCut } = protocol;
  const runs = seeds === undefined ? '' : `; mean of ${seeds} seeds`;
  return (
    `${corpus}; ${split}; formulary of ${formularySize} drugs; ` +
    `interactions of severity ${severityCut} or above in table ${interactionTable}${runs}`
  );
}

export type RecommendationWarning =
  | { readonly kind: 'unknown-codes'; readonly codes: readonly string[] }
  | { readonly kind: 'current-medication-outside-formulary'; readonly drugs: readonly DrugId[] }
  | { readonly kind: 'not-covered'; readonly drugs: readonly DrugId[] }
  | { readonly kind: 'allergy-not-understood'; readonly entries: readonly string[] }
  | {
      readonly kind: 'outside-training-population';
      readonly reason: 'inpatient' | 'paediatric' | 'no-diagnosis';
    }
  /** The model read the visit's note: its first `read` characters of `characters`, runs of white space counted as one. */
  | { readonly kind: 'note-read'; readonly read: number; readonly characters: number };

/** How far the lists follow this clinic's own earlier decisions (docs/decisions/0009-clinic-habits.md). */
export interface Habits {
  /** Decisions there are to learn from: the latest one of each other visit, made with the model in use. */
  readonly decisions: number;
  /** Whether the lists were built with them: there are some, and the physician had not switched them off. */
  readonly used: boolean;
  /** What the odds of each drug of the formulary were multiplied by; empty when not used. */
  readonly factors: Readonly<Record<string, number>>;
}

export const NO_HABITS: Habits = { decisions: 0, used: false, factors: {} };

export interface Recommendation {
  readonly id: RecommendationId;
  readonly visitId: VisitId;
  /** ISO time. */
  readonly createdAt: string;
  readonly model: { readonly name: string; readonly version: string };
  readonly knowledgeVersion: string;
  /** Hash of the context and lists that the recommendation was made from. */
  readonly contextHash: string;
  /** Drugs taken when the visit starts; they stand in the graph and count in every pair. */
  readonly currentMedications: readonly DrugName[];
  /** By falling probability; holds every drug of every list of the grid. */
  readonly candidates: readonly Candidate[];
  /**
   * The model's own calibrated probability of every drug of the formulary, before habits: what later habits are counted
   * against. What the lists were built from is `probabilityOf`.
   */
  readonly scores: Readonly<Record<string, number>>;
  readonly habits: Habits;
  /** Every drug that a recorded allergy excludes, in the formulary or not, with the entry that excludes it. */
  readonly allergens: readonly { readonly drug: DrugId; readonly allergy: string }[];
  /** By rising alpha; at least two points. */
  readonly grid: readonly GridPoint[];
  /** All pairs among candidates and current medications, at any severity. */
  readonly interactions: readonly Interaction[];
  /** Candidates and current medications that no interaction table or rule covers. */
  readonly notCovered: readonly DrugId[];
  readonly warnings: readonly RecommendationWarning[];
  readonly front: { readonly points: readonly FrontPoint[]; readonly protocol: Protocol } | null;
}

/**
 * The grid point in use for a slider position: the last one whose alpha is not above `alpha`.
 * Pure, so that the screen and the engine agree on what was proposed.
 */
export function selectGridPoint(grid: readonly GridPoint[], alpha: number): GridPoint {
  const [first] = grid;
  if (!first) throw new RangeError('a recommendation has at least one grid point');
  let chosen = first;
  for (const point of grid) if (point.alpha <= alpha) chosen = point;
  return chosen;
}

/** A probability after its odds are multiplied by `factor`, above 0. Impossible and certain drugs stay so. */
export function multiplyOdds(probability: number, factor: number): number {
  const odds = probability * factor;
  return odds / (odds + 1 - probability || 1);
}

/** The probability that the lists were built from, of any drug of the formulary; null outside it. */
export function probabilityOf(
  { scores, habits }: Pick<Recommendation, 'scores' | 'habits'>,
  drug: DrugId,
): number | null {
  const score = scores[drug];
  return score === undefined ? null : multiplyOdds(score, habits.factors[drug] ?? 1);
}

/** The list after the clinician's edits: the proposal without `removed`, then `added` in order, no drug twice. */
export function applyEdits<Drug = DrugId>(
  proposed: readonly Drug[],
  added: readonly Drug[],
  removed: readonly Drug[],
): Drug[] {
  const gone = new Set(removed);
  return [...new Set([...proposed, ...added])].filter((drug) => !gone.has(drug));
}
