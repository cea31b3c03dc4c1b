/** Drug names in, drug ids out: ingredients, US names, brands, synonyms, and what each drug is. Knows no interaction. */

import type { DrugName } from '../shared/domain.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import { combinationParts, nameKey, shorterKeys, withoutBrackets } from './names.ts';
import { lazy, type Tables } from './tables.ts';
import { WordIndex } from './word-index.ts';

/** A drug with its shown name (US) and class, its identifiers, and how often the visit corpus holds it. */
export interface Drug extends DrugName {
  readonly rxcui: readonly string[];
  readonly unii: readonly string[];
  /** Occurs in at least one interaction table or class rule. */
  readonly covered: boolean;
  /** Visits of the NAMCS corpus that hold the drug, 0 when none. */
  readonly visits: number;
}

export type DrugClassKind = 'EPC' | 'Flame' | 'MeSH' | 'ChEBI';

/** A pharmacologic class with its members. `EPC` is the FDA's; `Flame` was assigned by this project. */
export interface DrugClass {
  readonly kind: DrugClassKind;
  readonly title: string;
  readonly members: readonly DrugId[];
  /** Members that this project added to a class of the FDA's. */
  readonly assigned: readonly DrugId[];
}

/** A drug found by typed text; `matched` is the brand or synonym that the text found, null for the drug's own name. */
export interface DrugHit {
  readonly drug: Drug;
  readonly matched: string | null;
}

interface Searchable {
  readonly names: readonly string[];
  readonly drugs: readonly (readonly number[])[];
  readonly own: readonly boolean[];
  readonly index: WordIndex;
}

const NAME_KINDS = ['ingredient', 'us', 'retired', 'entry', 'synonym', 'brand', 'table-synonym'] as const;
const CLASS_ORDER: readonly DrugClassKind[] = ['EPC', 'Flame', 'MeSH', 'ChEBI'];

export class Drugs {
  readonly all: readonly Drug[];
  readonly #byId = new Map<string, Drug>();
  readonly #byKey = new Map<string, readonly DrugId[]>();
  readonly #names: { readonly kind: number; readonly name: string; readonly drugs: readonly number[] }[] = [];
  readonly #classes: () => readonly DrugClass[];
  readonly #classesOf: () => ReadonlyMap<DrugId, readonly DrugClass[]>;
  readonly #searchable: () => Searchable;

  constructor(tables: Tables) {
    this.all = tables.lines('drugs.tsv.gz').map((line) => {
      const [id = '', name = '', drugClass = '', rxcui = '', unii = '', covered = '', visits = ''] =
        line.split('\t');
      const drug: Drug = {
        id: asId<DrugId>(id),
        name: name === '' ? id : name,
        drugClass: drugClass === '' ? null : drugClass,
        rxcui: rxcui === '' ? [] : rxcui.split('|'),
        unii: unii === '' ? [] : unii.split('|'),
        covered: covered === '1',
        visits: Number(visits),
      };
      this.#byId.set(id, drug);
      return drug;
    });
    for (const { id } of this.all) this.#byKey.set(nameKey(id), [id]);
    for (const line of tables.lines('names.tsv.gz')) {
      const [kind = '', name = '', members = ''] = line.split('\t');
      const drugs = members.split(' ').map(Number);
      this.#names.push({ kind: Number(kind), name, drugs });
      const key = nameKey(name);
      if (!this.#byKey.has(key)) {
        this.#byKey.set(
          key,
          drugs.map((position) => this.all[position]!.id),
        );
      }
    }
    this.#classes = lazy(() => this.#readClasses(tables));
    this.#classesOf = lazy(() => {
      const byDrug = new Map<DrugId, DrugClass[]>();
      for (const group of this.#classes()) {
        for (const id of group.members) byDrug.set(id, [...(byDrug.get(id) ?? []), group]);
      }
      return byDrug;
    });
    this.#searchable = lazy(() => this.#indexNames());
  }

  /** The drug of an id, or null; a retired id (`benztropine`) answers with the drug it stands for. */
  get(id: DrugId): Drug | null {
    return this.#byId.get(this.canonical(id)) ?? null;
  }

  /** The drug as people see it; an unknown id stays visible under its own spelling. */
  name(id: DrugId): DrugName {
    const drug = this.get(id);
    return drug ? { id, name: drug.name, drugClass: drug.drugClass } : { id, name: id, drugClass: null };
  }

  /** The id itself when a table holds it, else the one drug that it is another name of, else the id unchanged. */
  canonical(id: DrugId): DrugId {
    if (this.#byId.has(id)) return id;
    const known = this.#byKey.get(nameKey(id));
    return known?.length === 1 ? known[0]! : id;
  }

  /**
   * The ingredients of an ingredient, US name, brand or synonym; several for a combination. Strengths, dose forms and
   * salts in the text are tolerated (`Metoprolol Tartrate 25 MG Oral Tablet`), and a brand in brackets. Empty when
   * nothing is called so: no guess.
   */
  find(name: string): readonly DrugId[] {
    for (const written of new Set([name, withoutBrackets(name)])) {
      const whole = this.#lookUp(written);
      if (whole.length > 0) return whole;
    }
    const parts = combinationParts(name).map((part) => this.#lookUp(part));
    return parts.length > 0 && parts.every((drugs) => drugs.length > 0) ? [...new Set(parts.flat())] : [];
  }

  /** True for a written name that a table holds as it stands, with nothing left out: for reading running text. */
  isName(name: string): boolean {
    return this.#byKey.has(nameKey(name));
  }

  #lookUp(name: string): readonly DrugId[] {
    const key = nameKey(name);
    const exact = this.#byKey.get(key);
    if (exact) return exact;
    for (const shorter of shorterKeys(key)) {
      const found = this.#byKey.get(shorter);
      if (found) return found;
    }
    return [];
  }

  /**
   * Type-ahead over every name, tolerant of one wrong letter in a word (two in a long one). Own names before brands
   * before synonyms, whole words before beginnings before misspellings, often used drugs first.
   * A combination brand answers with one hit an ingredient.
   */
  search(text: string, limit: number): readonly DrugHit[] {
    const { index, names, drugs, own } = this.#searchable();
    const hits: DrugHit[] = [];
    const seen = new Set<number>();
    const key = nameKey(text);
    const ranked = index.search(key).map(({ document, quality }) => {
      const visits = Math.max(...drugs[document]!.map((position) => this.all[position]!.visits));
      const whole = nameKey(names[document]!) === key ? 4 : 0;
      const first = nameKey(names[document]!).startsWith(key) ? 1 : 0;
      return {
        document,
        score: quality * 3 + whole + first + (own[document] ? 0.5 : 0) + Math.log10(1 + visits) / 3,
      };
    });
    ranked.sort((x, y) => y.score - x.score || x.document - y.document);
    for (const { document } of ranked) {
      for (const position of drugs[document]!) {
        if (hits.length >= limit) return hits;
        if (seen.has(position)) continue;
        seen.add(position);
        hits.push({ drug: this.all[position]!, matched: own[document] ? null : names[document]! });
      }
    }
    return hits;
  }

  /** Up to `limit` names close to an unknown one, for an error message. */
  suggestions(name: string, limit = 3): readonly string[] {
    return this.search(name, limit).map(({ drug, matched }) => matched ?? drug.name);
  }

  /** All classes, the FDA's first. */
  classes(): readonly DrugClass[] {
    return this.#classes();
  }

  /** Classes of a drug, the FDA's first; empty when no table classifies it. */
  classesOf(id: DrugId): readonly DrugClass[] {
    return this.#classesOf().get(this.canonical(id)) ?? [];
  }

  #readClasses(tables: Tables): DrugClass[] {
    return tables
      .lines('classes.tsv.gz')
      .map((line): DrugClass => {
        const [kind = '', title = '', members = '', assigned = ''] = line.split('\t');
        const ids = (cell: string): DrugId[] =>
          cell === '' ? [] : cell.split(' ').map((position) => this.all[Number(position)]!.id);
        return { kind: kind as DrugClassKind, title, members: ids(members), assigned: ids(assigned) };
      })
      .sort((a, b) => CLASS_ORDER.indexOf(a.kind) - CLASS_ORDER.indexOf(b.kind));
  }

  #indexNames(): Searchable {
    const names: string[] = [];
    const drugs: (readonly number[])[] = [];
    const own: boolean[] = [];
    this.all.forEach((drug, position) => {
      for (const name of new Set([drug.name, drug.id])) {
        names.push(name);
        drugs.push([position]);
        own.push(true);
      }
    });
    for (const { kind, name, drugs: members } of this.#names) {
      if (NAME_KINDS[kind] === 'us') continue;
      names.push(name);
      drugs.push(members);
      own.push(false);
    }
    return { names, drugs, own, index: new WordIndex(names.map(nameKey)) };
  }
}
