/** Small readings that every source shares: ICD codes, dates, ages, drug mentions. Each says null instead of guessing. */

import type { DrugCode } from '../../knowledge/drug-reader.ts';
import { LAST_MONTH } from '../../shared/check-input.ts';
import type { ImportLog } from '../import-log.ts';
import type { CountedMention, SourceContext } from './source.ts';

/**
 * An ICD code as the visit format holds it: no dot, upper case, without the mark of a pair of codes (`G63.2*`, `E11.40+`); null
 * when the text is none.
 */
export function icdCode(written: string): string | null {
  const code = written
    .replace(/[.\s]/g, '')
    .replace(/[+*!†]$/, '')
    .toUpperCase();
  return /^[A-Z0-9]{2,8}$/.test(code) ? code : null;
}

const NO_ALLERGY =
  /^(?:no known\b(?!.*\b(?:except|other|but|besides|apart|only)\b).*|nkd?a|none(?: known| reported)?|no (?:drug |medication )?allerg(?:y|ies))\.?$/i;

/** True for an entry that says that there is no allergy; `No known allergies except penicillin` does not. */
export function saysNoAllergy(words: string): boolean {
  return NO_ALLERGY.test(words.trim());
}

/** The day of a time stamp (`2196-02-24 14:38:00`, `2196-02-24T14:38:00Z`, `2196-02-24`), or null. */
export function dayOf(written: string): string | null {
  const day = /^(\d{4}-\d{2}-\d{2})(?:[T ]|$)/.exec(written)?.[1];
  if (day === undefined) return null;
  const time = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day) ? day : null;
}

/** Whole years from one day to a later one; null when it is earlier. */
export function yearsBetween(birth: string, day: string): number | null {
  const years = Number(day.slice(0, 4)) - Number(birth.slice(0, 4));
  const age = day.slice(5) < birth.slice(5, 10) ? years - 1 : years;
  return age < 0 ? null : age;
}

/**
 * The age in completed months where it counts, as a field of the visit: under two years, both days known, and the years agree.
 */
export function infantMonths(birth: string, day: string, age: number): { readonly age_months?: number } {
  const [born, at] = [dayOf(birth), dayOf(day)];
  if (born === null || at === null) return {};
  const part = (text: string, from: number): number => Number(text.slice(from, from + 2));
  const years = Number(at.slice(0, 4)) - Number(born.slice(0, 4));
  const months = 12 * years + part(at, 5) - part(born, 5) - (part(at, 8) < part(born, 8) ? 1 : 0);
  return months >= 0 && months <= LAST_MONTH && Math.floor(months / 12) === age ? { age_months: months } : {};
}

/** Mentions gathered for one visit, equal ones counted. */
export class Mentions {
  readonly #counted = new Map<string, { mention: Omit<CountedMention, 'count'>; count: number }>();

  add(name: string, codes: readonly DrugCode[]): void {
    const key = `${name}\u0000${codes.map(({ system, code }) => `${system} ${code}`).join('\u0000')}`;
    const counted = this.#counted.get(key);
    if (counted) counted.count += 1;
    else this.#counted.set(key, { mention: { name, codes }, count: 1 });
  }

  /** In an order that does not depend on the source's. */
  list(): CountedMention[] {
    return [...this.#counted]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { mention, count }]) => ({ ...mention, count }));
  }
}

/** Tells the log how each drug entry is read. Once an entry, however many visits hold it. */
export function countDrugs(mentions: readonly CountedMention[], { log, drugs }: SourceContext): void {
  for (const mention of mentions) log.drug(mention, drugs.read(mention));
}

/** What a visit may hold of one list; hospital stays stay below it. */
const LONGEST_LIST = 1000;

/** A list without repeats, cut where a visit cannot hold more. */
export function bounded<Item>(items: Iterable<Item>, log: ImportLog, what: string): Item[] {
  const list = [...new Set(items)];
  if (list.length > LONGEST_LIST)
    log.leaveOut(`${what} beyond ${LONGEST_LIST} of one visit`, list.length - LONGEST_LIST);
  return list.slice(0, LONGEST_LIST);
}
