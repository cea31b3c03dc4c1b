/**
 * Order names of a hospital → ingredients: a hand-written table first, then the knowledge room, then the same name with
 * pack, strength and diluent text cut away. Guesses nothing: a name that stays unknown is counted.
 */

import { readFileSync } from 'node:fs';
import type { Drugs } from '../../src/knowledge/drugs.ts';
import type { DrugId } from '../../src/shared/ids.ts';

export interface MappingCount {
  rows: number;
  mappedRows: number;
  /** Rows whose name the hand-written table says is no drug: containers, flushes, vaccines, notes to staff. */
  setAsideRows: number;
  namelessRows: number;
  readonly unmapped: Map<string, number>;
}

export type NameReading =
  { readonly kind: 'drug'; readonly drugs: readonly DrugId[] } | { readonly kind: 'set-aside' | 'unmapped' };

export class DrugNames {
  readonly #drugs: Drugs;
  readonly #byHand: ReadonlyMap<string, readonly DrugId[]>;
  readonly #known = new Map<string, NameReading>();

  /** @param table tab-separated: name, ingredients separated by `; ` (empty: no drug) */
  constructor(drugs: Drugs, table: string) {
    this.#drugs = drugs;
    const [, ...lines] = readFileSync(table, 'utf8').trimEnd().split('\n');
    this.#byHand = new Map(
      lines.map((line) => {
        const [name = '', cell = ''] = line.split('\t');
        const ids = cell.split(';').flatMap((part) => (part.trim() === '' ? [] : [this.#ingredient(part)]));
        return [handKey(name), ids];
      }),
    );
  }

  read(name: string): NameReading {
    let reading = this.#known.get(name);
    if (!reading) {
      reading = this.#read(name);
      this.#known.set(name, reading);
    }
    return reading;
  }

  #read(name: string): NameReading {
    for (const form of nameForms(name)) {
      const byHand = this.#byHand.get(handKey(form));
      if (byHand) return byHand.length > 0 ? { kind: 'drug', drugs: byHand } : { kind: 'set-aside' };
      const drugs = this.#drugs.find(form);
      if (drugs.length > 0) return { kind: 'drug', drugs };
    }
    return { kind: 'unmapped' };
  }

  #ingredient(name: string): DrugId {
    const [id, ...others] = this.#drugs.find(name.trim());
    if (id === undefined || others.length > 0) throw new Error(`no single ingredient is called "${name}"`);
    return id;
  }
}

/**
 * The ways a name may be read, the whole one first: without the pack (`2 ML VIAL : …`, `… : 10 ML VIAL`), without
 * brackets, without what it is dissolved in (`… in D5W`), without everything from the first strength on.
 */
export function nameForms(name: string): string[] {
  const forms = new Set<string>();
  const add = (text: string): void => {
    const tidy = text.replace(/\s+/g, ' ').trim();
    if (tidy.length > 1) forms.add(tidy);
  };
  const packless = [name, ...splitOff(name)];
  for (const text of packless) add(text);
  for (const text of packless) {
    const bare = text
      .replace(/\([^)]*\)/g, ' ')
      .replace(/\*[^*]*\*+/g, ' ')
      .replace(/[%*]/g, ' ')
      .replace(/--+/g, '-');
    add(bare);
    const stem = bare
      .replace(/\s(?:in|for)\s.*$/i, '')
      .replace(/^\s*(?:prmx|nf)\s+/i, '')
      .replace(/^\D*?(?:\d[\d,.]*\s*(?:mg|mcg|ml|g|gram|unit|meq)s?\b\s*)(?=[a-z])/i, (prefix) =>
        /^\s*\d/.test(prefix) ? '' : prefix,
      );
    add(stem);
    add(stem.replace(/\s[.\d].*$/, ''));
    add(stem.replace(/[\s(]*[.\d].*$/, '').replace(/,.*$/, ''));
  }
  return [...forms];
}

function splitOff(name: string): string[] {
  const separator = /\s*:\s+|\s+-\s+/;
  const parts = name.split(separator);
  return parts.length > 1 ? parts.filter((part) => !/^[.\d]*\s*(?:ml|g|each)\b/i.test(part.trim())) : [];
}

function handKey(name: string): string {
  return name.toLowerCase().replace(/\s+/g, ' ').trim();
}
