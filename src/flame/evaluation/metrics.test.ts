import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  bootstrapMean,
  calibrationError,
  countInteractions,
  mean,
  pairedBootstrap,
  rankDrugs,
  rPrecision,
  safetyOf,
  setQuality,
  standardDeviation,
} from './metrics.ts';
import type { PairMatrix } from '../lists/pair-matrix.ts';

const scoresAndTruth = fc.integer({ min: 1, max: 12 }).chain((drugs) =>
  fc.record({
    scores: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: drugs, maxLength: drugs }),
    truth: fc.uniqueArray(fc.integer({ min: 0, max: drugs - 1 }), { minLength: 1, maxLength: drugs }),
    chosen: fc.uniqueArray(fc.integer({ min: 0, max: drugs - 1 }), { maxLength: drugs }),
  }),
);

describe('set quality', () => {
  it('agrees with the example worked by hand', () => {
    // chosen {a, b, c}, truth {b, c, d, e}: 2 in common, 5 in the union
    const quality = setQuality([0, 1, 2], [1, 2, 3, 4]);
    expect(quality.jaccard).toBeCloseTo(2 / 5, 12);
    expect(quality.f1).toBeCloseTo(4 / 7, 12);
    expect(quality.precision).toBeCloseTo(2 / 3, 12);
    expect(quality.recall).toBeCloseTo(2 / 4, 12);
  });

  it('handles empty lists', () => {
    expect(setQuality([], []).jaccard).toBe(1);
    expect(setQuality([], [1])).toEqual({ jaccard: 0, f1: 0, precision: 0, recall: 0 });
    expect(setQuality([1], []).jaccard).toBe(0);
  });

  it('agrees with sets on any input, and F1 = 2J / (1 + J)', () => {
    fc.assert(
      fc.property(scoresAndTruth, ({ chosen, truth }) => {
        const quality = setQuality(chosen, truth);
        const union = new Set([...chosen, ...truth]).size;
        const common = chosen.filter((drug) => truth.includes(drug)).length;
        expect(quality.jaccard).toBeCloseTo(common / union, 12);
        expect(quality.f1).toBeCloseTo((2 * quality.jaccard) / (1 + quality.jaccard), 12);
      }),
    );
  });
});

describe('ranking', () => {
  it('agrees with the example worked by hand', () => {
    // ranked c, a, d, b with truth {a, b}: precision 1/2 at rank 2, 2/4 at rank 4
    const ranking = rankDrugs([0.6, 0.1, 0.9, 0.5]);
    expect(Array.from(ranking)).toEqual([2, 0, 3, 1]);
    expect(averagePrecision(ranking, [0, 1])).toBeCloseTo((1 / 2 + 2 / 4) / 2, 12);
    expect(rPrecision(ranking, [0, 1])).toBeCloseTo(1 / 2, 12);
  });

  it('breaks ties by position', () => {
    expect(Array.from(rankDrugs([0.5, 0.7, 0.5]))).toEqual([1, 0, 2]);
  });

  it('agrees with the slow definition', () => {
    fc.assert(
      fc.property(scoresAndTruth, ({ scores, truth }) => {
        const order = scores.map((_, i) => i).sort((i, j) => scores[j]! - scores[i]! || i - j);
        const precisionAt = (k: number): number =>
          order.slice(0, k).filter((drug) => truth.includes(drug)).length / k;
        const slow = mean(truth.map((drug) => precisionAt(order.indexOf(drug) + 1)));
        expect(averagePrecision(rankDrugs(scores), truth)).toBeCloseTo(slow, 12);
        expect(rPrecision(rankDrugs(scores), truth)).toBeCloseTo(precisionAt(truth.length), 12);
      }),
    );
  });

  it('is perfect for a perfect ranking and 0 without a true drug', () => {
    expect(averagePrecision([3, 1, 0, 2], [1, 3])).toBe(1);
    expect(averagePrecision([0, 1], [])).toBe(0);
  });
});

describe('safety', () => {
  // pairs 0–1 (severity 3) and 1–2 (severity 1, below the cut)
  const pairs: PairMatrix = { size: 3, levels: Uint8Array.from([0, 3, 0, 3, 0, 1, 0, 1, 0]) };

  it('counts pairs at the cut and above', () => {
    expect(countInteractions([0, 1, 2], pairs)).toBe(1);
    expect(countInteractions([1, 2], pairs)).toBe(0);
  });

  it('averages over visits and pools over pairs', () => {
    const summary = safetyOf([[0, 1], [0, 1, 2], [2], []], pairs);
    expect(summary.ddiRate).toBeCloseTo((1 + 1 / 3) / 4, 12);
    expect(summary.ddiRatePooled).toBeCloseTo(2 / 4, 12);
    expect(summary.visitsWithPair).toBeCloseTo(2 / 4, 12);
    expect(summary.meanLength).toBeCloseTo(6 / 4, 12);
  });
});

describe('intervals', () => {
  it('hold the mean, shrink with more visits and are reproducible', () => {
    const few = Float64Array.from({ length: 50 }, (_, i) => i % 2);
    const many = Float64Array.from({ length: 5000 }, (_, i) => i % 2);
    const [wide, narrow] = [bootstrapMean(few), bootstrapMean(many)];
    expect(wide.low).toBeLessThan(0.5);
    expect(wide.high).toBeGreaterThan(0.5);
    expect(narrow.high - narrow.low).toBeLessThan((wide.high - wide.low) / 5);
    // the normal approximation: ± 1.96 · 0.5 / √5000
    expect(narrow.high - narrow.low).toBeCloseTo((2 * 1.96 * 0.5) / Math.sqrt(5000), 2);
    expect(bootstrapMean(few)).toEqual(wide);
  });

  it('a paired difference is free of what the visits share', () => {
    const a = Float64Array.from({ length: 200 }, (_, i) => i);
    const b = a.map((value) => value - 1);
    expect(pairedBootstrap(a, b)).toEqual({ difference: 1, low: 1, high: 1 });
  });

  it('standard deviation of seeds is the sample one', () => {
    expect(standardDeviation([1, 2, 3])).toBeCloseTo(1, 12);
    expect(standardDeviation([5])).toBe(0);
  });
});

describe('calibration', () => {
  it('is 0 for scores that come true and large for scores that do not', () => {
    const visits = 100;
    const truth = Array.from({ length: visits }, (_, i) => (i % 4 === 0 ? [0] : []));
    const constant = (p: number): Float32Array => new Float32Array(visits).fill(p);
    expect(calibrationError({ visits, drugs: 1, values: constant(0.25) }, truth).error).toBeCloseTo(0, 6);
    expect(calibrationError({ visits, drugs: 1, values: constant(0.85) }, truth).error).toBeCloseTo(0.6, 6);
  });
});
