/** What recommend() does with visits that no clinic would write on a good day: the shipped model, the shipped tables. */

import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type OpenModel } from '../../src/engine/models/model.ts';
import { Recommender, type RecommendInput } from '../../src/engine/decisions/recommend.ts';
import { ALPHA_GRID } from '../../src/flame/lists/decoding.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { type ClinicalContext, HARD_RULE_SEVERITY, NOT_RECORDED } from '../../src/shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import type { Recommendation, RecommendationWarning } from '../../src/shared/recommendation.ts';

const root = resolve(import.meta.dirname, '../..');
const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
const drug = (name: string): DrugId => asId<DrugId>(name);
const OUTSIDE = drug('ziconotide');

const EMPTY: ClinicalContext = {
  year: 2026,
  age: 50,
  sex: 'unknown',
  setting: 'unknown',
  specialty: null,
  reasons: [],
  diagnoses: [],
  chronic: [],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};
const visitOf = (context: Partial<ClinicalContext>, allergies: readonly string[] = []): RecommendInput => ({
  ...NOT_RECORDED,
  notes: '',
  id: asId<VisitId>('v'),
  context: { ...EMPTY, ...context },
  allergies,
});

let model: OpenModel;
let recommender: Recommender;
/** Codes, drugs and words as real visits have them, to be mixed with nonsense. */
let realDrugs: readonly DrugId[];

beforeAll(async () => {
  model = await openModel(join(root, 'models'), SHIPPED_PACK, knowledge);
  recommender = new Recommender(knowledge, model);
  realDrugs = [...model.formulary, OUTSIDE];
});
afterAll(() => model.close());

/** Everything that holds of every reply, whatever the visit. */
function check(visit: RecommendInput, reply: Recommendation): void {
  const current = new Set(visit.context.currentMedications);
  const formulary = new Set(model.formulary);
  const barred = new Set(reply.allergens.map((one) => one.drug));
  expect(reply.grid.map(({ alpha }) => alpha)).toEqual(ALPHA_GRID);
  let before = Infinity;
  for (const { list, interactionCount } of reply.grid) {
    expect(new Set(list).size).toBe(list.length);
    for (const one of list) {
      expect(formulary.has(one)).toBe(true);
      expect(current.has(one)).toBe(false);
      expect(barred.has(one)).toBe(false);
    }
    const together = [...list, ...current].map((one) => knowledge.drugs.canonical(one));
    for (const one of list)
      for (const other of together)
        expect(knowledge.interactions.severity(knowledge.drugs.canonical(one), other)).toBeLessThan(
          HARD_RULE_SEVERITY,
        );
    expect(interactionCount).toBeLessThanOrEqual(before);
    before = interactionCount;
  }
  for (const { probability } of reply.candidates) {
    expect(probability).toBeGreaterThanOrEqual(0);
    expect(probability).toBeLessThanOrEqual(1);
  }
  expect(JSON.parse(JSON.stringify(reply))).toEqual(reply); // nothing that the port or the database would lose
}

function warningsOf(reply: Recommendation): Map<RecommendationWarning['kind'], RecommendationWarning> {
  return new Map(reply.warnings.map((warning) => [warning.kind, warning]));
}

describe('recommend() on unusual visits', () => {
  it('names an unknown diagnosis code and still proposes', async () => {
    const visit = visitOf({
      diagnoses: [
        { system: 'ICD-10-CM', code: 'ZZ999' },
        { system: 'ICD-9-CM', code: '25000' },
      ],
    });
    const reply = await recommender.recommend(visit);
    check(visit, reply);
    expect(warningsOf(reply).get('unknown-codes')).toEqual({ kind: 'unknown-codes', codes: ['ZZ999'] });
  });

  it('answers an empty visit, and says that nothing is known of it', async () => {
    const visit = visitOf({});
    const reply = await recommender.recommend(visit);
    check(visit, reply);
    expect(reply.warnings).toEqual([{ kind: 'outside-training-population', reason: 'no-diagnosis' }]);
  });

  it('takes sixty diagnoses', async () => {
    const codes = ['25000', '4019', '2724', '53081', '311', '4011', '7140', '49390', '2449', '42731'];
    const diagnoses = Array.from({ length: 60 }, (_, i) => ({
      system: 'ICD-9-CM' as const,
      code: codes[i] ?? String(1000 + 37 * i),
    }));
    const visit = visitOf({ diagnoses });
    const reply = await recommender.recommend(visit);
    check(visit, reply);
    expect(reply.grid[0]!.list.length).toBeGreaterThan(0);
  });

  it('takes ninety current medications, and never repeats one', async () => {
    const visit = visitOf({
      diagnoses: [{ system: 'ICD-9-CM', code: '4019' }],
      currentMedications: model.formulary.slice(0, 90),
    });
    const reply = await recommender.recommend(visit);
    check(visit, reply);
    expect(reply.currentMedications).toHaveLength(90);
  });

  it('says that a current medication lies outside the formulary', async () => {
    expect(model.formulary).not.toContain(OUTSIDE);
    const visit = visitOf({
      diagnoses: [{ system: 'ICD-9-CM', code: '4019' }],
      currentMedications: [OUTSIDE],
    });
    const reply = await recommender.recommend(visit);
    check(visit, reply);
    expect(warningsOf(reply).get('current-medication-outside-formulary')).toEqual({
      kind: 'current-medication-outside-formulary',
      drugs: [OUTSIDE],
    });
  });

  it('keeps its promises for any mixture of real and senseless entries', async () => {
    const word = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('', '__proto__', '😀', 'V70', 'E119', '4019'),
    );
    const anyDrug = fc.oneof(
      fc.nat().map((i) => realDrugs[i % realDrugs.length]!),
      fc.string({ minLength: 1, maxLength: 10 }).map(drug),
    );
    const context = fc.record({
      year: fc.integer({ min: 1900, max: 2200 }),
      age: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.double()),
      sex: fc.constantFrom('F' as const, 'M' as const, 'unknown' as const),
      setting: fc.constantFrom('office' as const, 'inpatient' as const, 'unknown' as const),
      specialty: fc.option(word),
      reasons: fc.array(word, { maxLength: 20 }),
      diagnoses: fc.array(
        fc.record({ system: fc.constantFrom('ICD-9-CM' as const, 'ICD-10-CM' as const), code: word }),
        { maxLength: 60 },
      ),
      chronic: fc.array(word, { maxLength: 20 }),
      procedures: fc.array(word, { maxLength: 20 }),
      currentMedications: fc.array(anyDrug, { maxLength: 90 }),
      previousMedications: fc.array(anyDrug, { maxLength: 90 }),
    });
    const allergies = fc.array(fc.oneof(word, anyDrug), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(context, allergies, async (one, entries) => {
        const visit = visitOf(one, entries);
        check(visit, await recommender.recommend(visit));
      }),
      { numRuns: 60 },
    );
  });
});
