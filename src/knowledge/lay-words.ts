/** What people call a diagnosis, for the search in the editor: typed words to ICD-10-CM codes. No rule or model reads it. */

import { lazy, type Tables } from './tables.ts';
import { WordIndex } from './word-index.ts';

/** A term that holds every typed word and is mostly made of them. */
export interface LayMatch {
  readonly codes: readonly string[];
  /** True when no letter of the typed words had to be corrected. */
  readonly spelt: boolean;
}

/** More than half of the term must be typed: "heart" alone is no heart attack. */
const LEAST_TYPED = 0.5;
/** Quality of a word that begins one of the term; below, a letter was corrected. */
const BEGINNING = 0.8;
const MOST = 3;

export class LayWords {
  readonly #terms: () => {
    readonly words: readonly string[];
    readonly codes: readonly (readonly string[])[];
    readonly index: WordIndex;
  };

  constructor(tables: Tables) {
    this.#terms = lazy(() => {
      const rows = tables.lines('lay-words.tsv.gz').map((line) => line.split('\t') as [string, string]);
      const words = rows.map(([term]) => term);
      return { words, codes: rows.map(([, codes]) => codes.split(' ')), index: new WordIndex(words) };
    });
  }

  all(): readonly { readonly term: string; readonly codes: readonly string[] }[] {
    const { words, codes } = this.#terms();
    return words.map((term, i) => ({ term, codes: codes[i]! }));
  }

  /** @param typed folded by nameKey */
  find(typed: string): readonly LayMatch[] {
    const { words, codes, index } = this.#terms();
    const count = typed.split(' ').filter((word) => word !== '').length;
    const share = (term: number): number => count / words[term]!.split(' ').length;
    const qualities = new Map<number, number>();
    const scoreOf = (term: number, quality: number): number => {
      qualities.set(term, quality);
      return quality + share(term);
    };
    return index
      .best(typed, MOST, scoreOf, (a, b) => a < b)
      .filter((term) => share(term) > LEAST_TYPED)
      .map((term) => ({ codes: codes[term]!, spelt: qualities.get(term)! >= BEGINNING }));
  }
}
