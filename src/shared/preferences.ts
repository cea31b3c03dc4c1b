/** Which choices a computer remembers, and how they are read back. Never anything of a patient: the file is not encrypted. */

export const PREFERENCES = ['theme', 'language', 'learn-from-decisions', 'tour'] as const;
export type Preference = (typeof PREFERENCES)[number];
export type Preferences = Readonly<Partial<Record<Preference, string>>>;

/** How the shell hands them to the preload script: an argument of the page's process. */
export const PREFERENCES_ARGUMENT = '--flame-preferences=';

/** Every value is a word, so that nothing else can be kept here. */
const WORD = /^[a-z]{1,20}$/;

export function isPreference(name: unknown): name is Preference {
  return PREFERENCES.some((known) => known === name);
}

export function isPreferenceValue(value: unknown): value is string {
  return typeof value === 'string' && WORD.test(value);
}

/** What of a file's or an argument's JSON can be used; the rest is left out. */
export function readPreferences(json: string): Preferences {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(
      Object.entries(parsed).filter(([name, value]) => isPreference(name) && isPreferenceValue(value)),
    );
  } catch {
    return {};
  }
}
