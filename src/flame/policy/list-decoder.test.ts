import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { DrugId } from '../../shared/ids.ts';
import { EVALUATION_SEVERITY, HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import { ALPHA_GRID, decode } from '../lists/decoding.ts';
import { severityOf } from '../lists/pair-matrix.ts';
import { drugNames, initialPolicy, pairsAmong, plainContext } from '../testing/small-policy.ts';
import { decodeLists, type ListProblem, TOLERANCE } from './list-decoder.ts';
import type { PolicyConfig, PolicyShape, PolicyTables } from './network.ts';
import { PolicyRunner } from './runner.ts';

const DRUGS = 9;
const NAMES = drugNames(DRUGS);
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
const PAIRS = pairsAmong(NAMES, [
  [0, 1, 2],
  [1, 2, 3],
  [2, 3, 4],
  [4, 5, 2],
  [5, 6, 4],
  [0, 8, 1],
]);
const TABLES: PolicyTables = { pairs: PAIRS };
const runners = [1, 2, 3].map(
  (seed) =>
    new PolicyRunner({
      config: CONFIG,
      shape: SHAPE,
      tables: TABLES,
      vectors: plainContext(SHAPE.context),
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

function problemOf({ probabilities, ids, excluded, current }: Drawn): ListProblem {
  return {
    drugs: NAMES,
    probabilities,
    pairs: PAIRS,
    currentRows: current,
    excluded: new Set(excluded),
    ids,
    weights: ids.map(() => 1),
  };
}
interface Drawn {
  readonly probabilities: number[];
  readonly ids: number[];
  readonly excluded: DrugId[];
  readonly current: number[][];
}

describe('the policy’s lists along the slider', () => {
  it('never hold what a hard rule forbids, never gain interactions toward safety, and tell their steps', async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ probabilities, ids, excluded, current, runner }) => {
        const points = await decodeLists(runner, problemOf({ probabilities, ids, excluded, current }));
        expect(points.map(({ alpha }) => alpha)).toEqual([...ALPHA_GRID]);
        expect(points.at(-1)!.interactionCount).toBe(0);
        expect(JSON.parse(JSON.stringify(points))).toEqual(points);
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

  it('stand only where they are not clearly worse by the classifier’s own probabilities', async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ runner, ...drawn }) => {
        const problem = problemOf(drawn);
        const [[edited], [penalised]] = [await decodeLists(runner, problem), decode(problem)];
        const fewer = edited!.interactionCount < penalised!.interactionCount;
        expect(fewer || penalised!.expectedJaccard - edited!.expectedJaccard <= TOLERANCE).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('start from penalised decoding at every position: a policy that edits nothing leaves its lists', async () => {
    const still: Pick<PolicyRunner, 'run'> = {
      run: (prefixes, rows) =>
        Promise.resolve(
          rows.map(({ prefix }) => {
            const { start } = prefixes[prefix]!;
            return { start, actions: [2 * DRUGS], list: start };
          }),
        ),
    };
    await fc.assert(
      fc.asyncProperty(problems, async (drawn) => {
        const problem = problemOf(drawn);
        expect(await decodeLists(still, problem)).toEqual(decode(problem));
      }),
      { numRuns: 1000 },
    );
  });
});
