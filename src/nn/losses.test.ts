import { describe, expect, it } from 'vitest';
import { analyticGradients, checkGradients } from './gradient-check.ts';
import { binaryCrossEntropy, crossEntropy, squaredError } from './losses.ts';
import { mul } from './ops.ts';
import { Random } from './random.ts';
import { type Scope, from, normal } from './scope.ts';

const random = new Random(5);
const targets = Int32Array.from({ length: 6 }, () => random.int(4));
const rowWeights = [0.5, 0, 0.25, 1, 0.125, 2];
const labels = Float64Array.from({ length: 12 }, () => random.int(2));
const cellWeights = Float64Array.from({ length: 12 }, () => random.uniform());

const ce = (scope: Scope) =>
  crossEntropy(
    scope.parameter('z', [6, 4], normal(2)),
    scope.input('targets', 'int32', [6]),
    scope.input('weights', 'float', [6]),
  );
const bce = (scope: Scope) =>
  binaryCrossEntropy(
    scope.parameter('z', [3, 4], normal(2)),
    scope.input('y', 'float', [3, 4]),
    scope.input('weights', 'float', [3, 4]),
  );

describe('cross-entropy', () => {
  it('has the gradient of its central differences', async () => {
    const report = await checkGradients(ce, { batch: { targets, weights: rowWeights } });
    expect(report.worst).toBeLessThan(1e-8);
    const mean = await checkGradients((s) =>
      mul(crossEntropy(s.parameter('z', [2, 3], normal(2)), s.graph.constant([2, 0], 'int64')), 3),
    );
    expect(mean.worst).toBeLessThan(1e-8);
  });

  it('is Σ w·(log Σ exp z − z_target), also where exp overflows', async () => {
    const z = [1000, -1000, 0, 3, 2, 1];
    const { loss, gradients } = await analyticGradients(
      (s) => crossEntropy(s.parameter('z', [2, 3], from(z)), s.graph.constant([1, 0], 'int32')),
      { floatType: 'float32' },
    );
    const second = Math.log(Math.exp(3) + Math.exp(2) + Math.exp(1)) - 3;
    expect(loss).toBeCloseTo((2000 + second) / 2, 3);
    expect([...gradients.get('z')!].every(Number.isFinite)).toBe(true);
    expect(gradients.get('z')!.slice(0, 3)).toEqual(Float32Array.of(0.5, -0.5, 0));
  });

  it('gives rows of weight 0 no gradient', async () => {
    const { gradients } = await analyticGradients(ce, { batch: { targets, weights: rowWeights } });
    expect([...gradients.get('z')!.slice(4, 8)].every((d) => d === 0)).toBe(true);
  });
});

describe('binary cross-entropy', () => {
  it('has the gradient of its central differences', async () => {
    expect((await checkGradients(bce, { batch: { y: labels, weights: cellWeights } })).worst).toBeLessThan(
      1e-8,
    );
    const mean = await checkGradients((s) =>
      binaryCrossEntropy(
        s.parameter('z', [2, 2], normal(2)),
        s.graph.constant([1, 0, 0.3, 1], 'float', [2, 2]),
      ),
    );
    expect(mean.worst).toBeLessThan(1e-8);
  });

  it('agrees with −y log σ(z) − (1−y) log(1−σ(z)), and stays finite at ±1000', async () => {
    const of = (z: number[], y: number[]) =>
      analyticGradients(
        (s) => binaryCrossEntropy(s.parameter('z', [z.length], from(z)), s.graph.constant(y, 'float')),
        { floatType: 'float32' },
      );
    const sigma = (x: number) => 1 / (1 + Math.exp(-x));
    const expected = (-Math.log(sigma(1.5)) - Math.log(1 - sigma(-0.5))) / 2;
    expect((await of([1.5, -0.5], [1, 0])).loss).toBeCloseTo(expected, 6);
    const extreme = await of([1000, -1000, 1000, -1000], [1, 0, 0, 1]);
    expect(extreme.loss).toBeCloseTo(500, 3);
    expect([...extreme.gradients.get('z')!]).toEqual([0, 0, 0.25, -0.25]);
  });

  it('refuses targets of another shape', async () => {
    const wrong = (s: Scope) =>
      binaryCrossEntropy(s.parameter('z', [4], normal(1)), s.graph.constant([1], 'float'));
    await expect(analyticGradients(wrong)).rejects.toMatchObject({ code: 'shape-mismatch' });
  });
});

it('squared error has the gradient of its central differences', async () => {
  const report = await checkGradients((s) =>
    squaredError(s.parameter('a', [2, 3], normal(1)), s.parameter('b', [3], normal(1))),
  );
  expect(report.worst).toBeLessThan(1e-8);
});
