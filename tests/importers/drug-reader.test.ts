import { describe, expect, test } from 'vitest';
import { siteMappingsOf } from '../../src/engine/store/site-mappings.ts';
import { DrugReader, type DrugCode } from '../../src/knowledge/drug-reader.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import type { MappingKind } from '../../src/shared/import-api.ts';

const { drugs } = shippedKnowledge();
const reader = (...rows: readonly (readonly [MappingKind, string, ...string[]])[]): DrugReader =>
  new DrugReader(
    drugs,
    siteMappingsOf(
      rows.map(([kind, written, ...targets]) => ({
        kind,
        written,
        targets,
        changedAt: '2026-01-01T00:00:00Z',
      })),
    ),
  );
const rxnorm = (code: string): DrugCode => ({ system: 'rxnorm', code });
const ndc = (code: string): DrugCode => ({ system: 'ndc', code });

test.each([
  ['a brand', 'Coumadin', ['warfarin']],
  ['the brand of a combination', 'Bactrim DS', ['sulfamethoxazole', 'trimethoprim']],
  ['a synonym', 'paracetamol', ['acetaminophen']],
  ['another country’s name', 'Adrenaline 1 mg/ml inj', ['epinephrine']],
  ['strength and form', 'HYDROCHLOROTHIAZIDE TAB 25MG', ['hydrochlorothiazide']],
  ['dose, route and frequency', 'Tylenol 500mg PO q6h', ['acetaminophen']],
  ['a salt and a release form', 'metoprolol succinate ER 50 mg 24 HR tablet', ['metoprolol']],
  [
    'a product in the words of RxNorm',
    'acetaminophen 325 MG / oxycodone hydrochloride 5 MG Oral Tablet',
    ['acetaminophen', 'oxycodone'],
  ],
  ['a name beside its brand', 'warfarin (Coumadin)', ['warfarin']],
  ['an order for an infusion', 'Zosyn 3.375g IVPB', ['piperacillin', 'tazobactam']],
])('%s is read as its ingredients', (_what, name, ingredients) => {
  expect(reader().read({ name, codes: [] })).toMatchObject({
    kind: 'drug',
    drugs: ingredients,
    through: 'name',
  });
});

describe('where readings differ', () => {
  test('a code counts before words, and both are told', () => {
    const reading = reader().read({ name: 'aspirin', codes: [rxnorm('11289')] });
    expect(reading).toEqual({ kind: 'drug', drugs: ['warfarin'], through: 'code', also: ['aspirin'] });
  });

  test('the site’s table counts before either, by code, then by name, and may say that it is no drug', () => {
    const site = reader(
      ['name', 'Aspirin', 'ibuprofen'],
      ['ndc', '0002-8215-01', 'insulin glargine'],
      ['name', 'Flush'],
    );
    expect(site.read({ name: 'ASPIRIN', codes: [rxnorm('11289')] })).toMatchObject({
      drugs: ['ibuprofen'],
      through: 'site',
    });
    expect(site.read({ name: 'Aspirin', codes: [ndc('00002821501')] })).toMatchObject({
      drugs: ['insulin glargine'],
      through: 'site',
    });
    expect(site.read({ name: 'flush', codes: [] })).toEqual({ kind: 'set-aside' });
  });

  test('what no table knows stays unknown: nothing is guessed from a likeness, and no NDC without the site’s table', () => {
    for (const name of ['Wundermittel 5 mg', 'warfarn', 'Vaccine XY', '5 mg', ''])
      expect([name, reader().read({ name, codes: [ndc('00093111301')] })]).toEqual([
        name,
        { kind: 'unmapped' },
      ]);
  });
});
