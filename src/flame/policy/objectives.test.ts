import { describe, expect, it } from 'vitest';
import { checkGradients } from '../../nn/gradient-check.ts';
import { Random } from '../../nn/random.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { buildPairMatrix } from '../lists/pair-matrix.ts';
import type { PolicyConfig, PolicyShape, PolicyTables } from './network.ts';
import { expectedCreditObjective, grpoObjective, supervisedObjective, surrogate } from './objectives.ts';
import { ListState } from './potential.ts';
import { SequenceBatch } from './sequence-batch.ts';

const CONFIG: PolicyConfig = {
  width: 8,
  layers: 2,
  heads: 2,
  hidden: 8,
  startSlots: 2,
  actionSlots: 3,
  dropout: 0,
};
const SHAPE: PolicyShape = { drugs: 4, context: 3 };
const NAMES = ['a', 'b', 'c', 'd'].map((name) => asId<DrugId>(name));
const TABLES: PolicyTables = {
  pairs: buildPairMatrix(NAMES, [
    { a: NAMES[0]!, b: NAMES[1]!, severity: 2 },
    { a: NAMES[2]!, b: NAMES[3]!, severity: 3 },
  ]),
  drugFeatures: { width: 2, values: Float32Array.from([1, 0, 0, 1, 0.5, 0.5, 0, 0]) },
};
const ROWS = 2;
const CELLS = ROWS * CONFIG.actionSlots;
const SEQUENCES = [
  { start: [0, 2], actions: [1, 4, 8], truth: [1, 2], alpha: 0.2 },
  { start: [3], actions: [0, 8], truth: [0, 3], alpha: 0.9 },
];

function batch(): Record<string, Float32Array | Int32Array> {
  const sequences = new SequenceBatch(CONFIG, SHAPE, ROWS);
  const random = new Random(3);
  SEQUENCES.forEach(({ start, actions, alpha }, row) => {
    sequences.writeActions(row, start, actions, alpha, 'interleaved');
    start.forEach((drug, slot) => {
      sequences.prefix.start[row * 2 + slot] = drug;
      sequences.prefix.startKeep[row * 2 + slot] = 1;
      sequences.prefix.startScores[row * 2 + slot] = random.normal();
    });
  });
  sequences.prefix.scores.forEach((_, i) => (sequences.prefix.scores[i] = random.normal()));
  sequences.prefix.context.forEach((_, i) => (sequences.prefix.context[i] = random.normal()));
  return { ...sequences.inputs() };
}

const weights = Float32Array.from([0.2, 0.2, 0.2, 0.2, 0.2, 0]);
const truth = Float32Array.from([0, 1, 1, 0, 1, 0, 0, 1]);
const numbers = (seed: number, scale: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: CELLS }, () => random.normal() * scale);
};

describe('gradients of the whole objective, by central differences in float64', () => {
  it('supervised', async () => {
    const report = await checkGradients((scope) => supervisedObjective(scope, CONFIG, SHAPE, TABLES, ROWS), {
      batch: { ...batch(), truth, weights },
      points: 12,
    });
    expect(report.worst).toBeLessThan(1e-6);
    expect(report.checked).toBeGreaterThan(200);
  });

  it('GRPO with clipped and unclipped ratios of both signs', async () => {
    const report = await checkGradients(
      (scope) => grpoObjective(scope, CONFIG, SHAPE, TABLES, ROWS, { clip: 0.2, klWeight: 0.1 }),
      {
        batch: {
          ...batch(),
          chosen: Int32Array.from([1, 4, 8, 0, 8, 8]),
          advantages: numbers(5, 1),
          oldLogProbabilities: numbers(6, 0.3).map((x) => x - 1.8),
          referenceLogProbabilities: numbers(7, 0.3).map((x) => x - 1.8),
          weights,
        },
        points: 12,
      },
    );
    expect(report.worst).toBeLessThan(1e-6);
  });

  it('expected step credit', async () => {
    const counts = new Float32Array(CELLS * 3);
    SEQUENCES.forEach(({ start, actions, truth: wanted }, row) => {
      const state = new ListState(start, wanted, TABLES.pairs);
      for (let n = 0; n < CONFIG.actionSlots; n += 1) {
        counts.set(state.counts, (row * CONFIG.actionSlots + n) * 3);
        const id = actions[n];
        if (id !== undefined && id < 4) state.add(id);
        else if (id !== undefined && id < 8) state.remove(id - 4);
      }
    });
    const report = await checkGradients(
      (scope) => expectedCreditObjective(scope, CONFIG, SHAPE, TABLES, ROWS, 0.01),
      {
        batch: {
          ...batch(),
          truth,
          counts,
          truthSizes: new Float32Array(CELLS).fill(2),
          interactionWeights: new Float32Array(CELLS).fill(0.7),
          weights,
        },
        points: 12,
      },
    );
    expect(report.worst).toBeLessThan(1e-6);
  });
});

describe('clipped surrogate', () => {
  it('matches GRPO’s formula worked by hand, and stops the gradient where the clip binds', async () => {
    // Ratio 1.5 with a positive advantage is clipped to 1.2; with a negative one it is not.
    const build = (advantage: number) => (scope: Parameters<typeof supervisedObjective>[0]) => {
      const g = scope.graph;
      const one = (value: number) => g.constant([value], 'float', [1]);
      const logProbability = scope.parameter('p', [1], () => [Math.log(0.6)]);
      return surrogate(
        {
          logProbability,
          advantages: one(advantage),
          old: one(Math.log(0.4)),
          reference: one(Math.log(0.3)),
          weights: one(1),
        },
        { clip: 0.2, klWeight: 0.5 },
      );
    };
    const divergence = 0.5 - Math.log(0.5) - 1;
    const up = await checkGradients(build(2));
    const down = await checkGradients(build(-2));
    expect(up.loss).toBeCloseTo(-(1.2 * 2) + 0.5 * divergence, 6);
    expect(down.loss).toBeCloseTo(1.5 * 2 + 0.5 * divergence, 6);
    expect(Math.max(up.worst, down.worst)).toBeLessThan(1e-6);
  });
});
