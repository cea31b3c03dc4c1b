/**
 * Compares the indications of a drug with titles of codes by their words. A help for the reader, who sees both texts: it
 * finds no indication that the words do not show, and decides nothing.
 */

import { nameKey } from './names.ts';

/** An indication that a title of the visit answers to. */
export interface IndicationMatch {
  readonly indication: string;
  readonly title: string;
  /** The indication says more than the title (`E. coli urinary tract infection` beside a urinary tract infection). */
  readonly narrower: boolean;
}

/** Words that say nothing of which disease it is. */
const FILLERS = new Set(
  (
    'of the with and or due to in by for not on at from as no associated without mention stated specified unspecified other ' +
    'elsewhere classified classifiable nos site type disease diseases disorder disorders syndrome condition conditions ' +
    'complication complications manifestation manifestations acute chronic essential primary bronchial mellitus single ' +
    'episode recurrent initial encounter use left right uncontrolled unknown common simple mild uncomplicated'
  ).split(' '),
);
/** Titles with these words are about something else than having the disease. */
const NOT_HAVING_IT =
  /\b(?:family history|personal history|history of|screening|encounter for|vaccination|examination)\b/i;
/** Words before a disease that make another one of it: an indication without the word does not cover it. */
const ANOTHER_DISEASE = new Set(
  'pulmonary portal ocular intracranial renovascular gestational neonatal insipidus drug chemical postprocedural'.split(
    ' ',
  ),
);
/** What a title says is not there. */
const ABSENT = /\bwithout\b[^,;]*/gi;
const ROMAN: Readonly<Record<string, string>> = { i: '1', ii: '2' };
/** Spellings of one word. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/\bgastro esophageal\b/g, 'gastroesophageal'],
  [/\bgastro oesophageal\b/g, 'gastroesophageal'],
  [/\bcholesterol\b/g, 'hypercholesterolemia'],
  [/\bhyperlipemia\b/g, 'hyperlipidemia'],
];

/**
 * The indications that share every telling word with one of the titles, those that say no more than the title first.
 * An indication is named once, with the first title that it answers to.
 */
export function matchIndications(
  indications: readonly string[],
  titles: readonly string[],
): readonly IndicationMatch[] {
  const read = titles
    .filter((title) => !NOT_HAVING_IT.test(title))
    .map((title) => ({ title, words: tellingWords(title) }))
    .filter(({ words }) => words.size > 0);
  const matches = indications.flatMap((indication): IndicationMatch[] => {
    const said = tellingWords(indication);
    if (said.size === 0) return [];
    const whole = read.find(({ words }) => isWithin(said, words) && !isAnother(said, words));
    if (whole) return [{ indication, title: whole.title, narrower: false }];
    const wide = read.find(({ words }) => isWithin(words, said) && !isAnother(words, said));
    return wide ? [{ indication, title: wide.title, narrower: true }] : [];
  });
  return matches.sort((a, b) => Number(a.narrower) - Number(b.narrower));
}

/** Words of texts that were read: the tables hold a few thousand indications, asked for again and again. */
const readBefore = new Map<string, ReadonlySet<string>>();
const REMEMBERED = 10_000;

function tellingWords(text: string): ReadonlySet<string> {
  let words = readBefore.get(text);
  if (!words) {
    words = readWords(text);
    if (readBefore.size >= REMEMBERED) readBefore.clear();
    readBefore.set(text, words);
  }
  return words;
}

function readWords(text: string): ReadonlySet<string> {
  let key = nameKey(text.replace(ABSENT, ' '));
  for (const [written, meant] of SPELLINGS) key = key.replace(written, meant);
  const words = key.split(' ').filter((word) => !FILLERS.has(word) && (word.length > 1 || /\d|i/.test(word)));
  return new Set(words.map((word) => ROMAN[word] ?? stem(word)));
}

/** `depression` and `depressive`, `infections` and `infection` are one word; nothing clever. */
function stem(word: string): string {
  if (word.length < 6 || ANOTHER_DISEASE.has(word)) return word;
  return word.replace(/(?:ions?|ive|ies|es|s|al|ic|y)$/, '');
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  return [...some].every((word) => all.has(word));
}

/** True when the longer text holds a word that turns the disease of the shorter one into another. */
function isAnother(shorter: ReadonlySet<string>, longer: ReadonlySet<string>): boolean {
  return [...longer].some((word) => ANOTHER_DISEASE.has(word) && !shorter.has(word));
}
