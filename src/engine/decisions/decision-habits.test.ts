import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { probabilityOf, type Recommendation } from '../../shared/recommendation.ts';
import { DecisionHabits, type DecidedVisit } from './decision-habits.ts';

const FORMULARY = ['metformin', 'amoxicillin', 'warfarin', 'cholecalciferol'].map(asId<DrugId>);
/** The tables call the last one by its other name. */
const canonical = (drug: DrugId): DrugId => (drug === 'vitamin d3' ? asId<DrugId>('cholecalciferol') : drug);
const canonicalName = (name: string): DrugId => canonical(asId<DrugId>(name));
const SCORES: Recommendation['scores'] = {
  metformin: 0.5,
  amoxicillin: 0.25,
  warfarin: 0.25,
  cholecalciferol: 0,
};
const PROBABILITIES = Object.values(SCORES);

function decided(
  visit: string,
  final: readonly string[],
  recommendation: Partial<DecidedVisit['recommendation']> = {},
  proposed?: readonly DrugId[],
): DecidedVisit {
  return {
    visitId: asId<VisitId>(visit),
    recommendation: {
      scores: SCORES,
      candidates: [],
      allergens: [],
      currentMedications: [],
      ...recommendation,
    },
    // All that is on the list was added by hand, all that is not was taken off: every drug speaks for itself.
    proposed: proposed ?? FORMULARY.filter((drug) => !final.map(canonicalName).includes(drug)),
    final: final.map(asId<DrugId>),
  };
}

function habitsOf(visits: readonly DecidedVisit[], window?: number): DecisionHabits {
  const habits = new DecisionHabits(FORMULARY, canonical, window);
  for (const visit of visits) habits.count(visit);
  return habits;
}

const factors = (habits: DecisionHabits, visit = 'new'): number[] =>
  Array.from(habits.adjust(asId<VisitId>(visit), PROBABILITIES).factors);

const close = (values: readonly number[]): unknown[] =>
  values.map((value): unknown => expect.closeTo(value, 12));

describe('habits of decisions', () => {
  it('are those worked by hand', () => {
    const habits = habitsOf([decided('a', ['metformin', 'vitamin d3']), decided('b', ['metformin'])]);
    // τ = 0.5: metformin (2 + 0.5)/(1 + 0.5); amoxicillin and warfarin 0.5/(0.5 + 0.5); the last 1.5/0.5.
    const hand = [5 / 3, 1 / 2, 1 / 2, 3];
    expect(factors(habits)).toEqual(close(hand));
    const { decisions, probabilities } = habits.adjust(asId<VisitId>('new'), PROBABILITIES);
    expect(decisions).toBe(2);
    expect(probabilities[0]).toBeCloseTo(5 / 8, 6); // odds 1 · 5/3
    expect(probabilities[1]).toBeCloseTo(1 / 7, 6); // odds 1/3 · 1/2
    expect(probabilities[3]).toBe(0);
  });

  it('count the latest decision of a visit, and never for the visit itself', () => {
    const once = habitsOf([decided('a', ['metformin']), decided('b', ['warfarin'])]);
    const again = habitsOf([
      decided('a', ['amoxicillin', 'warfarin']),
      decided('b', ['warfarin']),
      decided('a', ['metformin']),
    ]);
    expect(factors(again)).toEqual(close(factors(once)));
    const all = factors(once);
    const others = factors(habitsOf([decided('b', ['warfarin'])]));
    expect(factors(once, 'a')).toEqual(close(others));
    expect(factors(once)).toEqual(all); // asking for one visit takes nothing from the others
    expect(all).not.toEqual(others);
    expect(habitsOf([decided('a', ['metformin'])]).adjust(asId<VisitId>('a'), PROBABILITIES).decisions).toBe(
      0,
    );
  });

  it('expect nothing of a drug that the visit barred, so that its absence says nothing', () => {
    const name = (drug: string) => ({ id: asId<DrugId>(drug), name: drug, drugClass: null });
    const barred = decided('a', [], {
      currentMedications: [name('metformin')],
      allergens: [{ drug: asId<DrugId>('amoxicillin'), allergy: 'penicillin' }],
      candidates: [
        {
          drug: name('warfarin'),
          probability: 0.25,
          habitFactor: 1,
          exclusions: [{ kind: 'contraindicated-pair', with: asId<DrugId>('metformin') }],
        },
      ],
    });
    expect(factors(habitsOf([barred]))).toEqual([1, 1, 1, 1]);
    const { recommendation } = barred;
    const onlyList = { ...recommendation, currentMedications: [], allergens: [] };
    // A partner on the list, not a current medication: the physician could have taken the other one.
    expect(factors(habitsOf([decided('a', [], onlyList)]))[2]).toBeCloseTo(0.5 / 0.75, 12);
    // Added by hand in spite of the allergy: decided after all, and expected as the model expected it.
    const added = decided('a', ['amoxicillin'], recommendation);
    expect(factors(habitsOf([added]))[1]).toBeCloseTo(1.5 / 0.75, 12);
  });

  it('hardly follow lists that were accepted as proposed', () => {
    const proposed = FORMULARY.slice(0, 1);
    const accepted = Array.from({ length: 200 }, (_, i) => decided(`v${i}`, ['metformin'], {}, proposed));
    const [kept, left] = factors(habitsOf(accepted)); // ¼·1 + ¾·0.5 of 0.5, and ¾ of 0.25
    expect(kept).toBeCloseTo((200 * 0.625 + 0.5) / (200 * 0.5 + 0.5), 10);
    expect(left).toBeCloseTo((200 * 0.1875 + 0.5) / (200 * 0.25 + 0.5), 10);
  });

  it('forget the oldest visits beyond the window', () => {
    const visits = ['a', 'b', 'c', 'a'].map((visit, i) =>
      decided(visit, [i === 1 ? 'warfarin' : 'metformin']),
    );
    const kept = habitsOf([decided('c', ['metformin']), decided('a', ['metformin'])]);
    expect(factors(habitsOf(visits, 2))).toEqual(close(factors(kept)));
    expect(habitsOf(visits, 2).adjust(asId<VisitId>('new'), PROBABILITIES).decisions).toBe(2);
  });

  it('ignore scores of another formulary and drugs outside it', () => {
    const { metformin: _, ...fewer } = SCORES;
    expect(factors(habitsOf([decided('a', ['warfarin'], { scores: fewer })]))).toEqual([1, 1, 1, 1]);
    expect(factors(habitsOf([decided('a', ['unobtainium'])]))[2]).toBeLessThan(1);
  });

  it('give the probability that probabilityOf finds in a reply', () => {
    const visit = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      final: fc.subarray([...FORMULARY]),
    });
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 30 }), (visits) => {
        const habits = habitsOf(visits.map(({ id, final }) => decided(id, final)));
        const adjusted = habits.adjust(asId<VisitId>('d'), PROBABILITIES);
        const byDrug = Object.fromEntries(FORMULARY.map((drug, i) => [drug, adjusted.factors[i]!]));
        const reply = { scores: SCORES, habits: { decisions: 1, used: true, factors: byDrug } };
        FORMULARY.forEach((drug, i) =>
          expect(adjusted.probabilities[i]).toBeCloseTo(probabilityOf(reply, drug)!, 6),
        );
      }),
    );
    expect(
      probabilityOf(
        { scores: SCORES, habits: { decisions: 0, used: false, factors: {} } },
        asId<DrugId>('x'),
      ),
    ).toBe(null);
  });
});
