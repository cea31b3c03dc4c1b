/** What could stand in for a drug of an interacting pair: what the engine answers and the screen shows. Types only. */

import type { DrugName, Interaction } from './domain.ts';
import type { FoundFinding } from './findings.ts';

/** What an alternative has in common with the drug that it could replace. */
export type Kinship =
  /** A pharmacologic class of the FDA's or of this project. */
  | { readonly kind: 'class'; readonly title: string }
  /** Both have an indication in the tables that answers to this entry of the visit. */
  | { readonly kind: 'indication'; readonly title: string };

export interface Alternative {
  readonly drug: DrugName;
  /** What the lists are built from: the model's probability, with habits if used. */
  readonly probability: number;
  readonly kinship: readonly Kinship[];
  /** Recorded pairs of severity 2 or above with the rest of the list and the current medications, the worst first. */
  readonly interactions: readonly Interaction[];
  /** Whether any table covers the alternative; if not, no pair is known, which is not the same as none. */
  readonly covered: boolean;
  /** What the checks say of it for this patient, from severity 3 on. */
  readonly findings: readonly FoundFinding[];
}

/** The alternatives to one drug of the pair. */
export interface Alternatives {
  readonly drug: DrugName;
  /** Pairs of severity 2 or above that the drug itself has with the list and the current medications. */
  readonly pairs: number;
  /** By falling probability, at most five. */
  readonly alternatives: readonly Alternative[];
  /** Related drugs that were left out because they interact with the partner just as severely, or worse. */
  readonly unresolved: number;
}
