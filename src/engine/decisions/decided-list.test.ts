/** Whatever is accepted, modified, added and rejected: the stored list is that, and nothing severe is on it without a reason. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../checks/facts.ts';
import { isUseStated, NO_USE, type Verdict } from '../../shared/decision.ts';
import { findingKey } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import { selectGridPoint } from '../../shared/recommendation.ts';
import { decide } from './decide.ts';
import {
  checker,
  contextOf,
  ids,
  knowledge,
  recommendationFor,
  refusal,
  signed,
  unwell,
  word,
} from './decide-fixture.ts';
import { getDecision, saveDecision } from '../store/decisions.ts';
import { saveRecommendation } from '../store/recommendations.ts';
import { noTitles, samplePatient, withStore } from '../store/testing.ts';
import { getVisit, insertVisits } from '../store/visits.ts';

const POOL = ids(
  'amiodarone',
  'amoxicillin',
  'atorvastatin',
  'clarithromycin',
  'digoxin',
  'ibuprofen',
  'lisinopril',
  'metformin',
  'naproxen',
  'nitroglycerin',
  'propranolol',
  'sildenafil',
  'simvastatin',
  'warfarin',
);
const some = fc.subarray(POOL, { maxLength: 7 });
const listWithWords = fc.record({
  current: fc.subarray(ids('warfarin', 'nitroglycerin', 'aspirin', 'metformin'), { maxLength: 2 }),
  lists: fc.tuple(fc.shuffledSubarray(POOL, { maxLength: 7 }), some),
  alpha: fc.constantFrom(0, 0.4, 1),
  added: some,
  rejected: some,
  dosed: some,
});

describe('a list that was signed', () => {
  it('is what was accepted, modified and added, and keeps nothing severe without a reason', async () => {
    let [pairReasons, findingReasons, severe] = [0, 0, 0];
    await withStore(({ db }) => {
      fc.assert(
        fc.property(listWithWords, ({ current, lists, alpha, added, rejected, dosed }) => {
          const newPatient = samplePatient();
          const made = unwell(newPatient.id, current);
          insertVisits(db, [{ visit: made, newPatient, demo: false }], noTitles);
          const visit = getVisit(db, made.id);
          const recommendation = recommendationFor(visit, ...lists);
          saveRecommendation(db, recommendation);
          const context = contextOf(visit, recommendation);

          const proposed = selectGridPoint(recommendation.grid, alpha).list;
          const gone = new Set(rejected);
          const kept = [...new Set([...proposed, ...added])].filter((one) => !gone.has(one));
          const useOf = (one: DrugId) => (dosed.includes(one) ? { ...NO_USE, dose: '5 mg' } : NO_USE);
          const verdictOf = (one: DrugId): Verdict => (proposed.includes(one) ? 'accepted' : 'added');
          const chosen = kept.map((one) => word(one, verdictOf(one), useOf(one)));
          const input = { ...signed(context, chosen, rejected), alpha };
          const decision = decide(input, context);
          saveDecision(db, decision, 'local');
          const stored = getDecision(db, decision.id);
          expect(stored).toEqual(decision);

          const final = stored.final.map(({ id }) => id);
          expect(final).toEqual(kept);
          expect(stored.chosen).toEqual(
            final.map((one) => {
              if (!proposed.includes(one)) return word(one, 'added', useOf(one));
              return word(one, isUseStated(useOf(one)) ? 'modified' : 'accepted', useOf(one));
            }),
          );
          expect(new Set([...final, ...stored.removed])).toEqual(new Set([...proposed, ...stored.added]));
          const everProposed = lists.flat();
          expect(stored.rejected.map(({ drug: id }) => id)).toEqual(
            rejected.filter((one) => everProposed.includes(one)),
          );
          for (const { drug: id } of stored.rejected) expect(final).not.toContain(id);

          // Asked anew, pair by pair and finding by finding, of everything that is taken together.
          const reasoned = new Set(stored.overrides.map(({ a, b }) => pairKey(a, b)));
          const together = [...new Set([...final, ...current])];
          for (const [index, a] of together.entries()) {
            for (const b of together.slice(index + 1)) {
              const [pair] = knowledge.interactions.among([a, b]);
              if (pair === undefined || pair.severity < 3) continue;
              if (!final.includes(a) && !final.includes(b)) continue;
              expect(reasoned).toContain(pairKey(a, b));
            }
          }
          for (const finding of checker.check(factsOf(visit), final).findings) {
            if (finding.state !== 'found' || finding.severity < 3) continue;
            if (!finding.drugs.some((one) => final.includes(one))) continue;
            severe++;
            const [a, b] = finding.drugs;
            const told = b !== undefined && reasoned.has(pairKey(a!, b));
            const asked = stored.findings.find(
              (kept) => kept.finding.state === 'found' && findingKey(kept.finding) === findingKey(finding),
            );
            expect(told || asked?.override?.reason, JSON.stringify(finding)).toBeTruthy();
          }

          // And no single one of the reasons can be left out.
          pairReasons += input.overrides.length;
          findingReasons += input.findingOverrides.length;
          for (const given of input.overrides) {
            const overrides = input.overrides.filter((other) => other !== given);
            expect(refusal({ ...input, overrides }, context)).toMatchObject({
              code: 'OVERRIDE_REASON_REQUIRED',
            });
          }
          for (const given of input.findingOverrides) {
            const findingOverrides = input.findingOverrides.filter((other) => other !== given);
            const refused = refusal({ ...input, findingOverrides }, context);
            expect(refused).toMatchObject({ code: 'FINDING_REASON_REQUIRED' });
          }
        }),
        { numRuns: 200 }, // so many that no draw of lists comes near the 60 below
      );
    });
    for (const asked of [pairReasons, findingReasons, severe]) expect(asked).toBeGreaterThan(60); // not empty
  });
});
