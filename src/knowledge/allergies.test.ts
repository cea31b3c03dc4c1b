import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../shared/ids.ts';
import { ALLERGY_CLASSES, readAllergies } from './allergies.ts';
import { loadKnowledge } from './knowledge.ts';

const { drugs } = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
const excludedBy = (...entries: string[]): string[] =>
  [...readAllergies(drugs, entries).excluded.keys()].sort();

describe('readAllergies', () => {
  it('knows every member of every class', () => {
    const unknown = ALLERGY_CLASSES.flatMap(({ members, partners = [] }) => [...members, ...partners]).filter(
      (name) => drugs.find(name).length !== 1 || drugs.get(asId<DrugId>(name)) === null,
    );
    expect(unknown).toEqual([]);
  });

  it('reads ingredients, brands and combination brands', () => {
    expect(excludedBy('codeine')).toEqual(['codeine']);
    expect(excludedBy('Coumadin')).toEqual(['warfarin']);
    expect(excludedBy('Bactrim')).toContain('trimethoprim');
  });

  it('excludes the whole class where labels do', () => {
    expect(excludedBy('amoxicillin')).toEqual(excludedBy('penicillins'));
    for (const entry of ['penicillin', 'PCN', 'Penicillins (rash)', 'Allergy to penicillin', 'Amoxil']) {
      expect(excludedBy(entry), entry).toEqual(
        expect.arrayContaining(['amoxicillin', 'ampicillin', 'penicillin v']),
      );
    }
    expect(excludedBy('Sulfa drugs')).toContain('sulfamethoxazole');
    expect(excludedBy('aspirin')).toContain('ibuprofen');
    expect(excludedBy('NSAIDs')).not.toContain('acetaminophen');
    expect(excludedBy('penicillin')).not.toContain('cephalexin');
  });

  it('excludes what is sold only together with a member, and reads no class into it', () => {
    expect(excludedBy('penicillin')).toContain('clavulanic acid');
    expect(excludedBy('penicillin')).not.toContain('tazobactam');
    expect(excludedBy('clavulanic acid')).toEqual(['clavulanic acid']);
    expect(excludedBy('cephalosporins')).not.toContain('clavulanic acid');
  });

  it('says which entries it did not understand', () => {
    const { excluded, notUnderstood } = readAllergies(drugs, [
      'House dust mite allergy',
      'warfarin',
      'Latex allergy',
    ]);
    expect(notUnderstood).toEqual(['House dust mite allergy', 'Latex allergy']);
    expect([...excluded.keys()]).toEqual(['warfarin']);
  });

  it('names the entry that excludes', () => {
    expect(readAllergies(drugs, ['Amoxil']).excluded.get(asId<DrugId>('penicillin v'))).toBe('Amoxil');
  });
});
