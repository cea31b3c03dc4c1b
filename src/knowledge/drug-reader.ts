/**
 * What a source writes of a drug (a name, codes) → ingredients. The site's own table first, then codes, then names as
 * order texts write them. Guesses nothing: what stays unknown says so, and where two readings differ both are told.
 */

import type { DrugId } from '../shared/ids.ts';
import type { DrugCodeSystem, MappingKind } from '../shared/import-api.ts';
import { nameForms } from './drug-name-forms.ts';
import type { Drugs } from './drugs.ts';

export interface DrugCode {
  readonly system: DrugCodeSystem;
  readonly code: string;
}

/** One drug as a source writes it; either part may be missing. */
export interface DrugMention {
  /** Empty when the source gives only codes. */
  readonly name: string;
  readonly codes: readonly DrugCode[];
}

export type DrugReading =
  | {
      readonly kind: 'drug';
      readonly drugs: readonly DrugId[];
      /** What found it. `votes`: the same code on other rows, where those have a name. */
      readonly through: 'site' | 'code' | 'name' | 'votes';
      /** Another reading of the same entry that names other ingredients; the first one counts. */
      readonly also?: readonly DrugId[];
    }
  /** The site's table says that this is no drug: a container, a flush, a note to staff. */
  | { readonly kind: 'set-aside' }
  | { readonly kind: 'unmapped' };

/** A site's own table. Targets are ingredient ids; none means that the entry is no drug. */
export interface SiteMappings {
  look(kind: MappingKind, key: string): readonly string[] | null;
}

/** Remembered readings; a hospital's order catalogue holds some ten thousand names. */
const REMEMBERED = 100_000;
const UNMAPPED: DrugReading = { kind: 'unmapped' };

export class DrugReader {
  readonly #drugs: Drugs;
  readonly #site: SiteMappings;
  readonly #byRxcui = new Map<string, DrugId | null>();
  readonly #known = new Map<string, DrugReading>();
  /** For each code without a table, what its named rows were read as, with their number. */
  readonly #votes = new Map<string, Map<string, { readonly reading: DrugReading; rows: number }>>();

  constructor(drugs: Drugs, site: SiteMappings) {
    this.#drugs = drugs;
    this.#site = site;
    for (const { id, rxcui } of drugs.all) {
      // A concept that two ingredients claim finds neither.
      for (const concept of rxcui) this.#byRxcui.set(concept, this.#byRxcui.has(concept) ? null : id);
    }
  }

  read(mention: DrugMention): DrugReading {
    const key = `${mention.name}\u0000${mention.codes.map(({ system, code }) => `${system} ${code}`).join('\u0000')}`;
    let reading = this.#known.get(key);
    if (!reading) {
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      reading = this.#read(mention);
      // What the votes say may change while rows come in.
      if (mention.name !== '' || reading.kind !== 'unmapped') this.#known.set(key, reading);
    }
    return reading.kind === 'unmapped' ? this.#voted(mention) : reading;
  }

  /** Ingredients of a plain name, as the visit format has them; null when nothing is called so. */
  resolve(name: string): readonly DrugId[] | null {
    const reading = this.read({ name, codes: [] });
    return reading.kind === 'drug' ? reading.drugs : null;
  }

  /** Lets a named row speak for its code, so that rows with the code alone can be read. */
  vote({ name, codes }: DrugMention): void {
    if (name === '') return;
    const reading = this.read({ name, codes: [] });
    if (reading.kind === 'unmapped') return;
    for (const { system, code } of codes) {
      const ofCode =
        this.#votes.get(`${system} ${code}`) ?? new Map<string, { reading: DrugReading; rows: number }>();
      const key = reading.kind === 'drug' ? reading.drugs.join() : '';
      const vote = ofCode.get(key) ?? { reading, rows: 0 };
      vote.rows += 1;
      this.#votes.set(`${system} ${code}`, ofCode.set(key, vote));
    }
  }

  #voted({ name, codes }: DrugMention): DrugReading {
    if (name !== '') return UNMAPPED;
    for (const { system, code } of codes) {
      const votes = this.#votes.get(`${system} ${code}`);
      if (!votes) continue;
      const { reading } = [...votes.values()].reduce((best, vote) => (vote.rows > best.rows ? vote : best));
      return reading.kind === 'drug' ? { ...reading, through: 'votes' } : reading;
    }
    return UNMAPPED;
  }

  #read({ name, codes }: DrugMention): DrugReading {
    for (const { system, code } of codes) {
      const targets = this.#site.look(system, code);
      if (targets) return siteReading(targets);
    }
    const named = this.#readName(name);
    if (named.kind !== 'unmapped' && (named.kind === 'set-aside' || named.through === 'site')) return named;
    const coded = codes.flatMap(({ system, code }) =>
      system === 'rxnorm' ? (this.#byRxcui.get(code) ?? []) : [],
    );
    if (coded.length === 0 || (named.kind === 'unmapped' && saysNot(name))) return named;
    const drugs = [...new Set(coded)];
    const differs = named.kind === 'drug' && !sameSet(named.drugs, drugs);
    return { kind: 'drug', drugs, through: 'code', ...(differs ? { also: named.drugs } : {}) };
  }

  #readName(name: string): DrugReading {
    let first: (DrugReading & { readonly kind: 'drug' }) | null = null;
    const not = saysNot(name);
    for (const form of nameForms(name)) {
      const targets = this.#site.look('name', form);
      if (targets) return first ?? siteReading(targets);
      const drugs = not ? [] : this.#drugs.find(form);
      if (drugs.length === 0) continue;
      first ??= { kind: 'drug', drugs, through: 'name' };
      // A shorter form of one name says less, not something else.
      if (!drugs.some((drug) => first!.drugs.includes(drug))) return { ...first, also: drugs };
    }
    return first ?? UNMAPPED;
  }
}

const NOT =
  /^\s*(?:no|not|stop|avoid|hold)\s|\b(?:discontinued?|stopped|not (?:taking|taken|given)|do not (?:give|use|take|administer)|refused|declined|allergic to|contraindicated|cancell?ed)\b/i;

/** An entry whose words say that the drug is not taken is no drug; it stays in words, for a person to read. */
function saysNot(name: string): boolean {
  return NOT.test(name);
}

function siteReading(targets: readonly string[]): DrugReading {
  return targets.length === 0
    ? { kind: 'set-aside' }
    : { kind: 'drug', drugs: targets as readonly DrugId[], through: 'site' };
}

function sameSet(a: readonly DrugId[], b: readonly DrugId[]): boolean {
  return a.length === b.length && a.every((drug) => b.includes(drug));
}

/** The key under which a site's table files an entry: names by their words, NDC as eleven digits. */
export function mappingKey(kind: MappingKind, written: string): string {
  const text = written.trim();
  if (kind === 'name') return text.toLowerCase().replace(/\s+/g, ' ');
  if (kind === 'ndc') return ndcKey(text);
  return text.toUpperCase();
}

/**
 * An NDC as eleven digits (5-4-2, the form of claims and of MIMIC): each part of a hyphenated code is padded; digits alone
 * are padded in front, as tables that were read as numbers lost their zeros.
 */
export function ndcKey(written: string): string {
  const parts = written.split('-');
  if (parts.length === 3) {
    const [labeler = '', product = '', pack = ''] = parts;
    return labeler.padStart(5, '0') + product.padStart(4, '0') + pack.padStart(2, '0');
  }
  return written.replace(/\D/g, '').padStart(11, '0');
}
