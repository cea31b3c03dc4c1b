/**
 * What a physician decides on a list: a word on every drug, reasons for what stays against a warning, a signature. Types
 * and pure rules that the screen and the engine share; asks no table and stores nothing.
 */

import {
  OVERRIDE_SEVERITY,
  type Directions,
  type DrugName,
  type Interaction,
  type Severity,
} from './domain.ts';
import { findingsWithin, type Finding, type FoundFinding } from './findings.ts';
import type { DecisionId, DrugId, RecommendationId, VisitId } from './ids.ts';
import { pairKey } from './interactions.ts';

export const OVERRIDE_REASONS = [
  'will-monitor',
  'dose-adjusted',
  'tolerated-before',
  'benefit-outweighs-risk',
  'information-wrong',
  'other',
] as const;
export type OverrideReason = (typeof OVERRIDE_REASONS)[number];

export const REJECT_REASONS = [
  'not-indicated',
  'contraindicated-here',
  'interaction',
  'tolerated-badly-before',
  'patient-declined',
  'other',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/**
 * The word on a drug that is on the list: proposed and taken as it is, proposed and its use written in, or put on the
 * list by hand.
 */
export const VERDICTS = ['accepted', 'modified', 'added'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** How a decided drug is to be taken; each field as typed, empty when not stated. */
export interface DrugUse extends Directions {
  readonly instructions: string;
}

export const NO_USE: DrugUse = { dose: '', route: '', frequency: '', instructions: '' };

export function isUseStated(use: DrugUse): boolean {
  return Object.values(use).some((part: string) => part.trim() !== '');
}

export interface ChosenDrug {
  readonly drug: DrugId;
  readonly verdict: Verdict;
  readonly use: DrugUse;
}

/** A drug that was proposed, at whatever position of the slider, and is not wanted. A reason may be given. */
export interface RejectedDrug {
  readonly drug: DrugId;
  readonly reason: RejectReason | null;
  readonly note: string;
}

/** Why something stays in spite of a warning. `note` is required for the reason `other`. */
export interface StatedReason {
  readonly reason: OverrideReason;
  readonly note: string;
}

/** Why a pair of severity 3 or above stays on the list. */
export interface Override extends StatedReason {
  readonly a: DrugId;
  readonly b: DrugId;
  readonly severity: Severity;
}

/** Why a drug stays in spite of a finding of severity 3 or above; `finding` is its key (`findingKey`). */
export interface FindingOverride extends StatedReason {
  readonly finding: string;
}

export interface Signature {
  /** As typed by whoever signs. */
  readonly name: string;
  /** Role or credential, e.g. `MD, internal medicine`; empty when not stated. */
  readonly role: string;
  /** The account that signed; left out where there are none. */
  readonly account?: string;
}

/** The version that a new one replaces, and why. */
export interface Amendment {
  readonly replaces: DecisionId;
  readonly reason: string;
}

export interface DecisionInput {
  /** Made by the caller, so that a save repeated after a lost answer stores nothing twice. */
  readonly id: DecisionId;
  readonly visitId: VisitId;
  readonly recommendationId: RecommendationId;
  /** The slider position when the list was signed. */
  readonly alpha: number;
  /** Every drug of the list, with the word on it. */
  readonly chosen: readonly ChosenDrug[];
  readonly rejected: readonly RejectedDrug[];
  readonly overrides: readonly Override[];
  readonly findingOverrides: readonly FindingOverride[];
  readonly comment: string;
  readonly signature: Signature;
  readonly amendment: Amendment | null;
}

/** A finding as it stood when the list was signed, with the reason for keeping the drug where one was asked for. */
export interface DecidedFinding {
  readonly finding: Finding;
  readonly override: StatedReason | null;
}

/** What the clinician decided: immutable once stored. */
export interface Decision {
  readonly id: DecisionId;
  readonly visitId: VisitId;
  readonly recommendationId: RecommendationId;
  readonly savedAt: string;
  readonly alpha: number;
  readonly model: { readonly name: string; readonly version: string };
  readonly knowledgeVersion: string;
  readonly proposed: readonly DrugName[];
  readonly final: readonly DrugName[];
  /** Of the list, what was not proposed at this position of the slider. */
  readonly added: readonly DrugId[];
  /** Of what was proposed at this position of the slider, what is not on the list. */
  readonly removed: readonly DrugId[];
  readonly overrides: readonly Override[];
  readonly interactions: readonly Interaction[];
  readonly comment: string;
  /** One for each drug of `final`, in its order. */
  readonly chosen: readonly ChosenDrug[];
  readonly rejected: readonly (RejectedDrug & { readonly name: string })[];
  /** What else than the pairs was found for the list or left unanswered; see `recordedFindings`. */
  readonly findings: readonly DecidedFinding[];
  /** Null for decisions saved before there were signatures. */
  readonly signature: Signature | null;
  /** 1, and one more with each amendment. */
  readonly version: number;
  readonly amendment: Amendment | null;
}

export function isReasonStated({ reason, note }: StatedReason): boolean {
  return reason !== 'other' || note.trim() !== '';
}

/** Findings about the drugs of a list (current medications count as partners) that its pairs do not tell already. */
function untold(
  findings: readonly Finding[],
  { list, current, pairs }: DecidedList,
): { readonly found: FoundFinding[]; readonly unanswered: Finding[] } {
  const onList = new Set(list);
  const told = new Set(pairs.map(({ a, b }) => pairKey(a, b)));
  const shown = findingsWithin(findings, [...list, ...current]);
  const aboutList = (finding: Finding): boolean =>
    finding.drugs.length === 0 || finding.drugs.some((drug) => onList.has(drug));
  const isTold = ({ drugs }: Finding): boolean =>
    drugs.length === 2 && told.has(pairKey(drugs[0]!, drugs[1]!));
  const news = shown.filter((finding) => aboutList(finding) && !isTold(finding));
  return {
    found: news.filter((finding) => finding.state === 'found'),
    unanswered: news.filter((finding) => finding.state !== 'found'),
  };
}

export interface DecidedList {
  readonly list: readonly DrugId[];
  readonly current: readonly DrugId[];
  /** The interacting pairs that are shown and reasoned on their own. */
  readonly pairs: readonly Pick<Interaction, 'a' | 'b'>[];
}

/** The findings that need a reason before the list can be signed; pairs are asked for on their own. */
export function findingsToOverride(findings: readonly Finding[], question: DecidedList): FoundFinding[] {
  return untold(findings, question).found.filter(({ severity }) => severity >= OVERRIDE_SEVERITY);
}

/** Findings of this severity and above are kept with a decision. */
const RECORDED_SEVERITY: Severity = 2;

/**
 * What is kept of the checks with a decision: what was found of severity 2 and above, what could not be answered for
 * want of a fact, and what broke off. What no rule names at all is not listed drug by drug; the sheet says so once.
 */
export function recordedFindings(findings: readonly Finding[], question: DecidedList): Finding[] {
  const { found, unanswered } = untold(findings, question);
  return [
    ...found.filter(({ severity }) => severity >= RECORDED_SEVERITY),
    ...unanswered.filter(({ state, check }) => state !== 'not-covered' || check === 'interactions'),
  ];
}
