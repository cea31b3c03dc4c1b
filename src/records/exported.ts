/** What an export is made of: a patient with the visits that were asked for and what was decided at them. Types only. */

import type { Patient, Visit } from '../shared/domain.ts';
import type { Recommendation } from '../shared/recommendation.ts';
import type { ExportedDecision } from './fhir-export/decision-resources.ts';

export interface ExportedVisit {
  readonly visit: Visit;
  /** Newest first. */
  readonly decisions: readonly ExportedDecision[];
  /** The newest recommendation of a visit without a decision; null where there is none. */
  readonly proposal: Recommendation | null;
}

export interface ExportedPatient {
  readonly patient: Patient;
  /** Oldest first. */
  readonly visits: readonly ExportedVisit[];
}
