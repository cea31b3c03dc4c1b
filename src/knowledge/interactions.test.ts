import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Interaction } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import { drug, shippedKnowledge } from './fixture.ts';

const knowledge = shippedKnowledge();
const { drugs, interactions } = knowledge;

function found(a: string, b: string): Interaction {
  const answer = interactions.between(drug(a), drug(b));
  if (answer.state !== 'found') throw new Error(`${a} + ${b}: ${answer.state}`);
  return answer.interaction;
}

describe('the textbook pairs', () => {
  test.each([
    ['warfarin', 'amiodarone'],
    ['warfarin', 'fluconazole'],
    ['simvastatin', 'clarithromycin'],
    ['sildenafil', 'nitroglycerin'],
    ['methotrexate', 'trimethoprim'],
    ['spironolactone', 'lisinopril'],
    ['tramadol', 'sertraline'],
    ['linezolid', 'fluoxetine'],
    ['digoxin', 'amiodarone'],
    ['clopidogrel', 'omeprazole'],
    ['lithium', 'ibuprofen'],
    ['haloperidol', 'azithromycin'],
    ['potassium chloride', 'lisinopril'],
    ['hydrocodone', 'alprazolam'],
  ])('%s + %s is found at 2 or above, with a source that says what to do', (a, b) => {
    const pair = found(a, b);
    expect(pair.severity).toBeGreaterThanOrEqual(2);
    expect(pair.sources.some(({ management }) => management !== undefined)).toBe(true);
  });

  test('metformin + aspirin: both covered, none recorded', () => {
    expect(interactions.covers(drug('metformin'))).toBe(true);
    expect(interactions.covers(drug('aspirin'))).toBe(true);
    expect(interactions.between(drug('metformin'), drug('aspirin'))).toEqual({ state: 'none-recorded' });
  });
});

describe('the holes that the data notes name', () => {
  test.each([
    ['ibuprofen', 'warfarin', 3],
    ['naproxen', 'clopidogrel', 2],
    ['digoxin', 'verapamil', 2],
    ['digoxin', 'clarithromycin', 2],
    ['sumatriptan', 'sertraline', 2],
    ['phenelzine', 'meperidine', 4],
    ['phenelzine', 'pseudoephedrine', 4],
    ['amiodarone', 'levofloxacin', 3],
    ['citalopram', 'azithromycin', 2],
    ['potassium chloride', 'spironolactone', 3],
    ['losartan', 'trimethoprim', 2],
    ['ketoconazole', 'lovastatin', 4],
    ['rifampin', 'ethinyl estradiol', 3],
    ['methotrexate', 'ibuprofen', 2],
    ['simvastatin', 'amlodipine', 2],
    ['warfarin', 'ciprofloxacin', 2],
    ['warfarin', 'metronidazole', 3],
    ['lithium', 'hydrochlorothiazide', 3],
    ['lithium', 'lisinopril', 2],
    ['tadalafil', 'isosorbide mononitrate', 4],
    ['levothyroxine', 'calcium carbonate', 2],
    ['ciprofloxacin', 'ferrous sulfate', 2],
    ['theophylline', 'ciprofloxacin', 3],
    ['allopurinol', 'azathioprine', 3],
    ['lisinopril', 'enalapril', 3],
    ['sertraline', 'fluoxetine', 3],
    ['ibuprofen', 'naproxen', 3],
    ['fentanyl', 'lorazepam', 3],
    ['gabapentin', 'oxycodone', 2],
    ['lisinopril', 'losartan', 3],
  ])('%s + %s is found at %i or above', (a, b, severity) => {
    expect(found(a, b).severity).toBeGreaterThanOrEqual(severity);
  });

  test.each([
    ['metoprolol', 'lisinopril'],
    ['hydrochlorothiazide', 'lisinopril'],
    ['amoxicillin', 'clavulanic acid'],
    ['acetaminophen', 'hydrocodone'],
    ['sulfamethoxazole', 'trimethoprim'],
    ['carbidopa', 'levodopa'],
    ['albuterol', 'fluticasone'],
    ['atorvastatin', 'ezetimibe'],
    ['metformin', 'glipizide'],
  ])('%s + %s, prescribed together every day, is not rated 2 or above', (a, b) => {
    expect(interactions.severity(drug(a), drug(b))).toBeLessThan(2);
  });
});

describe('three answers', () => {
  test('an uncovered drug is named, never called safe', () => {
    const uncovered = drugs.all.find(({ covered }) => !covered)!.id;
    expect(interactions.between(drug('warfarin'), uncovered)).toEqual({
      state: 'not-covered',
      drugs: [uncovered],
    });
    expect(interactions.between(drug('unheard of'), uncovered)).toEqual({
      state: 'not-covered',
      drugs: ['unheard of', uncovered],
    });
    expect(interactions.notCovered([drug('warfarin'), uncovered])).toEqual([uncovered]);
  });

  test('a retired id is answered for under the id that was asked', () => {
    const answer = interactions.between(drug('s'), drug('chlorphenamine'));
    expect(answer.state).not.toBe('found');
    const pair = interactions.among([drug('chlorphenamine'), drug('isocarboxazid')]);
    for (const { a, b } of pair) expect([a, b]).toContain('chlorphenamine');
  });
});

describe('merging', () => {
  const pairs = [...interactions.pairs()];
  const anyPair = fc.constantFrom(...pairs);

  test('a pair is as severe as its most severe source that is not set aside', () => {
    const wrong = pairs.filter(({ a, b, severity }) => {
      const { sources, disputed } = found(a, b);
      const levels = sources
        .filter(({ setAside }) => setAside === undefined)
        .map((source) => source.severity);
      const isDisputed = Math.max(...levels) - Math.min(...levels) >= 2;
      const distinct = new Set(sources.map(({ source }) => source)).size === sources.length;
      return Math.max(...levels) !== severity || disputed !== isDisputed || !distinct;
    });
    expect(wrong).toEqual([]);
  });

  test('every source names where it comes from and its own level', () => {
    const sources = pairs.flatMap(({ a, b }) => found(a, b).sources);
    const nameless = sources.filter(
      ({ citation, nativeSeverity, severity }) =>
        citation === '' || nativeSeverity === '' || !(severity >= 1 && severity <= 4),
    );
    expect(nameless).toEqual([]);
  });

  test('an unreviewed label pair counts as 3 at most by itself, and says that it is unreviewed', () => {
    const unreviewed = pairs
      .map(({ a, b }) => found(a, b))
      .filter(({ sources }) => sources.some((one) => !one.reviewed));
    expect(unreviewed.length).toBeGreaterThan(100);
    const mined = unreviewed.flatMap(({ sources }) => sources.filter(({ reviewed }) => !reviewed));
    expect(new Set(mined.map(({ source, severity }) => `${source} ${severity}`))).toEqual(
      new Set(['fda-label 3']),
    );
    expect(mined.every(({ nativeSeverity }) => nativeSeverity.includes('unreviewed'))).toBe(true);
  });

  test('the order of the two drugs does not matter', () => {
    fc.assert(
      fc.property(anyPair, ({ a, b }) => {
        expect(interactions.between(a, b)).toEqual(interactions.between(b, a));
        expect(interactions.severity(a, b)).toBe(interactions.severity(b, a));
      }),
    );
  });

  test('among a list equals asking for every pair', () => {
    const ids = drugs.all.filter(({ visits }) => visits > 1000).map(({ id }) => id);
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 9 }), (list: DrugId[]) => {
        const one = new Set(interactions.among(list).map(({ a, b }) => `${a} ${b}`));
        const all = new Set<string>();
        for (const a of list)
          for (const b of list) if (a < b && interactions.severity(a, b) > 0) all.add(`${a} ${b}`);
        expect(one).toEqual(all);
      }),
    );
  });

  test('a drug never interacts with itself', () => {
    expect(pairs.filter(({ a, b }) => a >= b)).toEqual([]);
  });

  test('a statement that was set aside stays visible with its reason', () => {
    const label = found('digoxin', 'diltiazem').sources.find(({ source }) => source === 'fda-label');
    expect(label?.setAside).toContain('accessory pathway');
    expect(found('digoxin', 'diltiazem').severity).toBe(2);
    const combined = interactions.setAside(drug('trimethoprim'), drug('sulfamethoxazole'));
    expect(combined.map(({ source, severity }) => [source, severity])).toEqual([['ndf-rt', 3]]);
    expect(combined[0]?.setAside).toContain('one product');
    expect(interactions.setAside(drug('warfarin'), drug('aspirin'))).toEqual([]);
  });
});

describe('class rules', () => {
  const rules = [...knowledge.rules().values()];

  test('every rule cites something and says what may happen and what to do', () => {
    expect(rules.length).toBeGreaterThanOrEqual(40);
    for (const rule of rules) {
      expect(rule.citations.length, rule.id).toBeGreaterThan(0);
      for (const text of [rule.mechanism, rule.effect, rule.management, ...rule.citations]) {
        expect(text.length, rule.id).toBeGreaterThan(4);
      }
    }
  });

  test('every rule acts in the table, at its own level', () => {
    const acting = new Map<string, Set<number>>();
    for (const { a, b } of interactions.pairs()) {
      for (const { source, severity } of found(a, b).sources) {
        if (source.startsWith('rule:')) acting.set(source, (acting.get(source) ?? new Set()).add(severity));
      }
    }
    const expected = new Map(rules.map((rule) => [`rule:${rule.id}`, new Set([rule.severity])]));
    expect(new Map([...acting].sort())).toEqual(new Map([...expected].sort()));
  });
});
