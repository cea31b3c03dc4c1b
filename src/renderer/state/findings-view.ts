/** Findings of the drugs on the screen, by how loudly each may speak, and what was not answered. Pure; asks nobody. */

import {
  attentionOf,
  findingsWithin,
  type Attention,
  type CheckName,
  type Finding,
  type FoundFinding,
  type MissingFact,
} from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import type { PairAnswers } from './pairs.ts';
import type { CheckAnswer } from './visit-checks.svelte.ts';

/** Drugs for which one check had no answer for one reason. */
export interface UnknownGroup {
  readonly check: CheckName;
  /** Null: no table or rule of the check names the drugs. */
  readonly missing: MissingFact | null;
  readonly drugs: readonly DrugId[];
  /** What was written, where something was. */
  readonly entries: readonly string[];
}

export interface FindingsView extends Readonly<Record<Attention, readonly FoundFinding[]>> {
  /** Something can be recorded that would give the answer. */
  readonly missing: readonly UnknownGroup[];
  /** The tables cannot answer. */
  readonly uncovered: readonly UnknownGroup[];
  readonly failed: readonly { readonly check: CheckName; readonly problem: string }[];
  /** Drugs on the screen about which the checks were not asked yet, or whose answer failed to come. */
  readonly unasked: readonly DrugId[];
}

export interface FindingsQuestion {
  readonly answer: CheckAnswer | null;
  readonly list: readonly DrugId[];
  readonly current: readonly DrugId[];
  /** Keys of pairs that the table of interactions shows already. */
  readonly told: ReadonlySet<string>;
  /** True while the table of interactions stands on the screen and names uncovered drugs itself. */
  readonly tableShown: boolean;
  /** True while the recommendation itself warns of allergy entries that it did not understand. */
  readonly allergyWarned: boolean;
}

/**
 * Keys of the pairs that the table of interactions tells. It folds away those that were taken together already, so the
 * severe ones among them are told by the checks as they were before anything was recommended.
 */
export function toldByTable({
  found,
  amongCurrent,
}: Pick<PairAnswers, 'found' | 'amongCurrent'>): Set<string> {
  const seen = amongCurrent.filter(({ severity }) => attentionOf(severity) !== 'interrupt');
  return new Set([...found, ...seen].map(({ a, b }) => pairKey(a, b)));
}

/** The tables, not the clinic, lack what would answer. */
const TABLES_LACK: readonly MissingFact[] = ['label-end', 'adult-age'];

export function viewFindings(question: FindingsQuestion): FindingsView {
  const { answer, list, current } = question;
  const shown = findingsWithin(answer?.report.findings ?? [], [...list, ...current]).filter(
    (finding) => !isToldElsewhere(finding, question),
  );
  const found = shown.filter((finding) => finding.state === 'found');
  const by = (attention: Attention): FoundFinding[] =>
    found.filter(({ severity }) => attentionOf(severity) === attention);
  const unknown = groupsOf(shown);
  const lacking = ({ missing }: UnknownGroup): boolean => missing === null || TABLES_LACK.includes(missing);
  return {
    interrupt: by('interrupt'),
    list: by('list'),
    fold: by('fold'),
    missing: unknown.filter((group) => !lacking(group)),
    uncovered: unknown.filter(lacking),
    failed: shown.flatMap((finding) =>
      finding.state === 'failed' ? [{ check: finding.check, problem: finding.problem }] : [],
    ),
    unasked: answer === null ? [...list, ...current] : list.filter((drug) => !isAsked(answer, current, drug)),
  };
}

function isAsked({ drugs }: CheckAnswer, current: readonly DrugId[], drug: DrugId): boolean {
  return drugs.has(drug) || current.includes(drug);
}

function isToldElsewhere(finding: Finding, { told, tableShown, allergyWarned }: FindingsQuestion): boolean {
  switch (finding.state) {
    case 'found': {
      const [a, b] = finding.drugs;
      return a !== undefined && b !== undefined && told.has(pairKey(a, b));
    }
    case 'not-covered':
      return tableShown && finding.check === 'interactions';
    case 'not-checked':
      return allergyWarned && finding.missing === 'allergy-meaning';
    case 'failed':
      return false;
  }
}

/** What one check could not answer for one reason, together. */
export function groupsOf(findings: readonly Finding[]): UnknownGroup[] {
  const groups = new Map<string, UnknownGroup>();
  for (const finding of findings) {
    if (finding.state === 'found' || finding.state === 'failed') continue;
    const missing = finding.state === 'not-checked' ? finding.missing : null;
    const entry = finding.state === 'not-checked' ? finding.entry : null;
    const key = `${finding.check} ${missing ?? ''}`;
    const before = groups.get(key) ?? { check: finding.check, missing, drugs: [], entries: [] };
    groups.set(key, {
      ...before,
      drugs: [...before.drugs, ...finding.drugs],
      entries: entry === null ? before.entries : [...before.entries, entry],
    });
  }
  return [...groups.values()];
}
