/** The words of a text with their places. Knows no language but the letters. */

export interface Token {
  /** Lower case. */
  readonly word: string;
  readonly from: number;
  readonly to: number;
}

/** Letters and digits with the hyphens, dots, primes, slashes and ampersands inside them: `co-trimoxazole`, `2.5`, `TMP/SMX`. */
const WORD = /[\p{L}\p{N}]+(?:[-./&'’][\p{L}\p{N}]+)*%?/gu;

/** @param offset added to every place */
export function tokensOf(text: string, offset = 0): Token[] {
  return Array.from(text.matchAll(WORD), (match) => ({
    word: match[0].toLowerCase(),
    from: offset + match.index,
    to: offset + match.index + match[0].length,
  }));
}
