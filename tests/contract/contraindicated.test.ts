/** No list, at any slider position, holds a drug that the checks call contraindicated for the same visit by a cited rule. */

import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Checker } from '../../src/checks/checker.ts';
import { factsOf } from '../../src/checks/facts.ts';
import { openModel, type OpenModel } from '../../src/engine/models/model.ts';
import { forbids } from '../../src/engine/decisions/patient-exclusions.ts';
import { Recommender, type RecommendInput } from '../../src/engine/decisions/recommend.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { NO_MEASUREMENTS, NOT_RECORDED, type ClinicalContext } from '../../src/shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';

const root = resolve(import.meta.dirname, '../..');
const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
const checker = new Checker(knowledge);
const drug = (name: string): DrugId => asId<DrugId>(name);

const DIABETIC: ClinicalContext = {
  year: 2024,
  age: 58,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: [],
  diagnoses: [
    { system: 'ICD-10-CM', code: 'E119' },
    { system: 'ICD-10-CM', code: 'I10' },
  ],
  chronic: ['DIABETES', 'HTN'],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};
const VISIT: RecommendInput = {
  ...NOT_RECORDED,
  notes: '',
  id: asId<VisitId>('v'),
  context: DIABETIC,
  allergies: [],
};

let model: OpenModel;
let recommender: Recommender;
beforeAll(async () => {
  model = await openModel(join(root, 'models'), SHIPPED_PACK, knowledge);
  recommender = new Recommender(knowledge, model);
}, 60_000);
afterAll(() => model.close());

async function metformin(visit: RecommendInput) {
  const { grid, candidates } = await recommender.recommend(visit);
  return {
    proposed: grid.some(({ list }) => list.includes(drug('metformin'))),
    exclusions: candidates.find((candidate) => candidate.drug.id === 'metformin')!.exclusions,
  };
}

describe('a rule of severity 4', () => {
  it('takes metformin off every list when the kidneys fail, and says why with its source', async () => {
    expect(await metformin(VISIT)).toEqual({ proposed: true, exclusions: [] });
    const failing = { ...VISIT, measurements: { ...NO_MEASUREMENTS, creatinine: 3.4 } };
    const { proposed, exclusions } = await metformin(failing);
    expect(proposed).toBe(false);
    expect(exclusions).toMatchObject([{ kind: 'patient-rule', check: 'renal-function' }]);
    const [rule] = exclusions;
    expect(rule).toHaveProperty('because', expect.stringMatching(/^eGFR \d+ mL\/min\/1\.73 m²/));
    expect(rule).toHaveProperty('source', expect.stringContaining('label'));
  });

  it('holds for every visit: what the checks forbid by a cited rule stands on no list', async () => {
    const codes = [
      'E119',
      'I10',
      'J45909',
      'O0990',
      'Z3A20',
      'F0390',
      'N185',
      'G43909',
      'M545',
      'N390',
      'E785',
    ];
    const visit = fc.record({
      age: fc.integer({ min: 0, max: 100 }),
      sex: fc.constantFrom('F', 'M', 'unknown' as const),
      diagnoses: fc.subarray(codes, { minLength: 1, maxLength: 5 }),
      pregnancy: fc.constantFrom('pregnant', 'not-pregnant', 'unknown' as const),
      lactation: fc.constantFrom('lactating', 'not-lactating', 'unknown' as const),
      creatinine: fc.option(fc.double({ min: 0.3, max: 9, noNaN: true })),
      weight: fc.option(fc.double({ min: 20, max: 140, noNaN: true })),
      allergies: fc.subarray(['penicillin', 'sulfa', 'aspirin', 'codeine', 'cephalexin'], { maxLength: 2 }),
      current: fc.subarray(['warfarin', 'metformin', 'lisinopril', 'nitroglycerin'], { maxLength: 2 }),
    });
    let forbidden = 0;
    await fc.assert(
      fc.asyncProperty(visit, async ({ age, sex, diagnoses, creatinine, weight, current, ...rest }) => {
        const asked: RecommendInput = {
          ...VISIT,
          ...rest,
          context: {
            ...DIABETIC,
            age,
            sex,
            chronic: [],
            diagnoses: diagnoses.map((code) => ({ system: 'ICD-10-CM', code })),
            currentMedications: current.map(drug),
          },
          measurements: { ...NO_MEASUREMENTS, creatinine, weight },
        };
        const { grid } = await recommender.recommend(asked);
        const listed = [...new Set(grid.flatMap(({ list }) => list))];
        const { findings } = checker.check(factsOf(asked), listed);
        const against = findings.filter((finding) => forbids(finding) && listed.includes(finding.drugs[0]!));
        expect(against).toEqual([]);
        const all = checker.check(factsOf(asked), model.formulary).findings;
        forbidden += all.filter(forbids).length;
      }),
      { numRuns: 60 },
    );
    expect(forbidden).toBeGreaterThan(60); // The rules spoke: the property is not empty.
  }, 120_000);
});
