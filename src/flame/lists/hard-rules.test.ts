import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { exclusionsOf, type HardRuleInput } from './hard-rules.ts';

const drug = (name: string): DrugId => asId<DrugId>(name);

const INPUT: HardRuleInput = {
  drugs: ['amoxicillin', 'sildenafil', 'simvastatin', 'warfarin', 'aspirin'].map(drug),
  currentMedications: ['nitroglycerin', 'atorvastatin', 'warfarin'].map(drug),
  allergies: new Map([[drug('amoxicillin'), 'penicillin']]),
  severity: (a, b) => {
    const pair = [a, b].sort().join('+');
    return pair === 'nitroglycerin+sildenafil' ? 4 : pair === 'aspirin+warfarin' ? 3 : 0;
  },
  duplicateClass: (a, b) => (a.endsWith('statin') && b.endsWith('statin') ? 'statins' : null),
};

describe('exclusionsOf', () => {
  it('names every reason, and leaves what is merely risky', () => {
    expect(Object.fromEntries(exclusionsOf(INPUT))).toEqual({
      amoxicillin: [{ kind: 'allergy', allergy: 'penicillin' }],
      sildenafil: [{ kind: 'contraindicated-pair', with: 'nitroglycerin' }],
      simvastatin: [{ kind: 'duplicate-class', with: 'atorvastatin', drugClass: 'statins' }],
      warfarin: [{ kind: 'already-taken' }],
    });
  });

  it('excludes nothing for a patient who takes nothing and is allergic to nothing', () => {
    expect(exclusionsOf({ ...INPUT, currentMedications: [], allergies: new Map() }).size).toBe(0);
  });
});
