import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { logit } from '../probability.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';
import { COLUMNS, WIDTH, writeRows } from './drug-rows.ts';
import { fitExperts } from './experts.ts';
import {
  earlierLists,
  heldBefore,
  MOST_EARLIER_VISITS,
  withEarlierVisits,
  withPreviousList,
} from './patient-history.ts';

const ids = (...names: string[]): DrugId[] => names.map((name) => asId<DrugId>(name));
const [{ context }] = syntheticVisits(1, 1) as [ReturnType<typeof syntheticVisits>[0]];
const NOTHING = { ...context, previousMedications: [] };
const positions = new Map(ids('aspirin', 'metformin', 'zinc').map((drug, at) => [drug, at]));

describe('heldBefore', () => {
  it('counts the newest list whole and each one before it at 0.7 of the one after it', () => {
    const { held, lists } = heldBefore([[0, 1], [0], [2]], 3);
    expect(lists).toBeCloseTo(1 + 0.7 + 0.49, 12);
    [1.7, 1, 0.49].forEach((value, drug) => expect(held[drug]).toBeCloseTo(value, 12));
  });

  it('makes the column “earlier lists”: log-odds of the share, shrunk to everybody’s by one list, above those', () => {
    const codes = { ids: [], weights: [] };
    const input = (...earlier: number[][]) => ({
      codes,
      full: codes,
      previous: earlier[0] ?? [],
      previousLength: earlier[0]?.length ?? 0,
      earlier,
      size: [1, 0, 0, 0, 0, 0, 0],
    });
    const experts = fitExperts([input(), input(), input()], [[0], [0, 1], [1]], 3, 0);
    const rows = new Float32Array(2 * 3 * WIDTH);
    const opinion = { fromCodes: experts.base, fromAll: experts.base, length: 0, mass: 0 };
    const traits = {
      classifierPositions: Int32Array.of(-1, -1, -1),
      classifierMeans: new Float32Array(3),
      officeUse: new Float32Array(3),
      classMates: [[], [], []],
    };
    writeRows(rows, 0, input([0, 1], [0]), opinion, experts, traits, new Float32Array());
    writeRows(rows, 3 * WIDTH, input(), opinion, experts, traits, new Float32Array());
    const column = COLUMNS.indexOf('earlier lists');
    const of = (row: number): number => rows[row * WIDTH + column]!;
    const share = (drug: number): number => 1 / (1 + Math.exp(-experts.base[drug]!));
    expect(of(0)).toBeCloseTo(logit((1.7 + share(0)) / 2.7) - logit(share(0)), 5);
    expect(of(1)).toBeCloseTo(logit((1 + share(1)) / 2.7) - logit(share(1)), 5);
    expect(of(2)).toBeCloseTo(logit(share(2) / 2.7) - logit(share(2)), 5);
    for (const row of [3, 4, 5]) expect(of(row)).toBeCloseTo(0, 5);
  });
});

describe('earlierLists', () => {
  const earlierVisits = [
    { drugs: ids('aspirin', 'unheard of'), daysAgo: 3 },
    { drugs: ids('zinc'), daysAgo: 9 },
  ];

  it('has the previous list of the visit in the place of the newest one', () => {
    expect(earlierLists({ ...NOTHING, earlierVisits }, positions)).toEqual([[0], [2]]);
    const corrected = { ...NOTHING, previousMedications: ids('metformin'), earlierVisits };
    expect(earlierLists(corrected, positions)).toEqual([[1], [2]]);
    expect(earlierLists({ ...NOTHING, previousMedications: ids('zinc') }, positions)).toEqual([[2]]);
    expect(earlierLists(NOTHING, positions)).toEqual([]);
  });

  it('takes the newest one as the previous list where the visit gives none', () => {
    expect(withPreviousList({ ...NOTHING, earlierVisits }).previousMedications).toEqual(
      earlierVisits[0]!.drugs,
    );
    const own = { ...NOTHING, previousMedications: ids('zinc'), earlierVisits };
    expect(withPreviousList(own)).toBe(own);
  });
});

describe('withEarlierVisits', () => {
  const day = fc.constantFrom('2020-01-01', '2020-01-02', '2020-02-01', '2021-01-01', null);
  const visits = fc
    .array(
      fc.record({
        patient: fc.constantFrom('a', 'b'),
        date: day,
        drugs: fc.subarray(ids('aspirin', 'metformin', 'zinc')),
      }),
      { minLength: 1, maxLength: 14 },
    )
    .map((all) => all.map((visit, at) => ({ ...visit, id: `v${at}`, context: NOTHING })));

  it('knows the days before alone, newest first: not the visit, its day, later ones or other patients', () => {
    fc.assert(
      fc.property(visits, (all) => {
        for (const { patient, date, context: read } of withEarlierVisits(all)) {
          const expected = all.filter(
            (other) =>
              date !== null &&
              other.patient === patient &&
              other.date !== null &&
              other.date < date &&
              other.drugs.length > 0,
          );
          const days = read.earlierVisits!.map(({ daysAgo }) => daysAgo);
          expect(days).toEqual([...days].sort((a, b) => a - b));
          expect(days.every((ago) => ago >= 1)).toBe(true);
          expect(days).toHaveLength(Math.min(expected.length, MOST_EARLIER_VISITS));
        }
      }),
    );
  });

  it('gives a visit the same whatever is decided at it, on its day and later', () => {
    fc.assert(
      fc.property(visits, fc.nat(), (all, pick) => {
        const { id, patient, date } = all[pick % all.length]!;
        const changed = all.map((other) =>
          other.patient === patient && date !== null && (other.date === null || other.date >= date)
            ? { ...other, drugs: ids('something else') }
            : other,
        );
        const of = (some: typeof all) => withEarlierVisits(some).find((one) => one.id === id)!.context;
        expect(of(changed)).toEqual(of(all));
      }),
    );
  });

  it('does not depend on the order of the file where days differ', () => {
    const all = ['2020-03-01', '2020-01-01', '2020-02-01'].map((date, at) => ({
      id: `v${at}`,
      patient: 'a',
      date,
      drugs: ids('aspirin', 'metformin', 'zinc').slice(at),
      context: NOTHING,
    }));
    const told = (some: typeof all) => new Map(withEarlierVisits(some).map((one) => [one.id, one.context]));
    expect(told([...all].reverse())).toEqual(new Map([...told(all)].reverse()));
    expect(told(all).get('v0')!.earlierVisits).toEqual([
      { drugs: ids('zinc'), daysAgo: 29 },
      { drugs: ids('metformin', 'zinc'), daysAgo: 60 },
    ]);
  });
});
