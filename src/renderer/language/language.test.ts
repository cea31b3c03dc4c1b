import { describe, expect, it } from 'vitest';
import { english } from './english.ts';
import { german } from './german.ts';
import { language, t } from './language.svelte.ts';

/** Every text with its path, e.g. `shell.patients`. */
function texts(node: unknown, path: readonly string[] = []): Map<string, string> {
  if (typeof node === 'string') return new Map([[path.join('.'), node]]);
  return new Map(Object.entries(node as object).flatMap(([key, value]) => [...texts(value, [...path, key])]));
}
const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\s*(\w+)/g)].map(([, name]) => name!).sort();

describe('language files', () => {
  it('names in a translation only what English has, with the same values in it', () => {
    const source = texts(english);
    for (const [key, text] of texts(german)) {
      expect(source.has(key), key).toBe(true);
      expect(placeholders(text), key).toEqual(placeholders(source.get(key)!));
      expect(text.trim(), key).not.toBe('');
    }
  });

  it('shows the chosen language, and English where it has no text', () => {
    language.choose('de');
    expect(t('shell:patients')).toBe('Patienten');
    expect(document.documentElement.lang).toBe('de');
    language.choose('en');
    expect(t('shell:patients')).toBe('Patients');
  });
});
