/**
 * Finds diagnoses in a sentence: by the notes' own terms, by ICD-10-CM titles as they stand or without their fillers
 * ("unspecified", "uncomplicated"), and by what people call them. The longest match counts; symptoms, injuries and external
 * causes are not read, and no spelling is corrected.
 */

import type { Codes } from '../knowledge/codes.ts';
import { nameKey } from '../knowledge/names.ts';
import type { CodeTitle } from '../shared/domain.ts';
import { PROBLEM_TERMS } from './problem-terms.ts';
import { tokensOf } from './tokens.ts';

export interface ProblemWords {
  readonly from: number;
  readonly to: number;
  /** Readings, the likelier first. */
  readonly diagnoses: readonly CodeTitle[];
}

const SYSTEM = 'ICD-10-CM';
/** Words of a title or term at most. */
const LONGEST_TERM = 6;
/** Chapters of diseases; R (symptoms), S–Y (injuries and causes) and Z (contacts) are left out. */
const DISEASES = /^[A-QU]/;
/** Of what a title adds for the coder, and no note says. */
const FILLERS = new Set(
  'unspecified uncomplicated nos other specified disease diseases disorder not elsewhere classified without complication complications'.split(
    ' ',
  ),
);
/** Single words that titles are reduced to and that say too little, or another thing, in a note. */
const TOO_LITTLE = new Set(
  (
    'other disease chronic acute history infection infections pain fever neoplasm disorder syndrome condition complications ' +
    'lesion mass single multiple abnormal normal site type stage benign malignant primary secondary idiopathic congenital ' +
    'pregnancy labor delivery newborn birth death abortion twins worries personal fatigue stiffness contracture snoring'
  ).split(' '),
);

export class ProblemLexicon {
  readonly #codes: Codes;
  /** Name key → codes. */
  readonly #terms = new Map<string, readonly string[]>();

  /** Reads every title once, about 72,000. */
  constructor(codes: Codes) {
    this.#codes = codes;
    const titles = new Map<
      string,
      { readonly code: string; readonly whole: boolean; readonly visits: number }
    >();
    for (const { code, title, visits } of codes.diagnoses(SYSTEM)) {
      if (!DISEASES.test(code)) continue;
      for (const { key, whole } of readings(title)) {
        const known = titles.get(key);
        if (known && !better({ code, whole, visits }, known)) continue;
        titles.set(key, { code, whole, visits });
      }
    }
    for (const [key, { code }] of titles) this.#terms.set(key, [code]);
    for (const { term, codes: called } of codes.layTerms()) this.#terms.set(nameKey(term), called);
    for (const [term, own] of Object.entries(PROBLEM_TERMS)) this.#terms.set(nameKey(term), own);
  }

  /** @param offset of the sentence in the note, added to the places */
  find(sentence: string, offset: number): ProblemWords[] {
    const tokens = tokensOf(sentence);
    const found: ProblemWords[] = [];
    for (let at = 0; at < tokens.length;) {
      const match = this.#longest(sentence, tokens, at);
      if (match === null) {
        at += 1;
        continue;
      }
      const to = tokens[at + match.words - 1]!.to;
      found.push({ from: offset + tokens[at]!.from, to: offset + to, diagnoses: match.diagnoses });
      at += match.words;
    }
    return found;
  }

  #longest(
    sentence: string,
    tokens: ReturnType<typeof tokensOf>,
    at: number,
  ): { readonly words: number; readonly diagnoses: readonly CodeTitle[] } | null {
    for (let words = Math.min(LONGEST_TERM, tokens.length - at); words > 0; words -= 1) {
      const from = tokens[at]!.from;
      const text = sentence.slice(from, tokens[at + words - 1]!.to);
      if (/[,;:.()]\s/.test(text)) continue; // no term runs over a comma
      const codes = this.#terms.get(nameKey(text));
      if (codes) return { words, diagnoses: codes.map((code) => this.#titled(code)) };
    }
    return null;
  }

  #titled(code: string): CodeTitle {
    return { code, title: this.#codes.title(SYSTEM, code) };
  }
}

/** The title itself, and what is left of it without brackets and fillers. */
function readings(title: string): { readonly key: string; readonly whole: boolean }[] {
  const whole = nameKey(title);
  const bare = nameKey(title.replace(/\([^)]*\)/g, ' '))
    .split(' ')
    .filter((word) => !FILLERS.has(word))
    .join(' ');
  return [
    { key: whole, whole: true },
    { key: bare, whole: false },
  ].filter(({ key }) => {
    const words = key.split(' ');
    if (key === '' || words.length > LONGEST_TERM) return false;
    return words.length > 1 || (key.length > 3 && !TOO_LITTLE.has(key));
  });
}

interface Title {
  readonly code: string;
  readonly whole: boolean;
  readonly visits: number;
}

/** A whole title before a reduced one; then the code that is recorded more often; then the shorter one. */
function better(one: Title, other: Title): boolean {
  if (one.whole !== other.whole) return one.whole;
  if (one.visits !== other.visits) return one.visits > other.visits;
  return one.code.length < other.code.length;
}
