import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { codeFamilies } from './code-families.ts';
import { codeTables } from './code-tables.ts';
import { describeVisit, familyOf } from './features.ts';
import { prepare } from '../prepare.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';
import { vocabularyHash } from './vocabulary.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));
const tables = codeTables(knowledge);
const prepared = prepare(
  syntheticVisits(1500),
  { trainYears: [1995, 2008], testYear: 2009, formularyMinimum: 50 },
  knowledge,
);
const { encoder, vocabulary } = prepared;

const visit: ClinicalContext = {
  year: 2005,
  age: 61,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: [],
  diagnoses: [{ system: 'ICD-9-CM', code: '25000' }],
  chronic: [],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};
const namesOf = (context: ClinicalContext): string[] =>
  encoder.encode(context).ids.map((id) => vocabulary.features[id]!);

const anyContext: fc.Arbitrary<ClinicalContext> = fc.record({
  year: fc.integer({ min: -1, max: 9999 }),
  age: fc.oneof(fc.double(), fc.integer({ min: 0, max: 130 })),
  sex: fc.constantFrom('F', 'M', 'unknown'),
  setting: fc.constantFrom('office', 'inpatient', 'unknown'),
  specialty: fc.option(fc.string()),
  reasons: fc.array(fc.string(), { maxLength: 20 }),
  diagnoses: fc.array(fc.record({ system: fc.constantFrom('ICD-9-CM', 'ICD-10-CM'), code: fc.string() }), {
    maxLength: 60,
  }),
  chronic: fc.array(fc.string(), { maxLength: 20 }),
  procedures: fc.array(fc.string(), { maxLength: 20 }),
  currentMedications: fc.array(
    fc.string().map((name) => asId<DrugId>(name)),
    { maxLength: 90 },
  ),
  previousMedications: fc.array(
    fc.string().map((name) => asId<DrugId>(name)),
    { maxLength: 90 },
  ),
});

describe('encoding', () => {
  it('accepts anything in the visit format, and gives no id twice', () => {
    fc.assert(
      fc.property(anyContext, (context) => {
        const { ids, weights } = encoder.encode(context);
        expect(new Set(ids).size).toBe(ids.length);
        expect(weights.length).toBe(ids.length);
        expect(weights.every((weight) => weight > 0 && weight <= 1)).toBe(true);
        expect(ids.every((id) => id >= 0 && id < vocabulary.features.length)).toBe(true);
      }),
    );
  });

  it('does not depend on the order of anything but the first diagnosis and reason', () => {
    const several = {
      ...visit,
      chronic: ['A', 'B'],
      currentMedications: ['aspirin', 'metformin'].map(asId<DrugId>),
    };
    const turned = {
      ...several,
      chronic: ['B', 'A'],
      currentMedications: several.currentMedications.toReversed(),
    };
    expect(new Set(namesOf(several))).toEqual(new Set(namesOf(turned)));
  });

  it('shares an age between the two knots around it, weights summing to 1', () => {
    const features = describeVisit(
      { ...visit, age: 62 },
      codeFamilies(tables, () => 0),
      2008,
    );
    const shares = features.filter(({ key }) => /^age:[\d.]+$/.test(key)).map(({ weight }) => weight);
    expect(shares.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    expect(shares.length).toBe(2);
  });

  it('reads later years as of the last training year', () => {
    expect(namesOf({ ...visit, year: 2031 })).toContain('year:2008');
    expect(vocabulary.features).not.toContain('year:2009');
  });

  it('reads an ICD-10 code through the family of its ICD-9 counterpart', () => {
    const icd10 = { ...visit, diagnoses: [{ system: 'ICD-10-CM' as const, code: 'E119' }] };
    expect(new Set(namesOf(icd10))).toEqual(new Set(namesOf(visit)));
    // the 2016 survey cuts codes to four characters
    const cut = { ...visit, diagnoses: [{ system: 'ICD-10-CM' as const, code: 'J459' }] };
    expect(namesOf(cut)).toContain('dx3:493');
  });

  it('tells a code read through its family from one it cannot read at all', () => {
    const encoded = encoder.encode({
      ...visit,
      diagnoses: ['25000', '25061', '78001', 'ZZZ'].map((code) => ({ system: 'ICD-9-CM', code })),
      chronic: ['NOSUCHFLAG'],
    });
    expect(encoded.generalisedCodes).toEqual(['25061']);
    expect(encoded.unknownCodes).toEqual(['78001', 'ZZZ', 'NOSUCHFLAG']);
  });

  it('never sees the drugs of the visit', () => {
    const families = new Set(prepared.train.ids.map((id) => id));
    for (const id of families) {
      const family = familyOf(vocabulary.features[id]!);
      expect(family === 'current-medication' || family === 'previous-medication').toBe(false);
    }
  });
});

describe('vocabulary', () => {
  it('has a hash that changes with its content', () => {
    const changed = { ...vocabulary, lastYear: 2007 };
    expect(vocabularyHash(changed)).not.toBe(vocabularyHash(vocabulary));
    expect(vocabularyHash({ ...vocabulary })).toBe(vocabularyHash(vocabulary));
  });
});
