/**
 * Holds every class rule against the other tables and the contraindication sections, pair by pair. Changes no rule and
 * no pair.
 */

import type { SourceSupport } from '../../src/shared/domain.ts';
import { passagesOf, readingWords, type EvidenceFile } from './rule-evidence.ts';
import { pairsOfRule, type ResolvedRule } from './rules.ts';

/** What other tables state of a pair: level by table, statements that were set aside left out. */
export type TableLevels = ReadonlyMap<string, Readonly<Record<string, number>>>;

export interface CheckedClassRule {
  readonly rule: ResolvedRule;
  readonly pairs: number;
  /** Pairs by table that records them, and how many it puts two levels or more away from the rule. */
  readonly tables: ReadonlyMap<string, { readonly pairs: number; readonly apart: number }>;
  /** Pairs of which a contraindication section names the other drug or its class. */
  readonly labelled: number;
  /** Pairs that neither a table nor a section names: they rest on what was written from memory, or read. */
  readonly alone: number;
  /** The section's words by the drug whose label they stand on. */
  readonly words: Readonly<Record<string, readonly LabelWords[]>>;
}

export interface LabelWords {
  /** Drugs on the other side that the words speak of; null for all of them. */
  readonly of: readonly string[] | null;
  readonly words: string;
}

export const pairKey = (x: string, y: string): string => (x < y ? `${x}\t${y}` : `${y}\t${x}`);

export function checkClassRules(
  rules: readonly ResolvedRule[],
  levels: TableLevels,
  sections: ReadonlyMap<string, readonly string[]>,
  { classWords }: EvidenceFile,
): CheckedClassRule[] {
  for (const id of Object.keys(classWords)) {
    if (!rules.some((rule) => rule.id === id))
      throw new Error(`rule-evidence.json: words for "${id}", but there is no such rule`);
  }
  return rules.map((rule) => checkRule(rule, levels, sections, classWords[rule.id] ?? {}));
}

function checkRule(
  rule: ResolvedRule,
  levels: TableLevels,
  sections: ReadonlyMap<string, readonly string[]>,
  { inA, inB }: EvidenceFile['classWords'][string],
): CheckedClassRule {
  const tables = new Map<string, { pairs: number; apart: number }>();
  const words: Record<string, LabelWords[]> = {};
  const sideA = new Set(rule.a);
  const classNamed = (drug: string): string | undefined => {
    const pattern = sideA.has(drug) ? inA : inB;
    if (pattern === undefined) return undefined;
    return namedIn(sections.get(drug) ?? [], new RegExp(`\\b(?:${pattern})`, 'i'));
  };
  const quote = (drug: string, other: string): boolean => {
    const ofClass = classNamed(drug);
    const named = ofClass ?? namedIn(sections.get(drug) ?? [], new RegExp(`\\b${escaped(other)}\\b`, 'i'));
    if (named === undefined) return false;
    const known = (words[drug] ??= []);
    if (ofClass === undefined) known.push({ of: [other], words: named });
    else if (!known.some(({ of }) => of === null)) known.push({ of: null, words: named });
    return true;
  };
  let [labelled, alone] = [0, 0];
  const pairs = pairsOfRule(rule);
  for (const [x, y] of pairs) {
    const stated = levels.get(pairKey(x, y)) ?? {};
    for (const [table, level] of Object.entries(stated)) {
      const count = tables.get(table) ?? { pairs: 0, apart: 0 };
      const apart = Math.abs(level - rule.severity) >= 2 ? 1 : 0;
      tables.set(table, { pairs: count.pairs + 1, apart: count.apart + apart });
    }
    const named = [quote(x, y), quote(y, x)].includes(true);
    if (named) labelled += 1;
    if (!named && Object.keys(stated).length === 0) alone += 1;
  }
  return { rule, pairs: pairs.length, tables, labelled, alone, words };
}

function namedIn(texts: readonly string[], matter: RegExp): string | undefined {
  return texts.flatMap((text) => passagesOf(text, matter))[0];
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** What the app keeps: label words by rule and drug, and what was read for the rule. */
export interface ClassRuleSupport {
  readonly labels: Readonly<Record<string, Readonly<Record<string, readonly LabelWords[]>>>>;
  readonly read: Readonly<Record<string, SourceSupport>>;
}

export function classRuleSupport(
  checked: readonly CheckedClassRule[],
  { readings }: EvidenceFile,
): ClassRuleSupport {
  const named = checked.filter(({ words }) => Object.keys(words).length > 0);
  const read = checked.flatMap(({ rule }) => {
    const reading = readings.find(({ rules }) => rules.includes(`rule:${rule.id}`));
    return reading ? [[rule.id, readingWords(reading)] as const] : [];
  });
  return {
    labels: Object.fromEntries(named.map(({ rule, words }) => [rule.id, words])),
    read: Object.fromEntries(read),
  };
}
