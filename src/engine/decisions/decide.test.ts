/** What may be signed, judged by the shipped tables and checks: each refusal with its code and what it names. */

import { describe, expect, it } from 'vitest';
import { drug } from '../../knowledge/fixture.ts';
import type { DecisionInput } from '../../shared/decision.ts';
import type { DrugId, PatientId, VisitId } from '../../shared/ids.ts';
import { decide, type DecideContext } from './decide.ts';
import {
  contextOf,
  ids,
  knowledge,
  MODEL,
  recommendationFor,
  refusal,
  signed,
  unwell,
  word,
} from './decide-fixture.ts';
import { newId } from '../store/ids.ts';
import { sampleDecision } from '../store/testing.ts';

describe('a refused decision', () => {
  const visit = unwell(newId<PatientId>());
  const recommendation = recommendationFor(visit, ids('amiodarone', 'propranolol', 'metoprolol'));
  const context = contextOf(visit, recommendation);
  const input = signed(
    context,
    [word(drug('amiodarone')), word(drug('propranolol')), word(drug('metformin'), 'added')],
    ids('metoprolol'),
  );
  const amended = { decision: { ...sampleDecision(recommendation), version: 4 }, replaced: false };
  const amending = { ...input, amendment: { replaces: amended.decision.id, reason: 'a slip' } };
  const blank = { reason: 'other', note: ' ' } as const;
  const stale: readonly Partial<DecideContext>[] = [
    { visit: { ...visit, allergies: [...visit.allergies, 'sulfa'] } },
    { model: { ...MODEL, version: '2' } },
    { model: { ...MODEL, name: 'other' } },
    { knowledge: { ...knowledge, version: 'later' } },
    { recommendation: { ...recommendation, visitId: newId<VisitId>() } },
  ];
  const isAboutWarfarin = ({ a, b }: { a: DrugId; b: DrugId }): boolean => [a, b].includes(drug('warfarin'));

  it.each<[code: string, details: object, spoilt: DecisionInput, Partial<DecideContext>?]>([
    ['SIGNATURE_REQUIRED', {}, { ...input, signature: { name: ' \t', role: 'MD' } }],
    [
      'AMENDMENT_REASON_REQUIRED',
      {},
      { ...amending, amendment: { ...amending.amendment, reason: ' ' } },
      { amended },
    ],
    ['DECISION_REPLACED', {}, amending, { amended: { ...amended, replaced: true } }],
    ['NOT_FOUND', { what: 'amended decision' }, amending],
    ...stale.map((change) => ['RECOMMENDATION_STALE', {}, input, change] as never),
    [
      'DRUG_UNKNOWN',
      { name: 'metforminn', suggestions: expect.stringContaining('metformin') as string },
      { ...input, chosen: [...input.chosen, word(drug('metforminn'), 'added')] },
    ],
    [
      'INVALID_INPUT',
      { problem: 'there are two words on propranolol' },
      { ...input, rejected: signed(context, [], ids('metoprolol', 'propranolol')).rejected },
    ],
    ['DECISION_UNDECIDED', { drugs: 'metoprolol' }, { ...input, rejected: [] }],
    [
      'OVERRIDE_REASON_REQUIRED',
      { pair: 'amiodarone with warfarin', severity: 3 },
      { ...input, overrides: input.overrides.filter((given) => !isAboutWarfarin(given)) },
    ],
    [
      'OVERRIDE_REASON_REQUIRED',
      { pair: 'amiodarone with warfarin', severity: 3 },
      {
        ...input,
        overrides: input.overrides.map((given) => (isAboutWarfarin(given) ? { ...given, ...blank } : given)),
      },
    ],
    [
      'FINDING_REASON_REQUIRED',
      { drugs: 'metformin', severity: 4, because: expect.stringMatching(/^eGFR \d+/) as string },
      {
        ...input,
        findingOverrides: input.findingOverrides.filter(({ finding }) => !finding.includes('metformin')),
      },
    ],
    [
      'FINDING_REASON_REQUIRED',
      { drugs: 'propranolol', severity: 3, because: expect.stringContaining('asthma') as string },
      {
        ...input,
        findingOverrides: input.findingOverrides.map((given) =>
          given.finding.includes('propranolol') ? { ...given, ...blank } : given,
        ),
      },
    ],
  ])('is told %s (%#)', (code, details, spoilt, change = {}) => {
    expect(refusal(spoilt, { ...context, ...change })).toEqual({ code, details });
  });

  it('is taken once it is mended, trimmed and with its version', () => {
    expect(decide(input, context)).toMatchObject({
      version: 1,
      signature: { name: 'Ada Example', role: 'MD' },
      added: ['metformin'],
      removed: ['metoprolol'],
    });
    expect(decide(amending, { ...context, amended })).toMatchObject({
      version: 5,
      amendment: amending.amendment,
    });
  });
});
