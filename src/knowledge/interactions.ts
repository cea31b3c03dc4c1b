/**
 * Answers what the tables, the rules and a site's own table record of two drugs: found, none recorded, or not covered.
 * Guesses nothing.
 */

import type {
  Interaction,
  InteractionAnswer,
  InteractionSource,
  Severity,
  SourceSupport,
} from '../shared/domain.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import { pairKey } from '../shared/interactions.ts';
import type { Drugs } from './drugs.ts';
import { FROM_MEMORY } from './patient-rules.ts';
import { readRuleSupport, type InteractionRule, type RuleSupport } from './rules.ts';
import { SITE_SOURCE, type SiteRow, type SiteStatement } from './site-table.ts';
import { lazy, type Tables } from './tables.ts';

/** A recorded pair by ids and level alone, for counting; the texts come with `between`. */
export interface RecordedPair {
  readonly a: DrugId;
  readonly b: DrugId;
  readonly severity: Severity;
}

interface SetAsideTable {
  readonly reasons: readonly string[];
  /** Pairs of which every statement was set aside: they are no interaction. */
  readonly pairs: readonly (readonly [string, string, string])[];
}

interface StoredPair extends RecordedPair {
  readonly disputed: boolean;
  /** As compiled: `source=level[#text][?][!reason][~drug]` joined by `;`. Empty when only the site states the pair. */
  readonly sources: string;
  /** What the site's own table states; absent without one. */
  readonly site?: SiteLayer;
}

interface SiteLayer {
  readonly table: string;
  readonly rows: readonly { readonly row: SiteRow; readonly recordedFor: DrugId | null }[];
  /** Why the compiled statements do not count; null where they do. */
  readonly overruled: string | null;
}

interface Parts {
  readonly drugs: Drugs;
  readonly pairs: ReadonlyMap<string, StoredPair>;
  readonly labelTexts: () => readonly (readonly string[])[];
  readonly aside: () => { readonly reasons: readonly string[]; readonly pairs: ReadonlyMap<string, string> };
  readonly rules: () => ReadonlyMap<string, InteractionRule>;
  readonly support: () => RuleSupport;
  /** Drugs that only the site's own table names. */
  readonly siteCovered: ReadonlySet<DrugId>;
}

const NATIVE: Readonly<Record<string, string>> = {
  'ndf-rt=3': 'Critical',
  'ndf-rt=2': 'Significant',
  'onc-high=3': 'high-priority',
  'onc-low=1': 'non-interruptive',
};
const CITATION: Readonly<Record<string, string>> = {
  'ndf-rt': 'VA National Drug File Reference Terminology, 2014',
  'onc-high': 'ONC high-priority list (Phansalkar et al., 2012)',
  'onc-low': 'ONC list of interactions that need not interrupt (Phansalkar et al., 2013)',
};
const RULE = 'rule:';
const IN_TABLE: SourceSupport = { state: 'table', words: '' };
const SOURCE = /^(.+)=(\d)(?:#(\d+))?(\?)?(?:!(\d+))?(?:~(.+))?$/;

export class Interactions {
  readonly #parts: Parts;
  readonly #neighbours: () => ReadonlyMap<DrugId, readonly RecordedPair[]>;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#neighbours = lazy(() => {
      const byDrug = new Map<DrugId, RecordedPair[]>();
      const add = (id: DrugId, pair: RecordedPair): void => {
        const list = byDrug.get(id);
        if (list) list.push(pair);
        else byDrug.set(id, [pair]);
      };
      for (const { a, b, severity } of parts.pairs.values()) {
        add(a, { a, b, severity });
        add(b, { a, b, severity });
      }
      return byDrug;
    });
  }

  static read(tables: Tables, drugs: Drugs, rules: () => ReadonlyMap<string, InteractionRule>): Interactions {
    const pairs = new Map<string, StoredPair>();
    for (const line of tables.lines('interactions.tsv.gz')) {
      const [a = '', b = '', severity = '', disputed = '', sources = ''] = line.split('\t');
      const pair = { a: asId<DrugId>(a), b: asId<DrugId>(b), severity: Number(severity) as Severity };
      pairs.set(pairKey(pair.a, pair.b), { ...pair, disputed: disputed === '1', sources });
    }
    return new Interactions({
      drugs,
      pairs,
      rules,
      support: lazy(() => readRuleSupport(tables)),
      siteCovered: new Set(),
      labelTexts: lazy(() => tables.lines('label-texts.tsv.gz').map((line) => line.split('\t'))),
      aside: lazy(() => {
        const { reasons, pairs: aside } = tables.json('set-aside.json') as SetAsideTable;
        return {
          reasons,
          pairs: new Map(aside.map(([a, b, sources]) => [pairKey(asId(a), asId(b)), sources])),
        };
      }),
    });
  }

  /**
   * The same with a site's own table laid over it. The higher level counts; a lower one stands beside it as a source
   * that differs, unless its row says why the shipped statements do not count here: these are then set aside, in sight.
   * A variant that inherits its base drug's shipped pairs (a salt, an ester) inherits the site's as well.
   */
  withSite(statements: readonly SiteStatement[], table: string): Interactions {
    const rows = new Map<string, SiteLayer['rows'][number][]>();
    const covered = new Set<DrugId>();
    const variants = variantsOf(this.#parts.pairs);
    const forms = (drug: DrugId): readonly DrugId[] => [drug, ...(variants.get(drug) ?? [])];
    for (const { a, b, row } of statements) {
      for (const x of forms(a)) {
        for (const y of forms(b)) {
          const recordedFor = x !== a ? a : y !== b ? b : null;
          const key = pairKey(x, y);
          const held = rows.get(key);
          if (held) held.push({ row, recordedFor });
          else rows.set(key, [{ row, recordedFor }]);
          for (const drug of [x, y]) covered.add(drug);
        }
      }
    }
    const pairs = new Map(this.#parts.pairs);
    for (const [key, stated] of rows) {
      const [a = '', b = ''] = key.split('\u0000');
      const shipped = this.#parts.pairs.get(key) ?? {
        a: asId<DrugId>(a),
        b: asId<DrugId>(b),
        severity: 0 as const,
        disputed: false,
        sources: this.#parts.aside().pairs.get(key) ?? '',
      };
      pairs.set(key, layered(shipped, table, stated));
    }
    return new Interactions({ ...this.#parts, pairs, siteCovered: covered });
  }

  /** Every recorded pair, for building matrices. */
  *pairs(minimum: Severity = 1): Generator<RecordedPair> {
    for (const { a, b, severity } of this.#parts.pairs.values())
      if (severity >= minimum) yield { a, b, severity };
  }

  /** True when at least one table or rule names the drug. An uncovered drug is unchecked, not safe. */
  covers(drug: DrugId): boolean {
    const { drugs, siteCovered } = this.#parts;
    return (drugs.get(drug)?.covered ?? false) || siteCovered.has(drugs.canonical(drug));
  }

  /** Level of a pair, 0 when none is recorded. Says nothing of coverage: use `between` for a person. */
  severity(a: DrugId, b: DrugId): 0 | Severity {
    return this.#stored(a, b)?.severity ?? 0;
  }

  /** What is recorded of two drugs: three different answers. The order of the two does not matter. */
  between(a: DrugId, b: DrugId): InteractionAnswer {
    const stored = this.#stored(a, b);
    if (stored) return { state: 'found', interaction: this.#interaction(stored, a, b) };
    const drugs = [...new Set([a, b])].filter((drug) => !this.covers(drug));
    return drugs.length > 0 ? { state: 'not-covered', drugs } : { state: 'none-recorded' };
  }

  /** All recorded pairs within a list, worst first, then by name; each with every source. */
  among(drugs: Iterable<DrugId>, minimum: Severity = 1): Interaction[] {
    const list = [...new Set(drugs)];
    const found: Interaction[] = [];
    for (const [index, a] of list.entries()) {
      for (const b of list.slice(index + 1)) {
        const stored = this.#stored(a, b);
        if (stored && stored.severity >= minimum) found.push(this.#interaction(stored, a, b));
      }
    }
    return found.sort((x, y) => y.severity - x.severity || (pairKey(x.a, x.b) < pairKey(y.a, y.b) ? -1 : 1));
  }

  /** What tables state of a pair that counts as not recorded, because each statement was read and set aside. */
  setAside(a: DrugId, b: DrugId): readonly InteractionSource[] {
    const { aside, drugs } = this.#parts;
    const written = aside().pairs.get(pairKey(drugs.canonical(a), drugs.canonical(b)));
    return written === undefined ? [] : written.split(';').map((source) => this.#source(source));
  }

  /** The drugs of a list that no table or rule names. */
  notCovered(drugs: Iterable<DrugId>): DrugId[] {
    return [...new Set(drugs)].filter((drug) => !this.covers(drug));
  }

  /** Recorded pairs that hold the drug. */
  of(drug: DrugId): readonly RecordedPair[] {
    return this.#neighbours().get(this.#parts.drugs.canonical(drug)) ?? [];
  }

  #stored(a: DrugId, b: DrugId): StoredPair | undefined {
    const { pairs, drugs } = this.#parts;
    return pairs.get(pairKey(a, b)) ?? pairs.get(pairKey(drugs.canonical(a), drugs.canonical(b)));
  }

  /** The full record under the ids that the caller used. */
  #interaction(stored: StoredPair, a: DrugId, b: DrugId): Interaction {
    const overruled = stored.site?.overruled ?? null;
    const compiled = stored.sources === '' ? [] : stored.sources.split(';').map((text) => this.#source(text));
    const stated = [
      ...compiled.map((source) =>
        overruled === null || source.setAside !== undefined
          ? source
          : { ...source, setAside: `overruled by this site's table: ${overruled}` },
      ),
      ...(stored.site?.rows ?? []).map((row) => siteSource(stored.site!.table, row)),
    ];
    const inTable = stated.some(({ source, setAside }) => setAside === undefined && !isRule(source));
    const sources = stated.map((source) =>
      isRule(source.source)
        ? { ...source, support: this.#supportOf(source.source, stored, inTable) }
        : source,
    );
    sources.sort(
      (x, y) =>
        Number(x.setAside !== undefined) - Number(y.setAside !== undefined) || y.severity - x.severity,
    );
    return {
      a: a < b ? a : b,
      b: a < b ? b : a,
      severity: stored.severity,
      disputed: stored.disputed,
      sources,
    };
  }

  /** How far a class rule was held against text for a pair: label text first, then another table, then a reading. */
  #supportOf(source: string, { a, b }: RecordedPair, inTable: boolean): SourceSupport {
    const { labels, read } = this.#parts.support();
    const id = source.slice(RULE.length);
    const words = (drug: DrugId, other: DrugId): string | undefined =>
      labels[id]?.[drug]?.find(({ of }) => of === null || of.includes(other))?.words;
    const label = words(a, b) ?? words(b, a);
    if (label !== undefined) return { state: 'label', words: label };
    return inTable ? IN_TABLE : (read[id] ?? FROM_MEMORY);
  }

  #source(written: string): InteractionSource {
    const [, source = '', level = '', text, unreviewed, setAside, via] = SOURCE.exec(written) ?? [];
    const rule = isRule(source) ? this.#parts.rules().get(source.slice(RULE.length)) : undefined;
    const label = text === undefined ? undefined : this.#parts.labelTexts()[Number(text)];
    return {
      source,
      severity: Number(level) as Severity,
      nativeSeverity: label
        ? `${label[0] ?? ''}${unreviewed ? ', label text, unreviewed' : ''}`
        : (NATIVE[`${source}=${level}`] ?? 'class rule'),
      citation: rule ? rule.citations.join('; ') : label ? (label[1] ?? '') : (CITATION[source] ?? source),
      reviewed: unreviewed === undefined,
      ...(rule ? { mechanism: rule.mechanism, effect: rule.effect, management: rule.management } : {}),
      ...(label ? { effect: label[2] ?? '' } : {}),
      ...(setAside === undefined
        ? {}
        : { setAside: this.#parts.aside().reasons[Number(setAside)] ?? 'set aside' }),
      ...(via === undefined ? {} : { recordedFor: asId<DrugId>(via) }),
    };
  }
}

/**
 * Variants by their base drug, as the compiled pairs tell them: a pair recorded for another drug than its own two. Where
 * both of the two could be the variant, the pair tells nothing; others do.
 */
function variantsOf(pairs: ReadonlyMap<string, StoredPair>): ReadonlyMap<DrugId, readonly DrugId[]> {
  const variants = new Map<DrugId, DrugId[]>();
  for (const { a, b, sources } of pairs.values()) {
    if (!sources.includes('~')) continue;
    for (const source of sources.split(';')) {
      const via = SOURCE.exec(source)?.[6];
      if (via === undefined) continue;
      const base = asId<DrugId>(via);
      const [couldBeA, couldBeB] = [pairs.has(pairKey(base, b)), pairs.has(pairKey(base, a))];
      if (couldBeA === couldBeB) continue;
      const variant = couldBeA ? a : b;
      const known = variants.get(base) ?? [];
      if (!known.includes(variant)) variants.set(base, [...known, variant]);
    }
  }
  return variants;
}

/** A compiled pair, or one of which nothing is recorded (level 0), with what the site states of it. */
function layered(
  shipped: Omit<StoredPair, 'severity'> & { readonly severity: 0 | Severity },
  table: string,
  rows: SiteLayer['rows'],
): StoredPair {
  const levels = rows.map(({ row }) => row.severity);
  const stated = Math.max(...levels) as Severity;
  const reason = rows.map(({ row }) => row.overrules).find((text) => text !== '');
  const overruled = reason !== undefined && stated < shipped.severity ? reason : null;
  const counted = [
    ...levels,
    ...(overruled === null
      ? shipped.sources.split(';').flatMap((source) => {
          const [, , level, , , setAside] = SOURCE.exec(source) ?? [];
          return level === undefined || setAside !== undefined ? [] : [Number(level)];
        })
      : []),
  ];
  return {
    ...shipped,
    severity: overruled === null ? (Math.max(stated, shipped.severity) as Severity) : stated,
    disputed: Math.max(...counted) - Math.min(...counted) >= 2,
    site: { table, rows, overruled },
  };
}

function siteSource(table: string, { row, recordedFor }: SiteLayer['rows'][number]): InteractionSource {
  const { severity, nativeSeverity, effect, mechanism, management, source } = row;
  return {
    source: SITE_SOURCE,
    severity,
    nativeSeverity,
    citation: source === '' ? table : `${source} (${table})`,
    reviewed: true,
    ...(effect === '' ? {} : { effect }),
    ...(mechanism === '' ? {} : { mechanism }),
    ...(management === '' ? {} : { management }),
    ...(recordedFor === null ? {} : { recordedFor }),
  };
}

function isRule(source: string): boolean {
  return source.startsWith(RULE);
}
