/** Merges the interaction tables and the class rules into one pair table. Every source keeps its own level and text. */

import { z } from 'zod';
import type { DrugTables } from './drugs.ts';
import { pairsOfRule, type ResolvedRule } from './rules.ts';
import { byCodeUnit, readJson, readTsv, type TableWriter } from './tables.ts';

type Level = 1 | 2 | 3 | 4;

const reviewSchema = z.strictObject({
  about: z.string(),
  setAside: z.array(
    z.strictObject({
      a: z.string(),
      b: z.string(),
      /** Absent: every table's statement on the pair. Rules are never set aside: change the rule. */
      sources: z.array(z.enum(['ndf-rt', 'fda-label', 'onc-high', 'onc-low'])).optional(),
      reason: z.string().min(10),
    }),
  ),
});

const TABLES = [
  ['ndf-rt', 'ddi_ndfrt.tsv.gz'],
  ['fda-label', 'ddi_fda_label_ci.tsv.gz'],
  ['onc-high', 'ddi_onc_high_noqt.tsv.gz'],
  ['onc-low', 'ddi_onc_nonint.tsv.gz'],
] as const;

/** An unreviewed contraindication mined from one label counts as "avoid" until a second source supports it. */
const UNREVIEWED_LEVEL: Level = 3;
const SUPPORTING_LEVEL: Level = 3;

interface Evidence {
  source: string;
  level: Level;
  /** Row of label-texts.tsv.gz. */
  text?: number;
  reviewed: boolean;
  /** Index into the written reasons. */
  setAside?: number;
  /** The drug whose pair was inherited (names.json, interactsAs). */
  via?: string;
}

export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly evidence: Evidence[];
}

export interface MergedInteractions {
  readonly pairs: readonly Pair[];
  /** Drugs that occur in at least one table or rule. */
  readonly covered: ReadonlySet<string>;
}

const keyOf = (x: string, y: string): string => (x < y ? `${x}\t${y}` : `${y}\t${x}`);
const counts = (evidence: Evidence): boolean => evidence.setAside === undefined;

/** Level of a pair: the maximum over the sources that are not set aside; 0 when all are. */
export function levelOf(pair: Pair): 0 | Level {
  return Math.max(0, ...pair.evidence.filter(counts).map(({ level }) => level)) as 0 | Level;
}

function disputed(pair: Pair): boolean {
  const levels = pair.evidence.filter(counts).map(({ level }) => level);
  return levels.length > 1 && Math.max(...levels) - Math.min(...levels) >= 2;
}

/** Merges and writes interactions.tsv.gz, label-texts.tsv.gz, rules.json and set-aside.json. */
export function compileInteractions(
  directory: string,
  tables: DrugTables,
  rules: readonly ResolvedRule[],
  writer: TableWriter,
): MergedInteractions {
  const pairs = new Map<string, Pair>();
  const add = (x: string, y: string, evidence: Evidence): void => {
    if (x === y) return;
    const key = keyOf(x, y);
    const [a, b] = key.split('\t') as [string, string];
    const pair = pairs.get(key) ?? { a, b, evidence: [] };
    pairs.set(key, pair);
    const same = pair.evidence.find(({ source }) => source === evidence.source);
    if (!same) pair.evidence.push(evidence);
    else if (evidence.level > same.level) pair.evidence[pair.evidence.indexOf(same)] = evidence;
  };

  const labelTexts: string[][] = [];
  for (const [source, file] of TABLES) {
    for (const row of readTsv(directory, file)) {
      const level = Number(row['sev']) as Level;
      const isLabel = source === 'fda-label';
      const text = isLabel
        ? labelTexts.push([row['native_severity']!, row['rule']!, row['effect']!]) - 1
        : undefined;
      for (const x of tables.resolve(row['a']!)) {
        for (const y of tables.resolve(row['b']!)) {
          add(x, y, { source, level, reviewed: !isLabel, ...(text === undefined ? {} : { text }) });
        }
      }
    }
  }
  for (const rule of rules) {
    for (const [x, y] of pairsOfRule(rule))
      add(x, y, { source: `rule:${rule.id}`, level: rule.severity, reviewed: true });
  }
  const reasons = applyReviews(directory, tables, pairs);
  judgeLabels(directory, tables, pairs, labelTexts);
  inherit(tables, pairs, add);

  const sorted = [...pairs.values()].sort((p, q) => byCodeUnit(p.a, q.a) || byCodeUnit(p.b, q.b));
  const covered = new Set(sorted.flatMap(({ a, b }) => [a, b]));
  const live = sorted.filter((pair) => levelOf(pair) > 0);
  writer.tsv(
    'interactions.tsv.gz',
    ['a', 'b', 'severity', 'disputed', 'sources'],
    live.map((pair) => [
      pair.a,
      pair.b,
      String(levelOf(pair)),
      disputed(pair) ? '1' : '',
      writeSources(pair),
    ]),
    ['ndf-rt', 'fda-label', 'onc-high', 'onc-low', 'flame'],
  );
  writer.tsv('label-texts.tsv.gz', ['native', 'section', 'text'], labelTexts, ['fda-label']);
  writer.json('rules.json', rules, rules.length, ['flame']);
  writer.json(
    'set-aside.json',
    {
      reasons,
      pairs: sorted.filter((pair) => levelOf(pair) === 0).map((pair) => [pair.a, pair.b, writeSources(pair)]),
    },
    reasons.length,
    ['flame'],
  );
  return { pairs: live, covered };
}

/** `source=level` joined by `;`, then `#row` of the label text, `?` unreviewed, `!reason` set aside, `~drug` inherited. */
function writeSources(pair: Pair): string {
  return pair.evidence
    .map(({ source, level, text, reviewed, setAside, via }) =>
      [
        `${source}=${level}`,
        text === undefined ? '' : `#${text}`,
        reviewed ? '' : '?',
        setAside === undefined ? '' : `!${setAside}`,
        via === undefined ? '' : `~${via}`,
      ].join(''),
    )
    .join(';');
}

function applyReviews(directory: string, tables: DrugTables, pairs: ReadonlyMap<string, Pair>): string[] {
  const { setAside } = reviewSchema.parse(readJson(directory, 'pair-reviews.json'));
  const reasons: string[] = [];
  for (const { a, b, sources, reason } of setAside) {
    const [x = a, y = b] = [tables.resolve(a)[0], tables.resolve(b)[0]];
    const statements = (pairs.get(keyOf(x, y))?.evidence ?? []).filter(
      ({ source }) => !source.startsWith('rule:') && (!sources || (sources as string[]).includes(source)),
    );
    if (statements.length === 0)
      throw new Error(`pair-reviews.json: no table states anything on ${a} and ${b}`);
    const index = reasons.includes(reason) ? reasons.indexOf(reason) : reasons.push(reason) - 1;
    for (const statement of statements) statement.setAside = index;
  }
  return reasons;
}

/**
 * A contraindication mined from a label stays at 4 when another source also says avoid (3 or above), or when the other
 * drug's contraindication section names this drug too; else it counts as 3 and is marked unreviewed.
 */
function judgeLabels(
  directory: string,
  tables: DrugTables,
  pairs: ReadonlyMap<string, Pair>,
  labelTexts: readonly (readonly string[])[],
): void {
  const sections = new Map<string, string>();
  for (const row of readTsv(directory, 'contraindications_fda_label_text.tsv.gz')) {
    for (const id of tables.resolve(row['ingredient']!)) {
      sections.set(id, `${sections.get(id) ?? ''} ${row['label_text']!.toLowerCase()}`);
    }
  }
  const names = (id: string, other: string): boolean =>
    [id, tables.drugs.get(id)!.name].some((name) => sections.get(other)?.includes(name.toLowerCase()));
  for (const pair of pairs.values()) {
    const label = pair.evidence.find(({ source }) => source === 'fda-label');
    if (!label) continue;
    const supported = pair.evidence.some(
      (other) => other !== label && counts(other) && other.level >= SUPPORTING_LEVEL,
    );
    const own = labelTexts[label.text!]![1]!.toLowerCase();
    const fromA = own.includes(pair.a);
    const secondLabel = fromA ? names(pair.a, pair.b) : own.includes(pair.b) && names(pair.b, pair.a);
    if (supported || secondLabel) label.reviewed = true;
    else label.level = UNREVIEWED_LEVEL;
  }
}

/** Gives each variant (a salt, an ester, an older mixture) the pairs of its base drug. */
function inherit(
  tables: DrugTables,
  pairs: ReadonlyMap<string, Pair>,
  add: (x: string, y: string, e: Evidence) => void,
): void {
  const snapshot = [...pairs.values()].map((pair) => ({ ...pair, evidence: [...pair.evidence] }));
  for (const [variant, base] of tables.interactsAs) {
    for (const { a, b, evidence } of snapshot) {
      if (a !== base && b !== base) continue;
      const other = a === base ? b : a;
      const held = new Set((pairs.get(keyOf(variant, other))?.evidence ?? []).map(({ source }) => source));
      for (const one of evidence) if (!held.has(one.source)) add(variant, other, { ...one, via: base });
    }
  }
}
