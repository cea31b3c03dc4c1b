/**
 * Finds short texts (drug names, code titles) by the words someone types: whole words, beginnings, one misspelling.
 * Ranks by how well the words fit and nothing else; the caller knows what is common.
 */

/** A text that holds every typed word; `quality` is the mean over the words, 1 for whole words. */
export interface WordHit {
  readonly document: number;
  readonly quality: number;
}

const WHOLE = 1;
const BEGINNING = 0.8;
const MISSPELT = 0.5;
/** Shorter words are not corrected: too many others are one letter away. */
const SHORTEST_CORRECTED = 4;
const TWO_ERRORS_FROM = 8;

export class WordIndex {
  /** Distinct words in order, so that the words with a common beginning stand together. */
  readonly #words: readonly string[];
  readonly #postings: readonly Int32Array[];

  /** @param texts already folded: lower case, words separated by single spaces */
  constructor(texts: readonly string[]) {
    const documents = new Map<string, number[]>();
    texts.forEach((text, document) => {
      for (const word of text.split(' ')) {
        const list = documents.get(word);
        if (!list) documents.set(word, [document]);
        else if (list.at(-1) !== document) list.push(document);
      }
    });
    this.#words = [...documents.keys()].sort();
    this.#postings = this.#words.map((word) => Int32Array.from(documents.get(word)!));
  }

  /** Texts in which every word of `query` occurs, begins a word, or nearly does. Unordered. */
  search(query: string): WordHit[] {
    const words = query.split(' ').filter((word) => word !== '');
    let found: Map<number, number> | null = null;
    for (const word of words) {
      const here = this.#documents(word);
      if (found === null) found = here;
      else {
        const both = new Map<number, number>();
        for (const [document, quality] of found) {
          const other = here.get(document);
          if (other !== undefined) both.set(document, quality + other);
        }
        found = both;
      }
      if (found.size === 0) return [];
    }
    return [...(found ?? [])].map(([document, quality]) => ({ document, quality: quality / words.length }));
  }

  #documents(typed: string): Map<number, number> {
    const best = new Map<number, number>();
    const add = (word: number, quality: number): void => {
      for (const document of this.#postings[word]!) {
        if ((best.get(document) ?? 0) < quality) best.set(document, quality);
      }
    };
    let misspelt = true;
    for (let word = this.#firstFrom(typed); word < this.#words.length; word += 1) {
      const candidate = this.#words[word]!;
      if (!candidate.startsWith(typed)) break;
      add(word, candidate === typed ? WHOLE : BEGINNING);
      misspelt = false;
    }
    if (misspelt && typed.length >= SHORTEST_CORRECTED) {
      const allowed = typed.length >= TWO_ERRORS_FROM ? 2 : 1;
      this.#words.forEach((candidate, word) => {
        const errors = distanceWithin(typed, candidate, allowed);
        if (errors <= allowed) add(word, MISSPELT / errors);
      });
    }
    return best;
  }

  #firstFrom(typed: string): number {
    let low = 0;
    let high = this.#words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#words[middle]! < typed) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Edits (insert, delete, replace, swap of neighbours) that turn the beginning of `word` into `typed`; someone who types
 * ahead has not finished the word. Stops counting above `limit`.
 */
export function distanceWithin(typed: string, word: string, limit: number): number {
  if (
    word.length < typed.length - limit ||
    (word[0] !== typed[0] && word[1] !== typed[0] && word[0] !== typed[1])
  ) {
    return limit + 1;
  }
  const width = Math.min(word.length, typed.length + limit);
  let beforeLast = new Uint8Array(width + 1);
  let last = Uint8Array.from({ length: width + 1 }, (_, column) => column);
  for (let row = 1; row <= typed.length; row += 1) {
    const here = new Uint8Array(width + 1);
    here[0] = row;
    let smallest = row;
    for (let column = 1; column <= width; column += 1) {
      const same = typed[row - 1] === word[column - 1];
      let cost = Math.min(last[column]! + 1, here[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      const swapped =
        row > 1 && column > 1 && typed[row - 1] === word[column - 2] && typed[row - 2] === word[column - 1];
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1);
      here[column] = cost;
      smallest = Math.min(smallest, cost);
    }
    if (smallest > limit) return limit + 1;
    beforeLast = last;
    last = here;
  }
  return Math.min(...last);
}
