import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drug, shippedKnowledge } from './fixture.ts';

const { drugs } = shippedKnowledge();
const CORPUS = resolve(import.meta.dirname, '../../data/knowledge/corpus_drugs.tsv');

describe('find', () => {
  test.each([
    ['Coumadin', ['warfarin']],
    ['Zocor', ['simvastatin']],
    ['Vicodin', ['acetaminophen', 'hydrocodone']],
    ['bactrim ds', ['sulfamethoxazole', 'trimethoprim']],
    ['meclizine', ['meclozine']],
    ['Benztropine', ['benzatropine']],
    ['leuprolide', ['leuprorelin']],
    ['chlorphenamine', ['chlorpheniramine']],
    ['paracetamol', ['acetaminophen']],
    ['A.S.A.', ['aspirin']],
    ['Fragmin', ['bemiparin']],
    ['Metoprolol Tartrate 25 MG Oral Tablet', ['metoprolol']],
    ['Simvastatin 20 MG', ['simvastatin']],
    ['Insulin Glargine', ['insulin glargine']],
    ['TraMADOL (Ultram)', ['tramadol']],
    ['1000 ML FLEX CONT : SODIUM CHLORIDE 0.9 % IV SOLN', ['sodium chloride']],
    ['Calcium channel blocker', []],
    ['5 mg tablet', []],
    ['lisinopril / hydrochlorothiazide', ['lisinopril', 'hydrochlorothiazide']],
    ['Acetaminophen-Caff-Butalbital', ['acetaminophen', 'butalbital', 'caffeine']],
    ['no such drug', []],
    ['', []],
  ])('%s', (name, expected) => {
    expect([...drugs.find(name)].sort()).toEqual([...expected].sort());
  });

  test('every drug name of the visit corpus resolves to drugs that exist', () => {
    const names = readFileSync(CORPUS, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')[0]!);
    expect(names.length).toBeGreaterThan(1300);
    const lost = names.filter((name) => drugs.find(name).length === 0);
    expect(lost).toEqual([]);
  });

  test('an id finds itself, and so does its shown name', () => {
    const lost = drugs.all.filter(
      ({ id, name }) => drugs.find(id)[0] !== id || !drugs.find(name).includes(id),
    );
    expect(lost.map(({ id }) => id)).toEqual([]);
  });

  test('case, spacing and punctuation do not matter', () => {
    const names = drugs.all.filter(({ visits }) => visits > 500).map(({ id }) => id);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.boolean(),
        fc.constantFrom('  ', ' - ', ', '),
        (id, upper, gap) => {
          const written = id.replace(/ /g, gap);
          expect(drugs.find(upper ? written.toUpperCase() : written)).toEqual([id]);
        },
      ),
    );
  });
});

describe('names', () => {
  test('US names are shown', () => {
    expect(drugs.name(drug('meclozine')).name).toBe('meclizine');
    expect(drugs.name(drug('benzatropine')).name).toBe('benztropine');
    expect(drugs.name(drug('warfarin'))).toEqual({
      id: 'warfarin',
      name: 'warfarin',
      drugClass: 'Vitamin K Antagonist',
    });
  });

  test('an unknown id stays visible under its own spelling', () => {
    expect(drugs.name(drug('unheard of'))).toEqual({ id: 'unheard of', name: 'unheard of', drugClass: null });
    expect(drugs.get(drug('unheard of'))).toBeNull();
  });

  test('a retired id answers with the drug it stands for', () => {
    expect(drugs.canonical(drug('herceptin'))).toBe('trastuzumab');
    expect(drugs.get(drug('benztropine'))?.id).toBe('benzatropine');
  });
});

describe('search', () => {
  const names = (text: string): string[] => drugs.search(text, 5).map((hit) => hit.drug.name);

  test.each([
    ['warf', 'warfarin'],
    ['lisinoprl', 'lisinopril'],
    ['sertralin', 'sertraline'],
    ['hydrochlorothiazde', 'hydrochlorothiazide'],
    ['mecliz', 'meclizine'],
    ['metfromin', 'metformin'],
    ['zoc', 'simvastatin'],
    ['coumadn', 'warfarin'],
  ])('%s finds %s first', (typed, expected) => {
    expect(names(typed)[0]).toBe(expected);
  });

  test('a brand says what it matched, a combination brand gives each ingredient', () => {
    const hits = drugs.search('vicodin', 10).filter(({ matched }) => matched?.toLowerCase() === 'vicodin');
    expect(hits.map((hit) => hit.drug.id).sort()).toEqual(['acetaminophen', 'hydrocodone']);
    expect(drugs.search('warfarin', 1)[0]?.matched).toBeNull();
  });

  test('respects the limit, repeats no drug, and survives anything typed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.integer({ min: 0, max: 8 }), (text, limit) => {
        const hits = drugs.search(text, limit);
        expect(hits.length).toBeLessThanOrEqual(limit);
        expect(new Set(hits.map((hit) => hit.drug.id)).size).toBe(hits.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('classes', () => {
  test('the FDA class comes first and project assignments are marked', () => {
    expect(drugs.classesOf(drug('lisinopril'))[0]).toMatchObject({
      kind: 'EPC',
      title: 'Angiotensin Converting Enzyme Inhibitor',
    });
    const group = drugs.classes().find(({ title }) => title === 'Angiotensin Converting Enzyme Inhibitor');
    expect(group?.assigned).toContain('lisinopril');
    expect(group?.assigned).not.toContain('ramipril');
  });

  test('every drug used in 200 visits has a shown class', () => {
    const bare = drugs.all.filter(({ visits, drugClass }) => visits >= 200 && drugClass === null);
    expect(bare.map(({ id }) => id)).toEqual([]);
  });
});

describe('fingerprints', () => {
  const { molecules } = shippedKnowledge();

  test('have the stated size and tell molecules apart', () => {
    const simvastatin = molecules.fingerprint(drug('simvastatin'))!;
    const lovastatin = molecules.fingerprint(drug('lovastatin'))!;
    const aspirin = molecules.fingerprint(drug('aspirin'))!;
    const tanimoto = (x: Uint8Array, y: Uint8Array): number => {
      const both = x.reduce((sum, bit, index) => sum + (bit & y[index]!), 0);
      return both / x.reduce((sum, bit, index) => sum + (bit | y[index]!), 0);
    };
    expect(molecules.bits).toBe(1024);
    expect(aspirin).toHaveLength(1024);
    expect(tanimoto(simvastatin, lovastatin)).toBeGreaterThan(0.7);
    expect(tanimoto(simvastatin, aspirin)).toBeLessThan(0.2);
  });

  test('are null for what has no structure', () => {
    expect(molecules.fingerprint(drug('insulin glargine'))).toBeNull();
    expect(molecules.fingerprint(drug('prenatal vitamins'))).toBeNull();
  });
});
