import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { siteTable } from '../records/site-table-csv.ts';
import type { Severity } from '../shared/domain.ts';
import { drug, shippedKnowledge } from './fixture.ts';
import { SITE_SOURCE, withSiteTable, type SiteRow } from './site-table.ts';

const row = (a: string, b: string, severity: Severity, change: Partial<SiteRow> = {}): SiteRow => ({
  a,
  b,
  severity,
  nativeSeverity: `level ${severity}`,
  effect: '',
  mechanism: '',
  management: '',
  source: '',
  overrules: '',
  ...change,
});
const layered = (...rows: SiteRow[]) => withSiteTable(shippedKnowledge(), siteTable('house.csv', rows));
const shipped = () => shippedKnowledge().interactions;

describe('a site’s own interaction table', () => {
  test('adds a pair that no shipped table records, with its source in sight', () => {
    const [a, b] = [drug('metformin'), drug('omeprazole')];
    expect(shipped().between(a, b).state).toBe('none-recorded');
    const { interactions } = layered(
      row('metformin', 'omeprazole', 2, {
        effect: 'B12 falls',
        management: 'measure B12',
        source: 'Committee 2026',
      }),
    );
    const answer = interactions.between(b, a);
    if (answer.state !== 'found') throw new Error(answer.state);
    expect(answer.interaction).toMatchObject({
      severity: 2,
      disputed: false,
      sources: [
        {
          source: SITE_SOURCE,
          severity: 2,
          nativeSeverity: 'level 2',
          effect: 'B12 falls',
          management: 'measure B12',
          citation: 'Committee 2026 (house.csv)',
        },
      ],
    });
    expect(interactions.of(a).some(({ a: x, b: y }) => x === b || y === b)).toBe(true);
    expect([...interactions.pairs(2)]).toHaveLength([...shipped().pairs(2)].length + 1);
    expect(shipped().between(a, b).state).toBe('none-recorded'); // the shipped tables are as they were
  });

  test('raises a level by its maximum; every shipped source stays', () => {
    const [a, b] = [drug('warfarin'), drug('ibuprofen')];
    const before = shipped().among([a, b])[0]!;
    expect(before.severity).toBeLessThan(4);
    const after = layered(row('Coumadin', 'Motrin', 4)).interactions.among([a, b])[0]!;
    expect(after.severity).toBe(4);
    expect(after.sources.filter(({ source }) => source !== SITE_SOURCE)).toEqual(before.sources);
  });

  test('a lower level never hides a shipped one without a reason, and is shown as a source that differs', () => {
    const [a, b] = [drug('fluconazole'), drug('warfarin')];
    const before = shipped().severity(a, b);
    expect(before).toBeGreaterThanOrEqual(3);
    const { interactions } = layered(row('warfarin', 'Diflucan', 1));
    expect(interactions.severity(a, b)).toBe(before);
    const pair = interactions.among([a, b])[0]!;
    expect(pair.disputed).toBe(true);
    expect(pair.sources.map(({ source, setAside }) => [source, setAside])).toContainEqual([
      SITE_SOURCE,
      undefined,
    ]);
  });

  test('with a reason the level falls; the shipped statements stay in sight, set aside, and the pair stays recorded', () => {
    const [a, b] = [drug('fluconazole'), drug('warfarin')];
    const { interactions } = layered(
      row('warfarin', 'fluconazole', 1, { overrules: 'INR is measured daily here' }),
    );
    const pair = interactions.among([a, b])[0]!;
    expect(pair.severity).toBe(1);
    const others = pair.sources.filter(({ source }) => source !== SITE_SOURCE);
    expect(others.length).toBeGreaterThan(0);
    for (const { setAside } of others) expect(setAside).toContain('INR is measured daily here');
  });

  test('covers a drug that no shipped table covers, and leaves the others unchecked', () => {
    const uncovered = shippedKnowledge().drugs.all.filter(({ covered }) => !covered);
    const [one, other] = [uncovered[0]!.id, uncovered[1]!.id];
    const { interactions } = layered(row(one, 'warfarin', 3));
    expect(interactions.covers(one)).toBe(true);
    expect(interactions.covers(other)).toBe(false);
    expect(interactions.between(one, other)).toEqual({ state: 'not-covered', drugs: [other] });
  });

  test('a brand of several ingredients speaks for each; variants inherit as they do from the shipped tables', () => {
    const { interactions } = layered(row('Bactrim', 'loratadine', 3), row('theophylline', 'loratadine', 2));
    for (const part of ['sulfamethoxazole', 'trimethoprim'])
      expect(interactions.severity(drug(part), drug('loratadine'))).toBe(3);
    const [inherited] = interactions.among([drug('aminophylline'), drug('loratadine')]);
    expect(inherited).toMatchObject({
      severity: 2,
      sources: [{ source: SITE_SOURCE, recordedFor: 'theophylline' }],
    });
    expect(interactions.severity(drug('acyclovir'), drug('loratadine'))).toBe(
      shipped().severity(drug('acyclovir'), drug('loratadine')),
    );
  });

  test('the version names the table, changes with any row, and is the same for the same rows', () => {
    const one = layered(row('metformin', 'omeprazole', 2));
    const same = layered(row('metformin', 'omeprazole', 2));
    const other = layered(row('metformin', 'omeprazole', 3));
    expect(one.version).toMatch(/^.+\+site-[0-9a-f]{8}$/);
    expect(one.version).toBe(same.version);
    expect(one.version).not.toBe(other.version);
    expect(one.interactionVersion).not.toBe(shippedKnowledge().interactionVersion);
  });

  test('for any rows without a reason: no pair falls, and each stated pair is at least what it states', () => {
    const pool = [
      'warfarin',
      'aspirin',
      'ibuprofen',
      'fluconazole',
      'metformin',
      'omeprazole',
      'digoxin',
      'amiodarone',
    ];
    const anyRow = fc
      .record({
        a: fc.constantFrom(...pool),
        b: fc.constantFrom(...pool),
        severity: fc.constantFrom(1, 2, 3, 4),
      })
      .filter(({ a, b }) => a !== b)
      .map(({ a, b, severity }) => row(a, b, severity));
    fc.assert(
      fc.property(fc.array(anyRow, { minLength: 1, maxLength: 8 }), (rows) => {
        const { interactions } = layered(...rows);
        for (const a of pool.map(drug))
          for (const b of pool.map(drug))
            expect(interactions.severity(a, b)).toBeGreaterThanOrEqual(shipped().severity(a, b));
        for (const { a, b, severity } of rows)
          expect(interactions.severity(drug(a), drug(b))).toBeGreaterThanOrEqual(severity);
      }),
      { numRuns: 40 },
    );
  });
});
