import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { saveDecision } from '../store/decisions.ts';
import { saveRecommendation } from '../store/recommendations.ts';
import { sampleDecision, sampleRecommendation, storedVisit, withStore } from '../store/testing.ts';
import { driftReport, WINDOW, windowsOf } from './drift.ts';

const decisions = (count: number, jaccard: number, model = 'ward 1', from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    at: `2026-01-${String(1 + ((from + i) % 28)).padStart(2, '0')}T10:00:00.000Z`,
    model,
    jaccard: jaccard + (i % 2 === 0 ? 0.02 : -0.02),
  }));

describe('drift', () => {
  it('raises the alert when a full window agrees clearly less than those before', () => {
    const found = windowsOf([...decisions(3 * WINDOW, 0.8), ...decisions(WINDOW, 0.5)], 'ward 1');
    expect(found.windows).toHaveLength(4);
    expect(found.alert!.before).toBeCloseTo(0.8, 9);
    expect(found.alert!.now).toBeCloseTo(0.5, 9);
  });
  it('stays quiet on a small change, on half a window, and without anything to compare with', () => {
    expect(windowsOf([...decisions(2 * WINDOW, 0.8), ...decisions(WINDOW, 0.75)], 'ward 1').alert).toBeNull();
    expect(windowsOf([...decisions(2 * WINDOW, 0.8), ...decisions(5, 0.1)], 'ward 1').alert).toBeNull();
    expect(windowsOf(decisions(WINDOW, 0.1), 'ward 1').alert).toBeNull();
    expect(windowsOf([], null)).toEqual({ windows: [], alert: null });
  });
  it('compares a model with itself only', () => {
    const both = [...decisions(2 * WINDOW, 0.8, 'pack 1'), ...decisions(WINDOW, 0.5, 'ward 1')];
    expect(windowsOf(both, 'ward 1').alert).toBeNull();
    expect(windowsOf(both, 'ward 1').windows.map(({ model }) => model)).toEqual([
      'pack 1',
      'pack 1',
      'ward 1',
    ]);
  });
});

it('reads signed decisions from the store, and alerts once they leave what was proposed', async () => {
  await withStore(({ db }) => {
    const other = { id: asId<DrugId>('metoprolol'), name: 'metoprolol', drugClass: null };
    for (let i = 0; i < 2 * WINDOW; i += 1) {
      const recommendation = sampleRecommendation(storedVisit(db));
      saveRecommendation(db, recommendation);
      // The newer half signs another drug beside, or instead.
      const { proposed } = sampleDecision(recommendation);
      const final = i < WINDOW ? proposed : i % 2 === 0 ? [...proposed, other] : [other];
      const chosen = final.map(({ id }) => ({ ...sampleDecision(recommendation).chosen[0]!, drug: id }));
      saveDecision(db, sampleDecision(recommendation, { final, chosen }), 'test');
    }
    const { windows, alert } = driftReport(db, { name: 'cls', version: '1' });
    expect(windows.map(({ decisions }) => decisions)).toEqual([WINDOW, WINDOW]);
    expect(windows.map(({ agreement }) => agreement.mean)).toEqual([1, 0.25]);
    expect(alert).toEqual({ before: 1, now: 0.25 });
  });
});
