import { expect, it } from 'vitest';
import { type HostTensor, floatsOf, hostTensor } from './dtype.ts';
import { InferenceModel } from './inference.ts';
import { embedding, linear } from './layers.ts';
import { binaryCrossEntropy } from './losses.ts';
import { sigmoid, silu } from './ops.ts';
import { Random } from './random.ts';
import type { Scope } from './scope.ts';
import { concat } from './shape-ops.ts';
import { Trainer } from './trainer.ts';

const forward = (scope: Scope, rows: number) => {
  const codes = embedding(scope.child('codes'), { count: 11, width: 4 });
  const ids = scope.input('ids', 'int32', [rows, 3]);
  const bag = codes.bag(ids, scope.input('weights', 'float', [rows, 3]));
  const features = concat([bag, scope.input('age', 'float', [rows, 1])], 1);
  const fixed = scope.buffer(
    'fingerprints',
    [6, 5],
    Array.from({ length: 30 }, (_, i) => (i % 7) / 7),
  );
  const logits = linear(scope.child('output'), { inputs: 5, outputs: 6 })(silu(features));
  return { logits, scores: sigmoid(logits), fixed };
};
const random = new Random(2);
const rowsOf = (rows: number) => ({
  ids: Int32Array.from({ length: rows * 3 }, () => random.int(11)),
  weights: Float32Array.from({ length: rows * 3 }, () => random.uniform()),
  age: Float32Array.from({ length: rows }, () => random.normal()),
});
const scored = (scope: Scope, rows: number) => {
  const { logits, scores } = forward(scope, rows);
  return { logits, scores };
};

/** Largest difference over the elements of a, which b starts with. */
const distance = (a: HostTensor, b: HostTensor) =>
  Math.max(...Array.from(floatsOf(a), (x, i) => Math.abs(x - floatsOf(b)[i]!)));

it('computes any number of rows as the training graph does, through padding and cutting', async () => {
  const rows = 21;
  const batch = rowsOf(rows);
  const trainer = await Trainer.create(
    (s) => {
      const { logits } = forward(s, rows);
      return { loss: binaryCrossEntropy(logits, s.input('labels', 'float', [rows, 6])), metrics: { logits } };
    },
    { seed: 3 },
  );
  const labels = new Float32Array(rows * 6);
  await trainer.step({ ...batch, labels }, { learningRate: 0.1 });
  const expected = (await trainer.step({ ...batch, labels }, { learningRate: 0 })).metrics['logits']!;

  const model = new InferenceModel(scored, { parameters: trainer.parameters(), buckets: [8, 1, 4] });
  await model.warmUp();
  const whole = await model.run(batch, rows);
  expect(whole['logits']!.shape).toEqual([rows, 6]);
  expect(whole['logits']!.data.length).toBe(expected.data.length);
  expect(distance(whole['logits']!, expected)).toBeLessThan(1e-6);
  for (const count of [1, 2, 5, 8]) {
    const part = {
      ids: batch.ids.subarray(0, count * 3),
      weights: batch.weights.subarray(0, count * 3),
      age: batch.age.subarray(0, count),
    };
    const { scores } = await model.run(part, count);
    expect(scores!.shape).toEqual([count, 6]);
    expect(distance(scores!, whole['scores']!)).toBeLessThan(1e-6);
  }
  await model.close();
  await trainer.close();
});

it('refuses rows that do not fit, weights that lack, and outputs without rows', async () => {
  const parameters = new Map([
    ['codes.weight', hostTensor('float32', [11, 4], new Float32Array(44))],
    ['output.weight', hostTensor('float32', [6, 5], new Float32Array(30))],
    ['output.bias', hostTensor('float32', [6], new Float32Array(6))],
  ]);
  const model = new InferenceModel(scored, { parameters, buckets: [2] });
  await expect(model.run(rowsOf(3), 2)).rejects.toMatchObject({ code: 'shape-mismatch' });
  await expect(model.run({ ids: new Int32Array(6) }, 2)).rejects.toMatchObject({ code: 'shape-mismatch' });
  await expect(model.run(rowsOf(2), 0)).rejects.toMatchObject({ code: 'shape-mismatch' });
  await model.close();
  const withFixed = new InferenceModel(forward, { parameters, buckets: [2] });
  await expect(withFixed.warmUp()).rejects.toMatchObject({ code: 'shape-mismatch' });
  parameters.set('output.bias', hostTensor('float32', [5], new Float32Array(5)));
  const mismatched = new InferenceModel(scored, { parameters });
  await expect(mismatched.warmUp()).rejects.toMatchObject({ code: 'weights-mismatch' });
});
