import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../flame/lists/decoding.ts';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import {
  NO_MEASUREMENTS,
  NOT_RECORDED,
  type ClinicalContext,
  type Measurements,
} from '../../shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { interactionsWithin } from '../../shared/interactions.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { DecisionHabits } from './decision-habits.ts';
import { contextHash, Recommender, type RecommendInput, type VisitModel } from './recommend.ts';

const knowledge = loadKnowledge(resolve(import.meta.dirname, '../../../resources/knowledge'));
const drug = (name: string): DrugId => asId<DrugId>(name);

/** Probabilities by name: what recommend() makes of them is under test, not the model. */
function modelOf(scores: Readonly<Record<string, number>>, unknownCodes: readonly string[] = []): VisitModel {
  return {
    name: 'stub',
    version: '1',
    formulary: Object.keys(scores).map(drug),
    front: null,
    score: () => Promise.resolve({ probabilities: Object.values(scores), unknownCodes }),
    lists: (_, problem) => Promise.resolve(decode(problem)),
  };
}

const CONTEXT: ClinicalContext = {
  year: 2009,
  age: 60,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: [],
  diagnoses: [{ system: 'ICD-9-CM', code: '42731' }],
  chronic: [],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};

function visitOf(context: Partial<ClinicalContext> = {}, allergies: readonly string[] = []): RecommendInput {
  return {
    ...NOT_RECORDED,
    notes: '',
    id: asId<VisitId>('v'),
    context: { ...CONTEXT, ...context },
    allergies,
  };
}

function recommend(
  scores: Readonly<Record<string, number>>,
  visit = visitOf(),
  unknownCodes: readonly string[] = [],
): Promise<Recommendation> {
  return new Recommender(knowledge, modelOf(scores, unknownCodes)).recommend(visit);
}

const exclusions = (reply: Recommendation): Record<string, unknown> =>
  Object.fromEntries(
    reply.candidates.filter((c) => c.exclusions.length > 0).map((c) => [c.drug.id, c.exclusions]),
  );

describe('recommend', () => {
  it('scores the whole formulary and names every drug that an allergy excludes', async () => {
    const reply = await recommend({ warfarin: 0.8, amoxicillin: 0.001 }, visitOf({}, ['penicillin']));
    expect(reply.scores).toEqual({ warfarin: 0.8, amoxicillin: 0.001 });
    expect(reply.allergens).toContainEqual({ drug: 'amoxicillin', allergy: 'penicillin' });
    expect(reply.allergens).toContainEqual({ drug: 'dicloxacillin', allergy: 'penicillin' }); // outside this formulary
  });

  it('proposes the interacting drugs at accuracy and gives them up toward safety', async () => {
    const reply = await recommend({ warfarin: 0.8, amiodarone: 0.7, metoprolol: 0.5, digoxin: 0.02 });
    const [first, last] = [reply.grid[0]!, reply.grid.at(-1)!];
    expect(first.list).toEqual(expect.arrayContaining(['warfarin', 'amiodarone']));
    expect(first.interactionCount).toBeGreaterThan(0);
    expect(last.interactionCount).toBe(0);
    expect(last.list).toContain('warfarin');
    expect(reply.interactions.some(({ a, b }) => a === 'amiodarone' && b === 'warfarin')).toBe(true);
  });

  it('counts pairs with current medications, and agrees with the interactions it sends', async () => {
    const visit = visitOf({ currentMedications: [drug('warfarin')] });
    const reply = await recommend({ amiodarone: 0.8, metformin: 0.7, naproxen: 0.4 }, visit);
    for (const { list, interactionCount } of reply.grid) {
      const inPlay = [...list, drug('warfarin')];
      expect(interactionsWithin(reply.interactions, inPlay, 2)).toHaveLength(interactionCount);
    }
    expect(reply.grid[0]!.list).toContain('amiodarone');
    expect(reply.grid.at(-1)!.list).toEqual(['metformin']);
  });

  it('never proposes what is contraindicated with a current medication, taken, duplicated, or an allergy', async () => {
    const visit = visitOf({ currentMedications: ['nitroglycerin', 'atorvastatin'].map(drug) }, [
      'Penicillin',
    ]);
    const reply = await recommend(
      { sildenafil: 0.9, atorvastatin: 0.9, simvastatin: 0.9, amoxicillin: 0.9, azithromycin: 0.1 },
      visit,
    );
    expect(exclusions(reply)).toMatchObject({
      sildenafil: [{ kind: 'contraindicated-pair', with: 'nitroglycerin' }],
      atorvastatin: [{ kind: 'already-taken' }],
      simvastatin: [{ kind: 'duplicate-class', with: 'atorvastatin', drugClass: 'statins' }],
      amoxicillin: [{ kind: 'allergy', allergy: 'Penicillin' }],
    });
    for (const { list } of reply.grid) {
      for (const excluded of ['sildenafil', 'atorvastatin', 'simvastatin', 'amoxicillin']) {
        expect(list).not.toContain(excluded);
      }
    }
  });

  it('says what keeps a drug off a list that its contraindicated partner stands on', async () => {
    const reply = await recommend({
      'isosorbide mononitrate': 0.9,
      sildenafil: 0.6,
      simvastatin: 0.5,
      lovastatin: 0.4,
    });
    expect(exclusions(reply)).toEqual({
      sildenafil: [{ kind: 'contraindicated-pair', with: 'isosorbide mononitrate' }],
      lovastatin: [{ kind: 'duplicate-class', with: 'simvastatin', drugClass: 'statins' }],
    });
  });

  it('warns of everything it cannot answer for', async () => {
    const reply = await recommend(
      { metformin: 0.5 },
      visitOf({ age: 9, setting: 'inpatient', diagnoses: [], currentMedications: [drug('lepirudin')] }, [
        'House dust mite',
      ]),
      ['ZZ9'],
    );
    expect(reply.warnings).toEqual(
      expect.arrayContaining([
        { kind: 'outside-training-population', reason: 'inpatient' },
        { kind: 'outside-training-population', reason: 'paediatric' },
        { kind: 'outside-training-population', reason: 'no-diagnosis' },
        { kind: 'allergy-not-understood', entries: ['House dust mite'] },
        { kind: 'current-medication-outside-formulary', drugs: ['lepirudin'] },
        { kind: 'unknown-codes', codes: ['ZZ9'] },
      ]),
    );
    expect((await recommend({ metformin: 0.5 })).warnings).toEqual([]);
  });

  it('keeps a medication that no table knows in view, as not covered', async () => {
    const reply = await recommend({ metformin: 0.5 }, visitOf({ currentMedications: [drug('unobtainium')] }));
    expect(reply.currentMedications).toEqual([{ id: 'unobtainium', name: 'unobtainium', drugClass: null }]);
    expect(reply.notCovered).toContain('unobtainium');
    expect(reply.warnings).toContainEqual({ kind: 'not-covered', drugs: ['unobtainium'] });
  });

  it('holds every listed drug among its candidates, ranked, for any probabilities', async () => {
    const names = knowledge.drugs.all.filter(({ visits }) => visits > 2000).map(({ id }) => id);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
          minLength: names.length,
          maxLength: names.length,
        }),
        fc.subarray(names, { maxLength: 12 }),
        async (probabilities, current) => {
          const scores = Object.fromEntries(names.map((name, i) => [name, probabilities[i]!]));
          const reply = await recommend(scores, visitOf({ currentMedications: current }));
          const candidates = reply.candidates.map((candidate) => candidate.drug.id);
          const excluded = new Set(
            reply.candidates.filter((c) => c.exclusions.length > 0).map((c) => c.drug.id),
          );
          expect(reply.candidates.map((c) => c.probability)).toEqual(
            reply.candidates.map((c) => c.probability).sort((a, b) => b - a),
          );
          for (const { list } of reply.grid) {
            expect(candidates).toEqual(expect.arrayContaining([...list]));
            expect(list.filter((name) => excluded.has(name) || current.includes(name))).toEqual([]);
            expect(
              knowledge.interactions
                .among([...list, ...current], 4)
                .filter(({ a, b }) => list.includes(a) || list.includes(b)),
            ).toEqual([]);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('recommend with the habits of a clinic', () => {
  const SCORES = { amoxicillin: 0.05, warfarin: 0.05, amiodarone: 0.1, sildenafil: 0.05, metoprolol: 0.5 };

  /** A clinic that decided for these drugs at 30 visits. */
  function clinicOf(...final: string[]): DecisionHabits {
    const habits = new DecisionHabits(Object.keys(SCORES).map(drug), (id) => knowledge.drugs.canonical(id));
    for (let visit = 0; visit < 30; visit += 1) {
      habits.count({
        visitId: asId<VisitId>(`w${visit}`),
        recommendation: { scores: SCORES, candidates: [], allergens: [], currentMedications: [] },
        proposed: [],
        final: final.map(drug),
      });
    }
    return habits;
  }
  const habits = clinicOf('amoxicillin', 'warfarin', 'amiodarone', 'sildenafil');

  it('proposes what the clinic prescribes, and keeps the scores of the model', async () => {
    const recommender = new Recommender(knowledge, modelOf(SCORES));
    const [plain, moved] = [
      await recommender.recommend(visitOf()),
      await recommender.recommend(visitOf(), { habits }),
    ];
    expect(plain.grid[0]!.list).toEqual(['metoprolol']);
    expect(moved.grid[0]!.list).toEqual(expect.arrayContaining(['amoxicillin', 'amiodarone', 'warfarin']));
    expect(moved.scores).toEqual(plain.scores);
    const off = await recommender.recommend(visitOf(), { habits, useHabits: false });
    expect(off).toEqual({
      ...plain,
      id: off.id,
      createdAt: off.createdAt,
      habits: { ...plain.habits, decisions: 30 },
    });
  });

  it('changes no hard rule and no promise of the slider', async () => {
    const visit = visitOf({ currentMedications: [drug('nitroglycerin')] }, ['penicillin']);
    const reply = await new Recommender(knowledge, modelOf(SCORES)).recommend(visit, { habits });
    expect(exclusions(reply)).toMatchObject({
      amoxicillin: [{ kind: 'allergy', allergy: 'penicillin' }],
      sildenafil: [{ kind: 'contraindicated-pair', with: 'nitroglycerin' }],
    });
    const counts = reply.grid.map(({ interactionCount }) => interactionCount);
    expect(counts[0]).toBeGreaterThan(0); // amiodarone with warfarin
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(counts.at(-1)).toBe(0);
    for (const { list } of reply.grid) {
      expect(list).not.toContain('amoxicillin');
      expect(list).not.toContain('sildenafil');
    }
  });
});

describe('contextHash', () => {
  it('does not depend on the order of the fields, and changes with any content', () => {
    const { year, ...rest } = CONTEXT;
    const base = visitOf();
    const same = contextHash({ ...base, context: { ...rest, year } });
    expect(same).toBe(contextHash(base));
    expect(same).not.toBe(contextHash(visitOf({ age: 61 })));
    expect(same).not.toBe(contextHash(visitOf({}, ['aspirin'])));
    expect(same).not.toBe(contextHash(visitOf({ chronic: ['HTN'] })));
  });

  it('changes with each fact that a rule reads, and not with one that none reads', () => {
    const measured = (facts: Partial<Measurements>) =>
      contextHash({ ...visitOf(), measurements: { ...NO_MEASUREMENTS, ...facts } });
    const hashes = [
      contextHash(visitOf()),
      contextHash({ ...visitOf(), pregnancy: 'pregnant' }),
      contextHash({ ...visitOf(), pregnancy: 'not-pregnant' }),
      contextHash({ ...visitOf(), lactation: 'lactating' }),
      measured({ creatinine: 1.1 }),
      measured({ creatinine: 1.2 }),
      measured({ weight: 70 }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(measured({ systolic: 150 })).toBe(hashes[0]);
  });
});
