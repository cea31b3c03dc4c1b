/** Which rules the chosen language writes numbers, days and lists by; and numbers. Rounds only as asked. */

import { language } from '../language/language.svelte.ts';

/** Day before month, as clinicians write it; `en` alone would mean the United States. */
const LOCALES = { en: 'en-GB', de: 'de' } as const;

export function locale(): string {
  return LOCALES[language.current];
}

/** @param digits decimals, exactly; without it up to three */
export function numberWords(value: number, digits?: number): string {
  const exact = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), exact).format(value);
}
