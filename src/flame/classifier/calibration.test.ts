import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../nn/dtype.ts';
import { Random } from '../../nn/random.ts';
import { atTemperature, crossEntropyAt, fitTemperature, foldTemperature } from './calibration.ts';
import { calibrationError, rankDrugs, rowOf, type ScoreTable } from '../evaluation/metrics.ts';
import { Predictor } from './predict.ts';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Labels drawn from sigmoid(z), beside scores that say sigmoid(z · overconfidence). */
function drawn(overconfidence: number): { scores: ScoreTable; truth: number[][] } {
  const random = new Random(3);
  const [visits, drugs] = [3000, 20];
  const values = new Float32Array(visits * drugs);
  const truth = Array.from({ length: visits }, (_, visit) =>
    Array.from({ length: drugs }, (__, drug) => drug).filter((drug) => {
      const z = -1 + 1.5 * random.normal();
      values[visit * drugs + drug] = sigmoid(z * overconfidence);
      return random.uniform() < sigmoid(z);
    }),
  );
  return { scores: { visits, drugs, values }, truth };
}

describe('temperature', () => {
  it('is found again after logits were stretched or shrunk, and mends the calibration', () => {
    for (const overconfidence of [0.6, 1, 1.7]) {
      const { scores, truth } = drawn(overconfidence);
      const temperature = fitTemperature(scores, truth);
      expect(temperature / overconfidence).toBeGreaterThan(0.96);
      expect(temperature / overconfidence).toBeLessThan(1.04);
      const after = calibrationError(atTemperature(scores, temperature), truth).error;
      expect(after).toBeLessThan(0.008);
      if (overconfidence !== 1) expect(after).toBeLessThan(calibrationError(scores, truth).error / 4);
    }
  });

  it('has no better neighbour', () => {
    const { scores, truth } = drawn(1.3);
    const temperature = fitTemperature(scores, truth);
    const best = crossEntropyAt(scores, truth, temperature);
    for (const factor of [0.9, 0.99, 1.01, 1.1])
      expect(crossEntropyAt(scores, truth, temperature * factor)).toBeGreaterThan(best);
  });

  it('has the cross-entropy worked by hand', () => {
    const scores = { visits: 1, drugs: 2, values: Float32Array.of(0.8, 0.5) };
    // Logit log 4 at temperature 2 is log 2: probability 2/3; logit 0 stays 1/2.
    expect(crossEntropyAt(scores, [[0]], 2)).toBeCloseTo(-Math.log(2 / 3) - Math.log(1 / 2), 6);
  });

  it('never changes a ranking', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2, maxLength: 20 }),
        fc.double({ min: 0.4, max: 2.5, noNaN: true }),
        (percents, temperature) => {
          const values = Float32Array.from(percents, (percent) => percent / 100);
          const scores = { visits: 1, drugs: values.length, values };
          const scaled = atTemperature(scores, temperature);
          expect(rankDrugs(rowOf(scaled, 0))).toEqual(rankDrugs(rowOf(scores, 0)));
        },
      ),
    );
  });

  it('folds into the weights of every member', async () => {
    const random = new Random(7);
    const network = { kind: 'flame', width: 4, hidden: 6, layers: 1, dropout: 0, members: 2 } as const;
    const shape = { features: 5, drugs: 3 };
    const tensor = (...dimensions: number[]): HostTensor => {
      const length = dimensions.reduce((product, one) => product * one, 1);
      return {
        dtype: 'float32',
        shape: dimensions,
        data: Float32Array.from({ length }, () => random.normal()),
      };
    };
    const member = (prefix: string): [string, HostTensor][] => [
      [`${prefix}features.weight`, tensor(5, 4)],
      [`${prefix}features.bias`, tensor(4)],
      [`${prefix}layers.0.norm.weight`, tensor(4)],
      [`${prefix}layers.0.gate_proj.weight`, tensor(6, 4)],
      [`${prefix}layers.0.up_proj.weight`, tensor(6, 4)],
      [`${prefix}layers.0.down_proj.weight`, tensor(4, 6)],
      [`${prefix}norm.weight`, tensor(4)],
      [`${prefix}drugs.weight`, tensor(3, 4)],
      [`${prefix}drugs.bias`, tensor(3)],
    ];
    const parameters = new Map([...member(''), ...member('members.1.')]);
    const rows = [
      { ids: [0, 3], weights: [1, 0.5] },
      { ids: [], weights: [] },
    ];
    const scoresOf = async (weights: ReadonlyMap<string, HostTensor>): Promise<ScoreTable> => {
      const predictor = new Predictor({ network, shape, parameters: weights, buckets: [2], threads: 1 });
      const scores = await predictor.score(rows);
      await predictor.close();
      return scores;
    };
    const expected = atTemperature(await scoresOf(parameters), 1.7).values;
    const folded = (await scoresOf(foldTemperature(parameters, network, 1.7))).values;
    folded.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  });
});
