import { describe, expect, it } from 'vitest';
import { hostTensor } from '../../nn/dtype.ts';
import { Random } from '../../nn/random.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import {
  contextSlot,
  ContextVectors,
  corruptList,
  errorStatistics,
  logitOf,
  policyCorpus,
} from './policy-corpus.ts';

/** Four visits of two drugs each; the classifier's scores decide what it misses and adds. */
const VISITS = {
  visits: 4,
  starts: Uint32Array.from([0, 0, 0, 0, 0]),
  ids: new Uint16Array(0),
  weights: new Float32Array(0),
  truth: [
    [0, 1],
    [0, 1],
    [2, 3],
    [0, 1, 2],
  ],
  years: new Uint16Array(4),
  clinicians: new Uint32Array(4),
  auxiliary: [[], [], [], []],
};
const SCORES = {
  visits: 4,
  drugs: 5,
  values: Float32Array.from([
    ...[0.9, 0.8, 0, 0, 0], // right
    ...[0.9, 0, 0.8, 0, 0], // misses 1, adds 2
    ...[0.9, 0.8, 0, 0, 0], // misses both, adds two
    ...[0.9, 0.9, 0, 0, 0], // misses one of three
  ]),
};

describe('errors of the classifier', () => {
  const corpus = policyCorpus(VISITS, SCORES);

  it('are counted by the length of the true list', () => {
    const { byLength } = errorStatistics(corpus);
    expect(byLength.get(2)).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(byLength.get(3)).toEqual([[1, 0]]);
  });

  it('are drawn in kind and number: likely extras, unlikely misses', () => {
    const statistics = { byLength: new Map([[2, [[1, 1]] as const]]) };
    const random = new Random(7);
    const probabilities = [0.9, 0.1, 0.6, 0.05, 0.001];
    const [missed, extra] = [new Map<number, number>(), new Map<number, number>()];
    for (let i = 0; i < 2000; i += 1) {
      const list = corruptList([0, 1], probabilities, statistics, random);
      expect(list).toHaveLength(2);
      for (const drug of [0, 1]) if (!list.includes(drug)) missed.set(drug, (missed.get(drug) ?? 0) + 1);
      for (const drug of list) if (drug > 1) extra.set(drug, (extra.get(drug) ?? 0) + 1);
    }
    // In proportion to 1 − p: 0.1 to 0.9. Extras in proportion to p: 0.6 to 0.05, and never the impossible one.
    expect(missed.get(1)! / 2000).toBeCloseTo(0.9, 1);
    expect(extra.get(2)! / 2000).toBeCloseTo(0.6 / 0.65, 1);
    expect(extra.has(4)).toBe(false);
  });
});

describe('context vectors', () => {
  it('sum embeddings by kind: patient, diagnoses, procedures', () => {
    const vocabulary = {
      features: ['age:40', 'dx:4019', 'pr:8609', 'rfv:10100', 'year:2008'],
    } as unknown as Vocabulary;
    const table = hostTensor('float32', [5, 2], [1, 0, 0, 2, 3, 3, 10, 20, 0, 7]);
    const out = new Float32Array(6);
    new ContextVectors(vocabulary, table).write([0, 1, 2, 3, 4], [0.5, 1, 1, 1, 1], out);
    expect([...out]).toEqual([0.5, 7, 10, 22, 3, 3]);
  });

  it('put medications to the patient, and the groups of a procedure to the procedures', () => {
    const slots = [
      'previous:aspirin',
      'current:aspirin',
      'pr2:86',
      'pr3:860',
      'dx3:401',
      'count:diagnoses:2',
    ];
    expect(slots.map(contextSlot)).toEqual([0, 0, 2, 2, 1, 0]);
  });

  it('cut logits where nothing is more certain', () => {
    expect(logitOf(0.5)).toBe(0);
    expect(logitOf(0)).toBe(-12);
    expect(logitOf(1)).toBe(12);
  });
});
