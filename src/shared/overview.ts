/** What was decided at this site, counted: the figures of the overview and the rule for small numbers. Draws nothing. */

import type { Severity } from './domain.ts';
import type { OverrideReason } from './decision.ts';
import type { DrugId } from './ids.ts';

/** Below this many no rate is stated: one decision more or less would move it by a tenth and over. */
export const FEWEST_FOR_RATE = 10;

/** A share from 0 to 1, or a mean a decision; null where it would rest on too few. */
export function rateOf(sum: number, n: number): number | null {
  return n < FEWEST_FOR_RATE ? null : sum / n;
}

export interface OverviewQuery {
  /** Local dates, both included; null leaves that end open. */
  readonly from: string | null;
  readonly to: string | null;
  /** True counts the demo patients' decisions, and only those. */
  readonly demo: boolean;
}

/** Decisions of one stretch of time. */
export interface OverviewPeriod {
  /** First local day, ISO date. */
  readonly start: string;
  readonly decisions: number;
  /** Sum over these decisions of interacting pairs / all pairs of the final list (see `Overview.interactionRates`). */
  readonly interactionRates: number;
}

export interface DrugAcceptance {
  readonly drug: DrugId;
  readonly name: string;
  readonly proposed: number;
  /** Of those proposed, how many stand on the final list. */
  readonly kept: number;
  /** Put on the final list without having been proposed. */
  readonly added: number;
}

export interface SeverityAcceptance {
  /** The worst recorded pair of a proposed drug within the proposal and the current medications; 0 without one. */
  readonly severity: 0 | Severity;
  readonly proposed: number;
  readonly kept: number;
}

/** Only the latest decision of each visit counts. */
export interface Overview {
  readonly decisions: number;
  /** Decisions in the same range that `demo` leaves out. */
  readonly leftOut: number;
  readonly period: 'day' | 'week' | 'month';
  /** In order, without a gap. */
  readonly periods: readonly OverviewPeriod[];
  /**
   * Sum over decisions of interacting pairs / all pairs of the final list, pairs of severity 2 and above, 0 for a list of
   * fewer than two drugs (docs/references/method.md, DDI). Its mean over decisions is the DDI rate.
   */
  readonly interactionRates: number;
  /** Most often proposed or added first. */
  readonly drugs: readonly DrugAcceptance[];
  /** Severity 0 to 4, those that occur. */
  readonly severities: readonly SeverityAcceptance[];
  /** Reasons for keeping something against a warning, most frequent first. */
  readonly overrides: readonly { readonly reason: OverrideReason; readonly count: number }[];
  /** Warnings of severity 3 and above. */
  readonly alerts: {
    /** Pairs in the lists as they were proposed, current medications included as partners. */
    readonly proposed: number;
    /** Pairs in the lists as they were decided. */
    readonly final: number;
    /** Other findings for the lists as they were decided; none is kept with decisions from before signatures. */
    readonly findings: number;
    /** Decisions whose final list holds a pair or has a finding. */
    readonly decisionsWith: number;
  };
}
