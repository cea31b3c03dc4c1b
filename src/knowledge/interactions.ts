/** Answers what the tables and rules record of two drugs: found, none recorded, or not covered. Guesses nothing. */

import type { Interaction, InteractionAnswer, InteractionSource, Severity } from '../shared/domain.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import { pairKey } from '../shared/interactions.ts';
import type { Drugs } from './drugs.ts';
import type { InteractionRule } from './rules.ts';
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
  /** As compiled: `source=level[#text][?][!reason][~drug]` joined by `;`. */
  readonly sources: string;
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
const SOURCE = /^(.+)=(\d)(?:#(\d+))?(\?)?(?:!(\d+))?(?:~(.+))?$/;

export class Interactions {
  readonly #drugs: Drugs;
  readonly #pairs = new Map<string, StoredPair>();
  readonly #labelTexts: () => readonly (readonly string[])[];
  readonly #aside: () => { readonly reasons: readonly string[]; readonly pairs: ReadonlyMap<string, string> };
  readonly #rules: () => ReadonlyMap<string, InteractionRule>;
  readonly #neighbours: () => ReadonlyMap<DrugId, readonly RecordedPair[]>;

  constructor(tables: Tables, drugs: Drugs, rules: () => ReadonlyMap<string, InteractionRule>) {
    this.#drugs = drugs;
    this.#rules = rules;
    for (const line of tables.lines('interactions.tsv.gz')) {
      const [a = '', b = '', severity = '', disputed = '', sources = ''] = line.split('\t');
      const pair = { a: asId<DrugId>(a), b: asId<DrugId>(b), severity: Number(severity) as Severity };
      this.#pairs.set(pairKey(pair.a, pair.b), { ...pair, disputed: disputed === '1', sources });
    }
    this.#labelTexts = lazy(() => tables.lines('label-texts.tsv.gz').map((line) => line.split('\t')));
    this.#aside = lazy(() => {
      const { reasons, pairs } = tables.json('set-aside.json') as SetAsideTable;
      return {
        reasons,
        pairs: new Map(pairs.map(([a, b, sources]) => [pairKey(asId(a), asId(b)), sources])),
      };
    });
    this.#neighbours = lazy(() => {
      const byDrug = new Map<DrugId, RecordedPair[]>();
      const add = (id: DrugId, pair: RecordedPair): void => {
        const list = byDrug.get(id);
        if (list) list.push(pair);
        else byDrug.set(id, [pair]);
      };
      for (const { a, b, severity } of this.#pairs.values()) {
        add(a, { a, b, severity });
        add(b, { a, b, severity });
      }
      return byDrug;
    });
  }

  /** Every recorded pair, for building matrices. */
  *pairs(minimum: Severity = 1): Generator<RecordedPair> {
    for (const { a, b, severity } of this.#pairs.values()) if (severity >= minimum) yield { a, b, severity };
  }

  /** True when at least one table or rule names the drug. An uncovered drug is unchecked, not safe. */
  covers(drug: DrugId): boolean {
    return this.#drugs.get(drug)?.covered ?? false;
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
    const written = this.#aside().pairs.get(pairKey(this.#drugs.canonical(a), this.#drugs.canonical(b)));
    return written === undefined ? [] : written.split(';').map((source) => this.#source(source));
  }

  /** The drugs of a list that no table or rule names. */
  notCovered(drugs: Iterable<DrugId>): DrugId[] {
    return [...new Set(drugs)].filter((drug) => !this.covers(drug));
  }

  /** Recorded pairs that hold the drug. */
  of(drug: DrugId): readonly RecordedPair[] {
    return this.#neighbours().get(this.#drugs.canonical(drug)) ?? [];
  }

  #stored(a: DrugId, b: DrugId): StoredPair | undefined {
    const direct = this.#pairs.get(pairKey(a, b));
    return direct ?? this.#pairs.get(pairKey(this.#drugs.canonical(a), this.#drugs.canonical(b)));
  }

  /** The full record under the ids that the caller used. */
  #interaction(stored: StoredPair, a: DrugId, b: DrugId): Interaction {
    const sources = stored.sources.split(';').map((source) => this.#source(source));
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

  #source(written: string): InteractionSource {
    const [, source = '', level = '', text, unreviewed, setAside, via] = SOURCE.exec(written) ?? [];
    const rule = source.startsWith('rule:') ? this.#rules().get(source.slice('rule:'.length)) : undefined;
    const label = text === undefined ? undefined : this.#labelTexts()[Number(text)];
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
      ...(setAside === undefined ? {} : { setAside: this.#aside().reasons[Number(setAside)] ?? 'set aside' }),
      ...(via === undefined ? {} : { recordedFor: asId<DrugId>(via) }),
    };
  }
}
