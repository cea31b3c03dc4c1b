/**
 * What the deterministic checks answer for a list of drugs, and how loudly each answer may speak. Types and the
 * attention policy only; the checks themselves live in src/checks.
 */

import type { Severity, SourceSupport } from './domain.ts';
import type { DrugId } from './ids.ts';

/** The checks, in the order in which equally severe findings are shown. */
export const CHECKS = [
  'allergies',
  'contraindications',
  'pregnancy',
  'lactation',
  'renal-function',
  'age',
  'interactions',
  'duplicate-therapy',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** Where a finding comes from, so that a reader can look it up. */
export interface FindingSource {
  /** Label and section, guideline, or table. */
  readonly citation: string;
  /** Version of the table or rule set that holds it. */
  readonly version: string;
  /** False for label text that was matched by words and that nobody has read for this patient. */
  readonly reviewed: boolean;
  /** How far a cited rule was held against text; absent for what is a table itself, and in findings from before. */
  readonly support?: SourceSupport;
}

/** Label text as written, with the phrase that matched: `text.slice(from, to)`. */
export interface LabelExcerpt {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Something recorded speaks against the drugs, or asks for care with them. */
export interface FoundFinding {
  readonly state: 'found';
  readonly check: CheckName;
  /** The drugs it is about: one, or the two of a pair. It stands wherever all of them are taken or proposed. */
  readonly drugs: readonly DrugId[];
  readonly severity: Severity;
  /** What about the patient called for it, e.g. `eGFR 24 mL/min/1.73 m²`; empty when the drugs alone did. */
  readonly because: string;
  /** What may happen; empty when the source does not say. */
  readonly effect: string;
  /** What to do; empty when the source does not say. */
  readonly management: string;
  /** Why it happens; null where the source does not say. */
  readonly mechanism: string | null;
  readonly label: LabelExcerpt | null;
  readonly sources: readonly FindingSource[];
}

/** A fact about the patient without which a check cannot answer. */
export type MissingFact =
  | 'creatinine'
  | 'sex'
  /** The formulas for kidney function are for adults. */
  | 'adult-age'
  | 'pregnancy'
  | 'lactation'
  | 'diagnoses'
  /** Only the beginning of each label section is held, and the condition may stand in the rest. */
  | 'label-end'
  /** An allergy entry that names no drug and no class. */
  | 'allergy-meaning';

/** No table or rule of this check names the drug. It is unchecked, not safe. */
export interface NotCoveredFinding {
  readonly state: 'not-covered';
  readonly check: CheckName;
  readonly drugs: readonly DrugId[];
}

/** A rule names the drug, but what it asks about the patient is not recorded. */
export interface NotCheckedFinding {
  readonly state: 'not-checked';
  readonly check: CheckName;
  /** Empty when it concerns every drug, as an allergy entry that nobody understands does. */
  readonly drugs: readonly DrugId[];
  readonly missing: MissingFact;
  /** What was written, where something was. */
  readonly entry: string | null;
}

/** The check broke off. The others answered all the same. */
export interface FailedFinding {
  readonly state: 'failed';
  readonly check: CheckName;
  readonly drugs: readonly [];
  readonly problem: string;
}

export type Finding = FoundFinding | NotCoveredFinding | NotCheckedFinding | FailedFinding;
export type UnknownFinding = Exclude<Finding, FoundFinding>;

export interface CheckReport {
  /** Worst first; what is unknown follows what was found. */
  readonly findings: readonly Finding[];
  readonly knowledgeVersion: string;
}

/** How a finding may ask for attention: in the way, in the list, or folded away. */
export type Attention = 'interrupt' | 'list' | 'fold';

/**
 * The attention policy: interrupt for severity 3 and above, list 2, fold 1. Alerts are overridden most of the time
 * where everything interrupts (van der Sijs et al., J Am Med Inform Assoc 2006;13:138-147: 49 to 96 %).
 */
export function attentionOf(severity: Severity): Attention {
  if (severity >= 3) return 'interrupt';
  return severity === 2 ? 'list' : 'fold';
}

/** The same for the same finding and for no other of the same report. */
export function findingKey({ check, drugs, because, label, sources }: FoundFinding): string {
  return JSON.stringify([check, drugs, because, label, sources.map(({ version }) => version)]);
}

/** The findings that concern a list: those whose drugs are all in it. */
export function findingsWithin<Item extends Pick<Finding, 'drugs'>>(
  findings: readonly Item[],
  list: Iterable<DrugId>,
): Item[] {
  const members = new Set(list);
  return findings.filter(({ drugs }) => drugs.every((drug) => members.has(drug)));
}
