import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { EVALUATION_SEVERITY, HARD_RULE_SEVERITY, type Severity } from '../../shared/domain.ts';
import { ALPHA_GRID } from '../decoding.ts';
import { buildPairMatrix, severityOf } from '../pair-matrix.ts';
import { initialPolicy } from '../testing/initial-policy.ts';
import { decodeLists } from './list-decoder.ts';
import type { PolicyConfig, PolicyShape, PolicyTables } from './network.ts';
import type { ContextVectors } from './policy-corpus.ts';
import { PolicyRunner } from './runner.ts';

const DRUGS = 9;
const NAMES = Array.from({ length: DRUGS }, (_, i) => asId<DrugId>(`drug-${i}`));
const CONFIG: PolicyConfig = {
  width: 16,
  layers: 1,
  heads: 2,
  hidden: 16,
  startSlots: 4,
  actionSlots: 6,
  dropout: 0,
};
const SHAPE: PolicyShape = { drugs: DRUGS, context: 3 };
const level = (a: number, b: number, severity: Severity) => ({ a: NAMES[a]!, b: NAMES[b]!, severity });
const PAIRS = buildPairMatrix(NAMES, [
  level(0, 1, 2),
  level(1, 2, 3),
  level(2, 3, 4),
  level(4, 5, 2),
  level(5, 6, 4),
  level(0, 8, 1),
]);
const TABLES: PolicyTables = { pairs: PAIRS };
const VECTORS = {
  width: 3,
  write: (ids: ArrayLike<number>, weights: ArrayLike<number>, out: Float32Array) => {
    out.fill(0);
    for (let i = 0; i < ids.length; i += 1) out[ids[i]! % 9] = weights[i]!;
  },
} as unknown as ContextVectors;

const runners = [1, 2, 3].map(
  (seed) =>
    new PolicyRunner({
      config: CONFIG,
      shape: SHAPE,
      tables: TABLES,
      vectors: VECTORS,
      parameters: initialPolicy(CONFIG, SHAPE, TABLES, seed, 4),
      maxRows: ALPHA_GRID.length,
      buckets: [1, 11],
    }),
);
afterAll(async () => {
  for (const runner of runners) await runner.close();
});

const problems = fc.record({
  probabilities: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: DRUGS, maxLength: DRUGS }),
  ids: fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 90 }),
  excluded: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
  current: fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: DRUGS, maxLength: DRUGS }), {
    maxLength: 3,
  }),
  runner: fc.constantFrom(...runners),
});

describe('the policy’s lists along the slider', () => {
  it('never hold what a hard rule forbids, never gain interactions toward safety, and tell their steps', async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ probabilities, ids, excluded, current, runner }) => {
        const points = await decodeLists(runner, {
          drugs: NAMES,
          probabilities,
          pairs: PAIRS,
          currentRows: current,
          excluded: new Set(excluded),
          ids,
          weights: ids.map(() => 1),
        });
        expect(points.map(({ alpha }) => alpha)).toEqual([...ALPHA_GRID]);
        points.forEach(({ list, steps, interactionCount }, at) => {
          expect(new Set(list).size).toBe(list.length);
          for (const drug of list) expect(excluded).not.toContain(drug);
          const places = list.map((drug) => NAMES.indexOf(drug));
          let count = 0;
          places.forEach((i, n) => {
            for (const row of current) if (row[i]! >= EVALUATION_SEVERITY) count += 1;
            for (const j of places.slice(n + 1)) {
              expect(severityOf(PAIRS, i, j)).toBeLessThan(HARD_RULE_SEVERITY);
              if (severityOf(PAIRS, i, j) >= EVALUATION_SEVERITY) count += 1;
            }
          });
          expect(interactionCount).toBe(count);
          if (at > 0) expect(interactionCount).toBeLessThanOrEqual(points[at - 1]!.interactionCount);
          const replayed = new Set<DrugId>();
          let told = 0;
          for (const { action, drug, interactionChange } of steps) {
            if (action === 'add') replayed.add(drug);
            else replayed.delete(drug);
            told += interactionChange;
          }
          expect([...replayed].toSorted()).toEqual([...list].toSorted());
          expect(told).toBe(interactionCount);
        });
      }),
      { numRuns: 40 },
    );
  });
});
