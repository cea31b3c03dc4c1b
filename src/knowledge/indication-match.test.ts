import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../shared/ids.ts';
import { matchIndications } from './indication-match.ts';
import { loadKnowledge } from './knowledge.ts';

const { texts, codes } = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
/** Matches of a drug for an ICD-10-CM code; `~` marks one that asks for more than the code says. */
const matches = (drug: string, ...icd10: string[]): string[] =>
  matchIndications(
    texts.indications(asId<DrugId>(drug)),
    icd10.map((code) => codes.title('ICD-10-CM', code)!),
  ).map(({ indication, narrower }) => (narrower ? `~${indication}` : indication));

describe('matchIndications', () => {
  it.each([
    ['metformin', ['E119'], 'Type 2 Diabetes Mellitus'],
    ['lisinopril', ['I10'], 'Hypertension'],
    ['sertraline', ['F329'], 'Depression'],
    ['omeprazole', ['K219'], 'Gastroesophageal Reflux'],
    ['fluticasone', ['J45909'], 'Bronchial Asthma'],
    ['allopurinol', ['M109'], 'Gout'],
    ['nitrofurantoin', ['N390'], '~E. Coli Urinary Tract Infection'],
    ['levothyroxine', ['E039'], '~Congenital Hypothyroidism'],
  ])('%s for %s: %s', (drug, icd10, expected) => {
    expect(matches(drug, ...icd10)).toContain(expected);
  });

  it.each([
    ['amlodipine', 'I2720', 'pulmonary hypertension is not hypertension'],
    ['omeprazole', 'Z8711', 'a personal history is not the disease'],
    ['metformin', 'O24410', 'gestational diabetes is not type 2'],
    ['glipizide', 'E109', 'type 1 is not type 2'],
  ])('finds nothing for %s and %s: %s', (drug, icd10) => {
    expect(matches(drug, icd10)).toEqual([]);
  });

  it('does not read what a title says is absent', () => {
    expect(matches('omeprazole', 'K219')).not.toContain('Reflux Esophagitis');
  });

  it('shares a word with every match, and names no indication twice', () => {
    const titles = ['E119', 'I10', 'J209', 'M545', 'N390', 'F419'].map((code) =>
      codes.title('ICD-10-CM', code)!,
    );
    const drugs = [
      'amoxicillin',
      'aspirin',
      'prednisone',
      'acetaminophen',
      'atorvastatin',
      'sulfamethoxazole',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...drugs), fc.shuffledSubarray(titles), (drug, some) => {
        const found = matchIndications(texts.indications(asId<DrugId>(drug)), some);
        const names = found.map(({ indication }) => indication);
        expect(new Set(names).size).toBe(names.length);
        for (const { indication, title } of found) {
          const words = new Set(
            title
              .toLowerCase()
              .split(/\W+/)
              .map((word) => word.slice(0, 5)),
          );
          const shared = indication
            .toLowerCase()
            .split(/\W+/)
            .some((word) => words.has(word.slice(0, 5)));
          expect(shared).toBe(true);
          expect(some).toContain(title);
        }
      }),
    );
  });
});
