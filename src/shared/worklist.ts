/** What waits for the clinician today, as the start page shows it. Types only. */

import type { PatientId, VisitId } from './ids.ts';

/** A visit with what it is recognised by. */
export interface WorkVisit {
  readonly patientId: PatientId;
  readonly visitId: VisitId;
  readonly patientName: string;
  readonly demo: boolean;
  /** ISO date of the visit. */
  readonly date: string;
  readonly dateKnown: boolean;
  /** Titles of its diagnoses. */
  readonly diagnoses: readonly string[];
  /** True when a decision was saved for it. */
  readonly decided: boolean;
  /** ISO time of what brings it here: the recommendation, the last opening; null for a visit of today. */
  readonly at: string | null;
}

/** A part of the list; `total` counts what the list leaves out as well. */
export interface WorkVisits {
  readonly total: number;
  readonly visits: readonly WorkVisit[];
}

export interface Worklist {
  /** ISO date of the day that it is for, where the engine runs. */
  readonly date: string;
  /** Visits dated today, those without a decision first. */
  readonly today: WorkVisits;
  /** A recommendation was made and nothing decided on it, newest first. */
  readonly undecided: WorkVisits;
  /** Opened last by this user, newest first. */
  readonly recent: readonly WorkVisit[];
}
