/** Each check fires on a prepared case and stays silent on its negative. */

import { describe, expect, it } from 'vitest';
import { drug } from '../knowledge/fixture.ts';
import { estimatedGfr } from '../shared/renal-function.ts';
import { findingsOf, found, foundFindings, icd10, icd9 } from './testing.ts';

describe('interactions', () => {
  it('finds recorded pairs, current medications included', () => {
    expect(found('interactions', {}, ['warfarin', 'fluconazole'])).toEqual(['3 fluconazole + warfarin']);
    expect(found('interactions', { currentMedications: [drug('warfarin')] }, ['fluconazole'])).toEqual([
      '3 fluconazole + warfarin',
    ]);
    const [pair] = foundFindings('interactions', {}, ['warfarin', 'fluconazole']);
    expect(pair?.management).not.toBe('');
    expect(pair?.sources.every(({ citation, version }) => citation !== '' && version !== '')).toBe(true);
  });

  it('stays silent where none is recorded, and says which drug no table covers', () => {
    expect(found('interactions', {}, ['metformin', 'alprazolam'])).toEqual([]);
    expect(findingsOf('interactions', {}, ['warfarin', 'carboxymethylcellulose'])).toEqual([
      { state: 'not-covered', check: 'interactions', drugs: ['carboxymethylcellulose'] },
    ]);
  });
});

describe('duplicate therapy', () => {
  it('finds two of a class by a rule, and not among the interactions again', () => {
    expect(found('duplicate-therapy', {}, ['lisinopril', 'enalapril'])).toEqual(['3 enalapril + lisinopril']);
    expect(found('interactions', {}, ['lisinopril', 'enalapril'])).toEqual([]);
  });

  it('finds one ingredient under two names', () => {
    expect(found('duplicate-therapy', {}, ['hydrocortisone', 'hydrocortisone acetate'])).toEqual([
      '2 hydrocortisone + hydrocortisone acetate',
    ]);
    expect(found('duplicate-therapy', {}, ['benztropine', 'benzatropine'])).toEqual([
      '2 benzatropine + benztropine',
    ]);
  });

  it('stays silent on two classes, and on different salts of nothing in common', () => {
    expect(found('duplicate-therapy', {}, ['lisinopril', 'metoprolol', 'metformin'])).toEqual([]);
    expect(found('duplicate-therapy', {}, ['calcium carbonate', 'lithium', 'potassium chloride'])).toEqual(
      [],
    );
  });
});

describe('allergies', () => {
  it('finds the drug, its class and what cross-reacts, each at its level', () => {
    const list = ['amoxicillin', 'cephalexin', 'meropenem', 'azithromycin'];
    expect(found('allergies', { allergies: ['penicillin (rash)'] }, list)).toEqual([
      '4 amoxicillin',
      '2 cephalexin',
      '2 meropenem',
    ]);
    expect(found('allergies', { allergies: ['Keflex'] }, ['cephalexin', 'amoxicillin'])).toEqual([
      '4 cephalexin',
      '3 amoxicillin',
    ]);
    expect(found('allergies', { allergies: ['sulfa'] }, ['hydrochlorothiazide'])).toEqual([
      '2 hydrochlorothiazide',
    ]);
    expect(found('allergies', { allergies: ['sulfa'] }, ['furosemide', 'celecoxib'])).toEqual([
      '3 celecoxib',
      '1 furosemide',
    ]);
  });

  it('checks current medications too', () => {
    expect(
      found('allergies', { allergies: ['aspirin'], currentMedications: [drug('ibuprofen')] }, []),
    ).toEqual(['4 ibuprofen']);
  });

  it('stays silent on other drugs, and says which entry it did not understand', () => {
    expect(found('allergies', { allergies: ['penicillin'] }, ['doxycycline', 'lisinopril'])).toEqual([]);
    expect(findingsOf('allergies', { allergies: ['peanuts'] }, ['doxycycline'])).toEqual([
      { state: 'not-checked', check: 'allergies', drugs: [], missing: 'allergy-meaning', entry: 'peanuts' },
    ]);
  });
});

describe('contraindications by label text', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['propranolol', 'J4520', 'I10', 'asthma'],
    ['bupropion', 'G40909', 'I10', 'seizure'],
    ['metoclopramide', 'G40909', 'I10', 'epilep'],
    ['sumatriptan', 'I252', 'J4520', 'myocardial infarction'],
    ['estradiol', 'I2699', 'I10', 'thrombosis'],
    ['oxybutynin', 'R339', 'I10', 'obstructive uropathy'],
    ['clopidogrel', 'K922', 'I10', 'bleeding'],
    ['pioglitazone', 'I509', 'I10', 'heart failure'],
  ];
  it.each(cases)('%s for %s, silent for %s', (name, code, other, phrase) => {
    const [finding] = foundFindings('contraindications', { diagnoses: icd10(code) }, [name]);
    expect(finding?.severity).toBeGreaterThanOrEqual(2);
    const { text, from, to } = finding!.label!;
    expect(text.slice(from, to).toLowerCase()).toContain(phrase);
    expect(finding?.sources.map(({ reviewed }) => reviewed)).toEqual([false]);
    expect(foundFindings('contraindications', { diagnoses: icd10(other) }, [name])).toEqual([]);
  });

  it('lists, and does not interrupt, where the label asks for a degree that the code does not tell', () => {
    const [finding] = foundFindings('contraindications', { diagnoses: icd10('I10') }, ['almotriptan']);
    expect(finding).toMatchObject({ severity: 2, because: 'Essential (primary) hypertension' });
    expect(finding?.management).toContain('uncontrolled');
  });

  it('reads ICD-9 codes and chronic flags as well', () => {
    expect(found('contraindications', { diagnoses: icd9('49390') }, ['propranolol'])).toEqual([
      '3 propranolol',
    ]);
    expect(found('contraindications', { chronic: ['ASTHMA'] }, ['propranolol'])).toEqual(['3 propranolol']);
  });

  it('says where only the beginning of every label is held', () => {
    expect(findingsOf('contraindications', { diagnoses: icd10('J4520') }, ['warfarin'])).toMatchObject([
      { state: 'not-checked', drugs: ['warfarin'], missing: 'label-end' },
    ]);
  });

  it('tells nothing found, no label text and no diagnosis apart', () => {
    const states = (diagnoses: string[], list: string[]) =>
      findingsOf('contraindications', { diagnoses: icd10(...diagnoses) }, list).map(({ state }) => state);
    expect(states(['J4520'], ['pioglitazone'])).toEqual([]);
    expect(states(['J4520'], ['memantine'])).toEqual(['not-covered']);
    expect(states([], ['metformin'])).toEqual(['not-checked']);
  });
});

describe('pregnancy and lactation', () => {
  const woman = { sex: 'F', age: 30 } as const;

  it('finds what harms a pregnancy, recorded or coded', () => {
    expect(found('pregnancy', { ...woman, pregnancy: 'pregnant' }, ['lisinopril', 'isotretinoin'])).toEqual([
      '4 isotretinoin',
      '3 lisinopril',
    ]);
    expect(found('pregnancy', { ...woman, diagnoses: icd10('Z3491') }, ['warfarin'])).toEqual(['4 warfarin']);
    expect(found('lactation', { ...woman, lactation: 'lactating' }, ['codeine'])).toEqual(['3 codeine']);
  });

  it('asks where nothing is recorded, and never reads unknown as no', () => {
    expect(findingsOf('pregnancy', woman, ['lisinopril', 'labetalol'])).toEqual([
      { state: 'not-checked', check: 'pregnancy', drugs: ['lisinopril'], missing: 'pregnancy', entry: null },
    ]);
    expect(findingsOf('pregnancy', { ...woman, sex: 'unknown' }, ['lisinopril'])).toHaveLength(1);
    expect(findingsOf('lactation', woman, ['codeine'])).toMatchObject([{ missing: 'lactation' }]);
  });

  it('stays silent where it is recorded as no, for men, and outside the ages of pregnancy', () => {
    const no = { ...woman, pregnancy: 'not-pregnant', lactation: 'not-lactating' } as const;
    expect(findingsOf('pregnancy', no, ['lisinopril'])).toEqual([]);
    expect(findingsOf('lactation', no, ['codeine'])).toEqual([]);
    expect(findingsOf('pregnancy', { sex: 'M', age: 30 }, ['lisinopril'])).toEqual([]);
    expect(findingsOf('pregnancy', { sex: 'F', age: 70 }, ['lisinopril'])).toEqual([]);
    expect(findingsOf('pregnancy', { ...woman, pregnancy: 'pregnant' }, ['labetalol'])).toEqual([]);
  });
});

describe('age', () => {
  it.each([
    [1, 'promethazine', 4],
    [11, 'codeine', 4],
    [12, 'codeine', 2],
    [7, 'doxycycline', 3],
    [24, 'sertraline', 2],
    [65, 'diphenhydramine', 2],
    [75, 'prasugrel', 3],
  ])('at %i years %s is %i', (age, name, severity) => {
    expect(found('age', { age }, [name])).toEqual([`${severity} ${name}`]);
  });

  it.each([
    [2, 'promethazine'],
    [18, 'codeine'],
    [8, 'doxycycline'],
    [25, 'sertraline'],
    [64, 'diphenhydramine'],
    [74, 'prasugrel'],
  ])('at %i years %s is nothing', (age, name) => {
    expect(found('age', { age }, [name])).toEqual([]);
  });

  it('speaks louder of antipsychotics in dementia', () => {
    expect(found('age', { age: 80 }, ['olanzapine'])).toEqual(['2 olanzapine']);
    expect(found('age', { age: 80, diagnoses: icd10('F0390') }, ['olanzapine'])).toEqual(['3 olanzapine']);
  });
});

describe('renal function', () => {
  const man = { age: 60, sex: 'M' } as const;

  it('reads eGFR from creatinine by the cited thresholds', () => {
    expect(Math.round(estimatedGfr({ ...man, creatinine: 3 })!)).toBe(23);
    expect(found('renal-function', { ...man, creatinine: 3 }, ['metformin', 'ibuprofen'])).toEqual([
      '4 metformin',
      '3 ibuprofen',
    ]);
    expect(Math.round(estimatedGfr({ ...man, creatinine: 2 })!)).toBe(38);
    expect(found('renal-function', { ...man, creatinine: 2 }, ['metformin', 'ibuprofen'])).toEqual([
      '3 metformin',
      '2 ibuprofen',
    ]);
    expect(findingsOf('renal-function', { ...man, creatinine: 1 }, ['metformin', 'ibuprofen'])).toEqual([]);
  });

  it('is milder on a drug that is taken already, where the label only speaks against starting it', () => {
    const taking = { ...man, creatinine: 2, currentMedications: [drug('metformin')] };
    expect(found('renal-function', taking, [])).toEqual(['2 metformin']);
  });

  it('uses creatinine clearance when the weight is known, and says so when it is not', () => {
    const weighed = foundFindings('renal-function', { ...man, creatinine: 2, weight: 80 }, [
      'nitrofurantoin',
    ]);
    expect(weighed).toMatchObject([
      { severity: 3, because: 'Creatinine clearance 44 mL/min (Cockcroft-Gault)' },
    ]);
    const [unweighed] = foundFindings('renal-function', { ...man, creatinine: 2 }, ['nitrofurantoin']);
    expect(unweighed?.because).toContain('in place of the creatinine clearance');
  });

  it('uses a coded stage when creatinine is missing, and leaves open what the stage does not decide', () => {
    const stage4 = findingsOf('renal-function', { ...man, diagnoses: icd10('N184') }, ['metformin']);
    expect(stage4).toMatchObject([{ state: 'found', severity: 4 }]);
    const stage3 = findingsOf('renal-function', { ...man, diagnoses: icd9('5853') }, [
      'metformin',
      'ibuprofen',
    ]);
    expect(stage3).toMatchObject([
      { state: 'found', drugs: ['ibuprofen'], severity: 2 },
      { state: 'not-checked', drugs: ['metformin'], missing: 'creatinine' },
    ]);
  });

  it('says what is missing, for drugs with a rule only', () => {
    const missing = (facts: Parameters<typeof findingsOf>[1]) =>
      findingsOf('renal-function', facts, ['metformin', 'atorvastatin']);
    expect(missing(man)).toEqual([
      {
        state: 'not-checked',
        check: 'renal-function',
        drugs: ['metformin'],
        missing: 'creatinine',
        entry: null,
      },
    ]);
    expect(missing({ ...man, age: 12, creatinine: 1 })).toMatchObject([{ missing: 'adult-age' }]);
    expect(missing({ ...man, sex: 'unknown', creatinine: 1 })).toMatchObject([{ missing: 'sex' }]);
  });
});

describe('age in months', () => {
  const infant = { age: 0, ageMonths: null };

  it('decides a rule that speaks of months where they are known, and warns where they are not', () => {
    expect(found('age', { ...infant, ageMonths: 1 }, ['sulfamethoxazole'])).toEqual(['4 sulfamethoxazole']);
    expect(found('age', { ...infant, ageMonths: 2 }, ['sulfamethoxazole'])).toEqual([]);
    expect(found('age', infant, ['sulfamethoxazole'])).toEqual(['3 sulfamethoxazole']);
    expect(found('age', { age: 1, ageMonths: 13 }, ['sulfamethoxazole'])).toEqual([]);
    expect(foundFindings('age', { ...infant, ageMonths: 5 }, ['diazepam'])[0]?.because).toBe('Age 5 months');
  });
});

describe('label text on breastfeeding', () => {
  const mother = { sex: 'F', age: 30, pregnancy: 'not-pregnant', lactation: 'lactating' } as const;

  it('is shown, marked, for drugs without a rule, and left to the rule where there is one', () => {
    const [finding] = foundFindings('contraindications', { ...mother, diagnoses: icd10('I10') }, [
      'clemastine',
    ]);
    expect(finding).toMatchObject({ severity: 3, because: 'Breastfeeding' });
    expect(finding?.label?.text.slice(finding.label.from, finding.label.to)).toMatch(/nursing mothers/i);
    const silent = { ...mother, lactation: 'not-lactating', diagnoses: icd10('I10') } as const;
    expect(found('contraindications', silent, ['clemastine'])).toEqual([]);
    expect(found('contraindications', { ...mother, diagnoses: icd10('I10') }, ['simvastatin'])).toEqual([]);
  });
});

describe('what a rule was held against', () => {
  const supportOf = (check: 'renal-function' | 'age' | 'pregnancy' | 'allergies', ...rest: Rest) =>
    foundFindings(check, ...rest)[0]?.sources[0]?.support;
  type Rest = [Parameters<typeof foundFindings>[1], Parameters<typeof foundFindings>[2]];

  it('comes with each finding: label text, label text that differs, or memory alone', () => {
    const kidney = { age: 70, creatinine: 4, weight: 70 };
    expect(supportOf('renal-function', kidney, ['fondaparinux'])).toMatchObject({
      state: 'label',
      words: expect.stringContaining('CrCl] <30') as string,
    });
    expect(supportOf('renal-function', { ...kidney, creatinine: 1.6 }, ['nitrofurantoin'])).toMatchObject({
      state: 'label-differs',
    });
    expect(supportOf('age', { age: 9 }, ['aspirin'])?.state).not.toMatch(/^label/);
    expect(supportOf('allergies', { allergies: ['sulfa'] }, ['celecoxib'])?.state).toBe('label-differs');
    expect(supportOf('allergies', { allergies: ['macrolide'] }, ['azithromycin'])?.state).toBe('label');
  });

  it('names for a pair the label, another table, or nobody', () => {
    const stateOf = (...list: [string, string]) =>
      foundFindings('interactions', {}, list)[0]?.sources.find(({ support }) => support)?.support?.state;
    expect(stateOf('simvastatin', 'clarithromycin')).toBe('label');
    expect(stateOf('lithium', 'hydrochlorothiazide')).toBe('table');
    expect(stateOf('digoxin', 'amiodarone')).toMatch(/^(memory|read)$/);
  });
});
