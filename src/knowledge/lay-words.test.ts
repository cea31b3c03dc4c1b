import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from './knowledge.ts';

const { codes } = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
const found = (text: string): string[] => codes.search(text, 'ICD-10-CM', 8).map(({ code }) => code);

describe('search for a diagnosis', () => {
  it.each([
    ['high blood pressure', 'I10'],
    ['high blood', 'I10'],
    ['hihg blood presure', 'I10'],
    ['sugar diabetes', 'E119'],
    ['heart attack', 'I219'],
    ['kidney stones', 'N200'],
    ['sore throat', 'J029'],
    ['trouble sleeping', 'G4700'],
    ['acid reflux', 'K219'],
  ])('leads from "%s" to %s first', (text, code) => {
    expect(found(text)[0]).toBe(code);
  });

  it.each([
    ['diabetes', 'E119'],
    ['hypertension', 'I10'],
    ['asthma', 'J45909'],
    ['depress', 'F329'],
    ['low back', 'M545'],
  ])('shows for "%s" the usual %s among the first', (text, code) => {
    expect(found(text).slice(0, 3)).toContain(code);
  });

  it('takes half a term for no term, and leaves other systems alone', () => {
    expect(found('heart')).not.toContain('I219');
    const old = codes.search('heart attack', 'ICD-9-CM', 8).map(({ title }) => (title ?? '').toLowerCase());
    expect(old.every((title) => title.includes('heart') && title.includes('attack'))).toBe(true);
  });
});
