/**
 * Why a drug stands on the list, or does not: what the engine answers and the screen shows. Types and the cut between a
 * noted and a negligible change only.
 */

import type { CodeTitle, DrugName } from './domain.ts';
import type { ListStep, RecommendationWarning } from './recommendation.ts';

/** Changes of a probability below this are negligible, and only counted: half a percentage point. */
export const NEGLIGIBLE_CHANGE = 0.005;

export const ENTRY_KINDS = [
  'diagnosis',
  'reason',
  'chronic',
  'procedure',
  'current-medication',
  'previous-medication',
  'age',
  'sex',
  'specialty',
  'note',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** What one entry of the visit does to the drug's probability. */
export interface EntryEffect {
  readonly kind: EntryKind;
  /** Code or drug with its title, null when no table has one; for age the whole years, for sex `F` or `M`. */
  readonly entry: CodeTitle;
  /** The probability with the entry minus the probability without it, -1 to 1: positive raised the drug. */
  readonly change: number;
}

/** Leave-one-out on the model, before the habits of the clinic. */
export interface ModelReasons {
  /** Probability of the drug by the model alone. */
  readonly probability: number;
  /** The same for a visit of this year of which nothing else is known. */
  readonly unknowing: number;
  /** By falling change. */
  readonly raised: readonly EntryEffect[];
  /** The strongest first. */
  readonly lowered: readonly EntryEffect[];
  /** Entries that change less than NEGLIGIBLE_CHANGE; codes that the model cannot read are among them. */
  readonly negligible: number;
}

/** An indication of the tables beside the title of the visit that its words answer to. */
export interface MatchedIndication {
  readonly indication: string;
  readonly title: string;
  /** The indication asks for more than the visit says. */
  readonly narrower: boolean;
}

/** A drug on the list or taken already with which the drug was often prescribed. */
export interface CoPrescription {
  readonly partner: DrugName;
  readonly taken: boolean;
  /** Share of the training visits with the partner that held the drug as well, 0 to 1. */
  readonly share: number;
  /** That share over the drug's share of all training visits. */
  readonly lift: number;
}

/** Where on the slider the drug is proposed. */
export interface SliderReasons {
  /** Whether it is proposed at the position that was asked about. */
  readonly proposed: boolean;
  /** The step that put it on the list of that position or took it off, the last one; null where none names it. */
  readonly step: ListStep | null;
  /** Positions of the grid, from 0, that hold it. */
  readonly positions: readonly number[];
  /** Number of positions of the grid. */
  readonly of: number;
  /** The first position after the one asked about that no longer holds it, and the step there that removed it. */
  readonly leaves: { readonly position: number; readonly step: ListStep | null } | null;
}

/** Past visits of other patients of this site that share most codes with this one. */
export interface SimilarVisits {
  readonly visits: number;
  /** How many of them got the drug. */
  readonly withDrug: number;
}

export interface Reasons {
  readonly drug: DrugName;
  /** Null for a drug outside the model's formulary. */
  readonly model: ModelReasons | null;
  /** What the lists were built from, habits included; null outside the formulary. */
  readonly probability: number | null;
  readonly indications: {
    /** Indications in the tables; 0 means that none is recorded, which is not the same as none on the label. */
    readonly recorded: number;
    readonly matched: readonly MatchedIndication[];
  };
  /** With drugs of the list and current medications; null when the training visits hold too few of the drug to count. */
  readonly coPrescriptions: readonly CoPrescription[] | null;
  readonly slider: SliderReasons;
  /** Pairs of severity 2 or above that it has, or would have, with the list proposed there and the current medications. */
  readonly pairs: number;
  /** Null when the site holds fewer than five comparable visits. */
  readonly similar: SimilarVisits | null;
  /** Warnings of the recommendation under which all this is to be read. */
  readonly warnings: readonly RecommendationWarning[];
}
