/**
 * The language of the screen: texts by key, plurals by Intl, English where a language has no text. Remembered on this
 * computer. Translates no clinical content: drug names, code titles and texts of the tables stay as their source has them.
 */

import i18next, { type TFunction } from 'i18next';
import { remember, remembered } from '../state/preferences.ts';
import { english } from './english.ts';
import { german } from './german.ts';
import type { TextKey } from './translation.ts';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
const BRACES = { prefix: '{', suffix: '}', escapeValue: false };

const texts = i18next.createInstance();
void texts.init({
  lng: 'en',
  fallbackLng: 'en',
  initAsync: false,
  resources: { en: english, de: german },
  interpolation: { escapeValue: false }, // Svelte escapes; nothing here is ever set as HTML.
});

function isLanguage(value: unknown): value is Language {
  return typeof value === 'string' && value in LANGUAGES;
}

class LanguageChoice {
  current = $state<Language>('en');
  readonly #translate: TFunction = $derived(texts.getFixedT(this.current));

  constructor() {
    const stored = remembered('language');
    if (isLanguage(stored)) this.#show(stored);
  }

  choose(language: Language): void {
    this.#show(language);
    remember('language', language);
  }

  /** Reads the language where it is called, so that what is on the screen follows it. */
  get translate(): TFunction {
    return this.#translate;
  }

  #show(language: Language): void {
    this.current = language;
    document.documentElement.lang = language;
  }
}

export const language = new LanguageChoice();

/**
 * The text of a key with its file first, e.g. `t('shell:patients')`. A key that English lacks does not compile.
 * @param values what stands in the text as `{{name}}`; `count` chooses the plural form
 */
export function t(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  return language.translate(key, values);
}

/** A text of the tables of src/shared, where values stand in single braces and a missing one leaves nothing. */
export function filled(key: TextKey, values: Readonly<Record<string, string | number>>): string {
  return language.translate(key, { replace: values, interpolation: BRACES }).trim();
}
