import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { ENGINE_METHODS, SHELL_METHODS, type ParamsOf } from '../shared/contract.ts';
import { NO_USE, type DecisionInput } from '../shared/decision.ts';
import { FlameError } from '../shared/errors.ts';
import { asId, type DecisionId, type DrugId, type RecommendationId, type VisitId } from '../shared/ids.ts';
import { PARAMETERS, parseParameters, type Api } from './parameters.ts';

const NAMES = Object.keys(PARAMETERS) as (keyof Api)[];

const DECISION: DecisionInput = {
  id: asId<DecisionId>('d'),
  visitId: asId<VisitId>('v'),
  recommendationId: asId<RecommendationId>('r'),
  alpha: 0.5,
  chosen: [{ drug: asId<DrugId>('warfarin'), verdict: 'added', use: NO_USE }],
  rejected: [{ drug: asId<DrugId>('digoxin'), reason: null, note: '' }],
  overrides: [
    {
      a: asId<DrugId>('amiodarone'),
      b: asId<DrugId>('warfarin'),
      severity: 3,
      reason: 'will-monitor',
      note: '',
    },
  ],
  findingOverrides: [{ finding: '["age",["amiodarone"]]', reason: 'other', note: 'checked' }],
  comment: '',
  signature: { name: 'Ada Example', role: '' },
  amendment: { replaces: asId<DecisionId>('d0'), reason: 'a slip' },
};

describe('parameters', () => {
  it('cover every method of the contract and no other', () => {
    expect([...NAMES].sort()).toEqual([...Object.keys(ENGINE_METHODS), ...Object.keys(SHELL_METHODS)].sort());
  });

  it('parse to the types of the contract', () => {
    expectTypeOf(parseParameters<'decisions.save'>).returns.toEqualTypeOf<ParamsOf<Api, 'decisions.save'>>();
    expect(parseParameters('decisions.save', DECISION)).toEqual(DECISION);
  });

  it('refuse whatever else comes over the port, always as INVALID_INPUT', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), fc.anything(), (name, params) => {
        try {
          parseParameters(name, params);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(FlameError);
          expect((thrown as FlameError).code).toBe('INVALID_INPUT');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('name the field that is wrong', () => {
    expect(() => parseParameters('patients.list', { query: '', limit: 0, offset: 0 })).toThrow(/limit/);
    expect(() => parseParameters('recommend', { visitId: 'v', alpha: 1 })).toThrow(/recommend/);
    expect(() => parseParameters('decisions.save', { ...DECISION, alpha: NaN })).toThrow(/alpha/);
  });

  it('want words for the reason "other"', () => {
    const overrides = [{ ...DECISION.overrides[0]!, reason: 'other' as const, note: ' ' }];
    expect(() => parseParameters('decisions.save', { ...DECISION, overrides })).toThrow(/note/);
    const findingOverrides = [{ ...DECISION.findingOverrides[0]!, note: '' }];
    expect(() => parseParameters('decisions.save', { ...DECISION, findingOverrides })).toThrow(/note/);
    const rejected = [{ ...DECISION.rejected[0]!, reason: 'other' as const }];
    expect(() => parseParameters('decisions.save', { ...DECISION, rejected })).toThrow(/note/);
  });
});
