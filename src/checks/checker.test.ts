/** Properties of all checks together: locality, order, failure of one, attention. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drug, shippedKnowledge } from '../knowledge/fixture.ts';
import { attentionOf, CHECKS, findingKey, findingsWithin, type Finding } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import { ALL_CHECKS, Checker } from './checker.ts';
import type { PatientFacts } from './facts.ts';
import { icd10, NOBODY, shippedChecker } from './testing.ts';

/** Often used drugs, those with rules, and a few that no table covers. */
const POOL: readonly DrugId[] = [
  ...shippedKnowledge()
    .drugs.all.toSorted((a, b) => b.visits - a.visits)
    .slice(0, 150)
    .map(({ id }) => id),
  ...['methotrexate', 'lithium', 'isotretinoin', 'dofetilide', 'carboxymethylcellulose', 'no such drug'].map(
    drug,
  ),
];
const drugs = fc.uniqueArray(fc.constantFrom(...POOL), { maxLength: 12 });
const patient: fc.Arbitrary<PatientFacts> = fc.record({
  age: fc.integer({ min: 0, max: 100 }),
  ageMonths: fc.option(fc.integer({ min: 0, max: 23 })),
  sex: fc.constantFrom('F', 'M', 'unknown'),
  pregnancy: fc.constantFrom('pregnant', 'not-pregnant', 'unknown'),
  lactation: fc.constantFrom('lactating', 'not-lactating', 'unknown'),
  creatinine: fc.option(fc.double({ min: 0.3, max: 12, noNaN: true })),
  weight: fc.option(fc.integer({ min: 3, max: 200 })),
  diagnoses: fc
    .subarray(['J4520', 'I10', 'I509', 'N183', 'N185', 'F0390', 'G40909', 'K7030', 'Z3490', 'XX'])
    .map((codes) => icd10(...codes)),
  chronic: fc.subarray(['ASTHMA', 'CHF', 'CRF', 'nonsense']),
  allergies: fc.subarray(['penicillin', 'sulfa', 'NSAIDs', 'peanuts', '']),
  currentMedications: drugs,
});

const check = (facts: PatientFacts, list: readonly DrugId[]): readonly Finding[] =>
  shippedChecker().check(facts, list).findings;

describe('Checker', () => {
  it('says of a list what it says of any longer list, cut to the shorter one', () => {
    fc.assert(
      fc.property(patient, drugs, drugs, (facts, list, more) => {
        const long = check(facts, [...list, ...more]);
        const inPlay = [...list, ...facts.currentMedications];
        expect(findingsWithin(long, inPlay)).toEqual(check(facts, list));
      }),
      { numRuns: 150 },
    );
  });

  it('does not depend on the order of the list, nor on a drug that is named twice', () => {
    fc.assert(
      fc.property(patient, drugs, (facts, list) => {
        const once = check(facts, list);
        expect(check(facts, list.toReversed())).toEqual(once);
        expect(check(facts, [...list, ...list])).toEqual(once);
      }),
      { numRuns: 100 },
    );
  });

  it('breaks off at nothing, sorts the worst first and cites every finding', () => {
    fc.assert(
      fc.property(patient, drugs, (facts, list) => {
        const findings = check(facts, list);
        expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
        const levels = findings.map((finding) => (finding.state === 'found' ? finding.severity : 0));
        expect(levels).toEqual(levels.toSorted((a, b) => b - a));
        const found = findings.filter((finding) => finding.state === 'found');
        expect(new Set(found.map(findingKey)).size).toBe(found.length);
        for (const finding of found) {
          expect(finding.sources.length).toBeGreaterThan(0);
          for (const { citation, version } of finding.sources) expect(citation && version).not.toBe('');
          if (finding.label) {
            const { text, from, to } = finding.label;
            expect(text.slice(from, to).trim().length).toBe(to - from);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('says nothing of nothing', () => {
    expect(check(NOBODY, [])).toEqual([]);
  });

  it.each(CHECKS)('goes on when the check of %s breaks off, in making or in answering', (broken) => {
    const failing = () => {
      throw new Error('table is damaged');
    };
    const facts: PatientFacts = {
      ...NOBODY,
      age: 80,
      creatinine: 3,
      allergies: ['penicillin'],
      diagnoses: icd10('J4520'),
    };
    const list = ['metformin', 'ibuprofen', 'naproxen', 'amoxicillin', 'propranolol', 'warfarin'].map(drug);
    const whole = check(facts, list);
    for (const make of [failing, () => failing]) {
      const { findings } = new Checker(shippedKnowledge(), { ...ALL_CHECKS, [broken]: make }).check(
        facts,
        list,
      );
      expect(findings.filter(({ state }) => state === 'failed')).toEqual([
        { state: 'failed', check: broken, drugs: [], problem: 'table is damaged' },
      ]);
      const others = (all: readonly Finding[]) => all.filter((finding) => finding.check !== broken);
      expect(others(findings)).toEqual(others(whole));
    }
  });
});

describe('attention', () => {
  it('interrupts from 3, lists 2, folds 1', () => {
    expect(([1, 2, 3, 4] as const).map(attentionOf)).toEqual(['fold', 'list', 'interrupt', 'interrupt']);
  });
});
