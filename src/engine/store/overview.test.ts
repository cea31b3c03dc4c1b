/** Worklist and overview over a real store, the figures counted by hand beside. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../shared/decision.ts';
import type { DrugName, Interaction, Severity } from '../../shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { rateOf, type Overview, type OverviewQuery } from '../../shared/overview.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { appendAudit } from './audit.ts';
import { countDecisionFigures } from './decision-figures.ts';
import { saveDecision } from './decisions.ts';
import type { WritableDb } from './handle.ts';
import { readOverview } from './overview.ts';
import { periodsOf } from './overview-periods.ts';
import { setArchived } from './patient-changes.ts';
import { saveRecommendation } from './recommendations.ts';
import {
  noTitles,
  samplePatient,
  sampleDecision,
  sampleRecommendation,
  sampleVisit,
  storedVisit,
  withStore,
} from './testing.ts';
import { getVisit, insertVisits } from './visits.ts';
import { readWorklist } from './worklist.ts';

const name = (id: string): DrugName => ({ id: asId<DrugId>(id), name: id, drugClass: null });
const pair = (a: string, b: string, severity: Severity): Interaction => ({
  a: asId<DrugId>(a),
  b: asId<DrugId>(b),
  severity,
  disputed: false,
  sources: [],
});

const finding = (severity: Severity, reason: 'dose-adjusted' | null): Decision['findings'][number] => ({
  finding: {
    state: 'found',
    check: 'renal-function',
    drugs: [asId<DrugId>('e')],
    severity,
    because: '',
    effect: '',
    management: '',
    mechanism: null,
    label: null,
    sources: [],
  },
  override: reason === null ? null : { reason, note: '' },
});

interface Made {
  readonly proposed: readonly string[];
  readonly final: readonly string[];
  readonly at: string;
  readonly visit?: VisitId;
  readonly demo?: boolean;
  readonly findings?: Decision['findings'];
}

/** Recorded pairs of the drugs a to e; every patient takes warfarin. */
const PAIRS = [pair('a', 'b', 3), pair('a', 'c', 2), pair('a', 'd', 1), pair('e', 'warfarin', 4)];

function decide(db: WritableDb, { proposed, final, at, visit, demo = false, findings = [] }: Made): VisitId {
  const visitId = visit ?? newVisit(db, demo);
  const recommendation: Recommendation = { ...sampleRecommendation(visitId), interactions: PAIRS };
  saveRecommendation(db, recommendation);
  const held = new Set([...final, 'warfarin']);
  const interactions = PAIRS.filter(({ a, b }) => held.has(a) && held.has(b));
  const change: Partial<Decision> = {
    proposed: proposed.map(name),
    final: final.map(name),
    added: final.filter((drug) => !proposed.includes(drug)).map((drug) => asId<DrugId>(drug)),
    removed: proposed.filter((drug) => !final.includes(drug)).map((drug) => asId<DrugId>(drug)),
    interactions,
    overrides: interactions
      .filter(({ severity }) => severity >= 3)
      .map(({ a, b, severity }) => ({ a, b, severity, reason: 'will-monitor', note: '' })),
    savedAt: at,
    findings,
  };
  saveDecision(db, sampleDecision(recommendation, change), 'ada');
  return visitId;
}

function newVisit(db: WritableDb, demo: boolean): VisitId {
  if (!demo) return storedVisit(db);
  const newPatient = samplePatient({ demo });
  const visit = sampleVisit(newPatient.id);
  insertVisits(db, [{ visit, newPatient, demo }], noTitles);
  return visit.id;
}

const read = (db: WritableDb, query: Partial<OverviewQuery> = {}): Overview =>
  readOverview(db, { from: null, to: null, demo: false, ...query });

describe('the overview', () => {
  it('counts by hand the same: decisions, drugs, severities, reasons, alerts, rates', async () => {
    await withStore(({ db }) => {
      // a + b + c: pairs a+b (3) and a+c (2) of three pairs; b is taken off, d added: a+c and a+d (1) of three.
      decide(db, { proposed: ['a', 'b', 'c'], final: ['a', 'c', 'd'], at: '2026-03-02T12:00:00.000Z' });
      // Kept as it was: one severe pair of one.
      decide(db, { proposed: ['a', 'b'], final: ['a', 'b'], at: '2026-03-03T12:00:00.000Z' });
      // A pair with a current medication alone is an alert, but no pair of the list.
      decide(db, {
        proposed: ['e'],
        final: ['e'],
        at: '2026-03-03T13:00:00.000Z',
        findings: [finding(4, 'dose-adjusted'), finding(3, null), finding(2, null)],
      });
      decide(db, { proposed: ['a'], final: [], at: '2026-04-01T12:00:00.000Z', demo: true });
      const found = read(db);
      expect(found).toMatchObject({ decisions: 3, leftOut: 1, period: 'day' });
      expect(found.interactionRates).toBeCloseTo(1 / 3 + 1, 12);
      expect(found.periods).toEqual([
        { start: '2026-03-02', decisions: 1, interactionRates: 1 / 3 },
        { start: '2026-03-03', decisions: 2, interactionRates: 1 },
      ]);
      const row = (drug: string, proposed: number, kept: number, added = 0) => ({
        drug,
        name: drug,
        proposed,
        kept,
        added,
      });
      expect(found.drugs).toEqual([
        row('a', 2, 2),
        row('b', 2, 1),
        row('c', 1, 1),
        row('d', 0, 0, 1),
        row('e', 1, 1),
      ]);
      expect(found.severities).toEqual([
        { severity: 2, proposed: 1, kept: 1 }, // c in the first
        { severity: 3, proposed: 4, kept: 3 }, // a and b twice, b off once
        { severity: 4, proposed: 1, kept: 1 }, // e with warfarin
      ]);
      expect(found.overrides).toEqual([
        { reason: 'will-monitor', count: 2 },
        { reason: 'dose-adjusted', count: 1 },
      ]);
      expect(found.alerts).toEqual({ proposed: 3, final: 2, findings: 2, decisionsWith: 2 });
      expect(read(db, { demo: true })).toMatchObject({
        decisions: 1,
        leftOut: 3,
        drugs: [row('a', 1, 0)],
        severities: [{ severity: 0, proposed: 1, kept: 0 }],
      });
    });
  });

  it('counts the latest decision of a visit, on the local days asked for', async () => {
    await withStore(({ db }) => {
      const visit = decide(db, { proposed: ['a', 'b'], final: ['a', 'b'], at: '2026-03-02T12:00:00.000Z' });
      decide(db, { proposed: ['a', 'b'], final: ['a'], at: '2026-03-09T12:00:00.000Z', visit });
      expect(read(db)).toMatchObject({
        decisions: 1,
        alerts: { proposed: 1, final: 0, findings: 0, decisionsWith: 0 },
      });
      expect(read(db, { from: '2026-03-09', to: '2026-03-09' }).decisions).toBe(1);
      expect(read(db, { from: '2026-03-10' }).decisions).toBe(0);
      expect(read(db, { to: '2026-03-08' })).toMatchObject({ decisions: 0, periods: [], drugs: [] });
    });
  });

  it('counts each decision once, goes on where it was stopped, and counts anew what was counted differently', async () => {
    await withStore(({ db }) => {
      const expected = (n: number): void => {
        const found = read(db);
        expect(found).toMatchObject({ decisions: n, alerts: { proposed: n, final: n }, interactionRates: n });
        expect(found.drugs).toEqual(
          ['a', 'b'].map((drug) => ({ drug, name: drug, proposed: n, kept: n, added: 0 })),
        );
      };
      const add = (): unknown =>
        decide(db, { proposed: ['a', 'b'], final: ['a', 'b'], at: '2026-03-02T12:00:00.000Z' });
      db.transaction(() => Array.from({ length: 300 }, add));
      const steps = countDecisionFigures(db);
      expect(steps.next().value).toBe(50);
      expected(300);
      add();
      expected(301);
      db.run('UPDATE decision_figures SET counting = 0, severe = 9 WHERE decision <= 10');
      expected(301);
      expect([...countDecisionFigures(db)]).toEqual([]);
    });
  });

  it('states no rate that would rest on fewer than ten', () => {
    expect(rateOf(3, 9)).toBeNull();
    expect(rateOf(3, 10)).toBe(0.3);
  });
});

describe('periods', () => {
  it('hold every decision once, in order and without a gap, by day, week or month', () => {
    const day = fc
      .date({ min: new Date('2024-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10));
    fc.assert(
      fc.property(fc.uniqueArray(day, { maxLength: 40 }), (dates) => {
        const days = dates.sort().map((date, i) => ({
          day: date,
          decisions: i + 1,
          rates: i / 2,
          alerts: 0,
          findings: 0,
          alerted: 0,
        }));
        const { period, periods } = periodsOf(days);
        const total = (of: (one: { decisions: number }) => number, list: readonly { decisions: number }[]) =>
          list.reduce((sum, one) => sum + of(one), 0);
        expect(total((one) => one.decisions, periods)).toBe(total((one) => one.decisions, days));
        const starts = periods.map(({ start }) => start);
        expect(starts).toEqual([...new Set(starts)].sort());
        const length = { day: 1, week: 7, month: 31 }[period];
        for (const [i, start] of starts.slice(1).entries()) {
          const gap = (Date.parse(start) - Date.parse(starts[i]!)) / 86_400_000;
          expect(gap).toBeGreaterThan(0);
          expect(gap).toBeLessThanOrEqual(length);
        }
      }),
    );
  });
});

describe('the worklist', () => {
  it('holds visits of today, recommendations nobody decided on, and what was opened last', async () => {
    await withStore(({ db }) => {
      const [today, other, decided, archived] = ['2026-11-23', '2026-11-01', '2026-11-23', '2026-11-23'].map(
        (date, index) => {
          const newPatient = samplePatient({ name: `Patient ${index}` });
          const visit = sampleVisit(newPatient.id, { date });
          insertVisits(db, [{ visit, newPatient, demo: false }], noTitles);
          return visit.id;
        },
      ) as [VisitId, VisitId, VisitId, VisitId];
      decide(db, { proposed: ['a'], final: ['a'], at: '2026-11-23T12:00:00.000Z', visit: decided });
      saveRecommendation(db, sampleRecommendation(other));
      saveRecommendation(db, sampleRecommendation(archived));
      setArchived(db, getVisit(db, archived).patientId, '2026-11-23T12:00:00.000Z');
      for (const [actor, subject] of [
        ['ada', other],
        ['ada', today],
        ['bob', decided],
        ['ada', other],
      ] as const)
        appendAudit(db, { actor, action: 'visit.viewed', subject, content: {} });
      const list = readWorklist(db, noTitles, { date: '2026-11-23', actor: 'ada' });
      const ids = ({ visits }: { visits: readonly { visitId: VisitId }[] }) =>
        visits.map(({ visitId }) => visitId);
      expect(list.today.total).toBe(2);
      expect(ids(list.today)).toEqual([today, decided]);
      expect(list.today.visits.map((visit) => visit.decided)).toEqual([false, true]);
      expect(ids(list.undecided)).toEqual([other]);
      expect(list.undecided.visits[0]).toMatchObject({ patientName: 'Patient 1', date: '2026-11-01' });
      expect(ids({ visits: list.recent })).toEqual([other, today]);
    });
  });

  it('takes a decided recommendation off, and puts a newer one back on', async () => {
    await withStore(({ db }) => {
      const waiting = () => readWorklist(db, noTitles, { date: '2026-11-23', actor: 'ada' }).undecided;
      const visit = storedVisit(db);
      saveRecommendation(db, sampleRecommendation(visit));
      expect(waiting().total).toBe(1);
      decide(db, { proposed: ['a'], final: ['a'], at: '2026-11-23T12:00:00.000Z', visit });
      expect(waiting()).toEqual({ total: 0, visits: [] });
      saveRecommendation(db, sampleRecommendation(visit));
      expect(waiting()).toMatchObject({ total: 1, visits: [{ visitId: visit, decided: true }] });
    });
  });
});
