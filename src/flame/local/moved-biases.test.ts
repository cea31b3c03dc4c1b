import { expect, it } from 'vitest';
import { Random } from '../../nn/random.ts';
import type { ScoreTable } from '../evaluation/metrics.ts';
import { logit, sigmoid } from '../probability.ts';
import { addOffsets, fitOffsets, movedBiases } from './moved-biases.ts';

const random = new Random(3);
const VISITS = 60;
const scores: ScoreTable = {
  visits: VISITS,
  drugs: 3,
  values: Float32Array.from({ length: VISITS * 3 }, () => sigmoid(random.normal() - 2)),
};
const all = Array.from({ length: VISITS }, (_, visit) => visit);
/** The first drug at most visits, the second at none, the third at every tenth. */
const truth = all.map((visit) => [...(visit % 4 === 0 ? [] : [0]), ...(visit % 10 === 0 ? [2] : [])]);
const offsets = fitOffsets(scores, truth, all);

it('stands where the gradient of the penalised loss is zero', () => {
  const uses = [45, 0, 6];
  offsets.forEach((offset, drug) => {
    const expected = all.reduce(
      (sum, visit) => sum + sigmoid(logit(scores.values[visit * 3 + drug]!) + offset),
      0,
    );
    expect(expected - uses[drug]! + offset).toBeCloseTo(0, 6);
  });
  expect(offsets[0]).toBeGreaterThan(2);
  expect(offsets[1]).toBeLessThan(-1);
});

it('sees the visits that it is given and no others', () => {
  const half = all.slice(0, 30);
  const changed = truth.map((list, visit) => (visit < 30 ? list : [1]));
  expect(fitOffsets(scores, changed, half)).toEqual(fitOffsets(scores, truth, half));
});

it('moves every member’s biases by what it adds to the logits of their mean', () => {
  const parameters = new Map(
    ['', 'members.1.'].map((prefix, member) => [
      `${prefix}drugs.bias`,
      { dtype: 'float32' as const, shape: [3], data: Float32Array.of(member, -1, 0) },
    ]),
  );
  const manifest = { network: { kind: 'flame', members: 2 } } as unknown as Parameters<
    typeof movedBiases
  >[0]['manifest'];
  const moved = movedBiases({ parameters, manifest }, Float64Array.of(1, 2, -3));
  expect([...moved.values()].map(({ data }) => [...(data as Float32Array)])).toEqual([
    [1, 1, -3],
    [2, 1, -3],
  ]);
  const into = new Float32Array(VISITS * 3);
  addOffsets(scores, Float64Array.of(1, 2, -3), [7], into);
  [1, 2, -3].forEach((offset, drug) =>
    expect(logit(into[7 * 3 + drug]!)).toBeCloseTo(logit(scores.values[7 * 3 + drug]!) + offset, 4),
  );
  expect(into.subarray(0, 21).every((value) => value === 0)).toBe(true);
});
