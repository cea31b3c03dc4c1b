import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../nn/dtype.ts';
import { InferenceModel } from '../../nn/inference.ts';
import { Random } from '../../nn/random.ts';
import { reshape } from '../../nn/shape-ops.ts';
import { drugNames, initialPolicy, pairsAmong, plainContext } from '../testing/small-policy.ts';
import { type PolicyConfig, policySequences, type PolicyShape, type PolicyTables } from './network.ts';
import { greedy, logProbabilityOf, PolicyRunner, type RunRow, sampleAction } from './runner.ts';
import { type PrefixRow, SequenceBatch, writePrefix } from './sequence-batch.ts';

const CONFIG: PolicyConfig = {
  width: 16,
  layers: 2,
  heads: 2,
  hidden: 24,
  startSlots: 3,
  actionSlots: 6,
  dropout: 0,
};
const DRUGS = 7;
const SHAPE: PolicyShape = { drugs: DRUGS, context: 4 };
const TABLES: PolicyTables = {
  pairs: pairsAmong(drugNames(DRUGS), [
    [0, 1, 2],
    [2, 5, 3],
  ]),
};
const VECTORS = plainContext(SHAPE.context);

/** Weights large enough that different states choose different actions. */
const weightsOf = (seed: number): Map<string, HostTensor> => initialPolicy(CONFIG, SHAPE, TABLES, seed, 3);

function runnerOf(
  parameters: ReadonlyMap<string, HostTensor>,
  maxRows: number,
  buckets: readonly number[],
): PolicyRunner {
  return new PolicyRunner({
    config: CONFIG,
    shape: SHAPE,
    tables: TABLES,
    vectors: VECTORS,
    parameters,
    maxRows,
    buckets,
  });
}

function prefixesOf(count: number, seed: number): PrefixRow[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({
    probabilities: Float32Array.from({ length: DRUGS }, () => random.uniform()),
    ids: [random.int(12), random.int(12)],
    weights: [1, random.normal()],
    start: random.shuffle([0, 1, 2, 3, 4, 5, 6]).slice(0, random.int(4)),
  }));
}

describe('cached decoding', () => {
  it('equals recomputing the whole sequence, action for action and logit for logit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const parameters = weightsOf(seed);
        const prefixes = prefixesOf(3, seed);
        const rows: RunRow[] = [
          { prefix: 0, alpha: 0, mode: 'interleaved' },
          { prefix: 0, alpha: 1, mode: 'interleaved' },
          { prefix: 1, alpha: 0.5, mode: 'add' },
          { prefix: 2, alpha: 0.3, mode: 'remove' },
          { prefix: 2, alpha: 0.9, mode: 'interleaved' },
        ];
        const runner = runnerOf(parameters, 8, [1, 4]);
        const seen = rows.map((): Float32Array[] => []);
        const sequences = await runner.run(prefixes, rows, (state, logits) => {
          seen[state.row]!.push(logits.slice());
          return greedy(state, logits);
        });
        await runner.close();
        const full = await wholeLogits(
          parameters,
          prefixes,
          rows,
          sequences.map(({ actions }) => actions),
        );
        rows.forEach((_, row) => {
          seen[row]!.forEach((logits, n) => {
            const slow = full[row]!.subarray(n * logits.length, (n + 1) * logits.length);
            expect(greedy({ row, list: new Set(), step: n }, slow)).toBe(sequences[row]!.actions[n]);
            logits.forEach((value, i) => {
              if (value > -1e8) expect(value).toBeCloseTo(slow[i]!, 3);
            });
          });
        });
        const every = sequences.flatMap(({ actions }) => actions);
        expect(every.length).toBeGreaterThan(0);
      }),
      { numRuns: 4 },
    );
  });

  it('never adds what stands on the list, removes what does not, or leaves its mode', async () => {
    const parameters = weightsOf(11);
    const prefixes = prefixesOf(20, 12);
    const modes = ['interleaved', 'add', 'remove'] as const;
    const rows: RunRow[] = prefixes.map((_, prefix) => ({
      prefix,
      alpha: prefix / 20,
      mode: modes[prefix % 3]!,
    }));
    const runner = runnerOf(parameters, 20, [8]);
    const random = new Random(4);
    const sequences = await runner.run(prefixes, rows, (_, logits) =>
      sampleAction(logits, 2, random.uniform()),
    );
    await runner.close();
    sequences.forEach(({ start, actions, list }, row) => {
      const state = new Set(start);
      actions.forEach((id, n) => {
        const action = runner.space.decode(id);
        if (action.kind === 'stop') expect(n).toBe(actions.length - 1);
        if (action.kind === 'add') {
          expect(state.has(action.drug)).toBe(false);
          expect(rows[row]!.mode).not.toBe('remove');
          state.add(action.drug);
        }
        if (action.kind === 'remove') {
          expect(state.delete(action.drug)).toBe(true);
          expect(rows[row]!.mode).not.toBe('add');
        }
      });
      expect(list.toSorted()).toEqual([...state].toSorted());
    });
    expect(new Set(sequences.map(({ actions }) => actions.length)).size).toBeGreaterThan(1);
  });
});

describe('sampling', () => {
  it('draws in proportion to the softmax', () => {
    const logits = Float32Array.from([0, Math.log(3), -1e9]);
    const counts = [0, 0, 0];
    for (let i = 0; i < 1000; i += 1) counts[sampleAction(logits, 1, (i + 0.5) / 1000)]! += 1;
    expect(counts).toEqual([250, 750, 0]);
    expect(logProbabilityOf(logits, 1)).toBeCloseTo(Math.log(0.75), 6);
  });
});

/** Logits of whole sequences through the training graph, a row at a time: [row][actionSlots · actions]. */
async function wholeLogits(
  parameters: ReadonlyMap<string, HostTensor>,
  prefixes: readonly PrefixRow[],
  rows: readonly RunRow[],
  actions: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const batch = new SequenceBatch(CONFIG, SHAPE, 1);
  const model = new InferenceModel(
    (scope) => {
      const { logits } = policySequences(scope, CONFIG, SHAPE, TABLES, 1);
      return { logits: reshape(logits, [1, CONFIG.actionSlots, batch.space.size]) };
    },
    { parameters, buckets: [1] },
  );
  const found: Float32Array[] = [];
  for (const [i, { prefix, alpha, mode }] of rows.entries()) {
    writePrefix(batch.prefix, 0, prefixes[prefix]!, VECTORS, CONFIG);
    batch.writeActions(0, prefixes[prefix]!.start, actions[i]!, alpha, mode);
    const { logits } = await model.run({ ...batch.inputs() }, 1);
    found.push(logits!.data as Float32Array);
  }
  await model.close();
  return found;
}
