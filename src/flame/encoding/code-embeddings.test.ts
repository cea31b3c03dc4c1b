import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { codeEmbeddings, mutualInformation } from './code-embeddings.ts';
import { familyOf } from './features.ts';
import { prepare } from '../prepare.ts';
import { multiplySparse, spectralRows } from './spectral.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));

/** The matrix row by row, zeros written out. */
function dense(matrix: ReturnType<typeof mutualInformation>): number[][] {
  return Array.from({ length: matrix.size }, (_, column) => {
    const one = new Float64Array(matrix.size);
    one[column] = 1;
    return Array.from(multiplySparse(matrix, one));
  });
}

describe('mutual information', () => {
  // Four sets of {0, 1, 2}: n(0) = 3, n(1) = 2, n(2) = 2, n(0,1) = 2, n(0,2) = 1, n(1,2) = 0.
  const sets = [[0, 1], [1, 0], [0, 2], [2]];

  it('is the hand-worked table: log(4·2/(3·2)) for 0 and 1, below 0 and cut for 0 and 2', () => {
    const information = dense(mutualInformation(3, sets, 1));
    const expected = Math.log(4 / 3);
    [
      [0, expected, 0],
      [expected, 0, 0],
      [0, 0, 0],
    ].forEach((row, a) => row.forEach((value, b) => expect(information[a]![b]).toBeCloseTo(value, 6)));
  });

  it('leaves out pairs that met too rarely', () => {
    expect(mutualInformation(3, sets, 3).values).toHaveLength(0);
  });
});

describe('spectral rows', () => {
  it('rebuild a matrix from its positive eigenvalues alone', () => {
    // Eigenvalues 5 (1, 1, 0)/√2, 1 (0, 0, 1), −1 (1, −1, 0)/√2.
    const matrix = [
      [2, 3, 0],
      [3, 2, 0],
      [0, 0, 1],
    ];
    const multiply = (vector: Float64Array): Float64Array =>
      Float64Array.from(matrix, (row) => row.reduce((sum, value, i) => sum + value * vector[i]!, 0));
    const rows = spectralRows(3, multiply, 3);
    const product = rows.map((a) => rows.map((b) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)));
    [
      [2.5, 2.5, 0],
      [2.5, 2.5, 0],
      [0, 0, 1],
    ].forEach((row, a) => row.forEach((value, b) => expect(product[a]![b]).toBeCloseTo(value, 6)));
    const leading = spectralRows(3, multiply, 1);
    expect(Math.abs(leading[0]![0]!)).toBeCloseTo(Math.sqrt(2.5), 6);
    expect(leading[2]![0]).toBeCloseTo(0, 6);
  });
});

describe('code embeddings', () => {
  const prepared = prepare(
    syntheticVisits(1500),
    { trainYears: [1995, 2008], testYear: 2009, formularyMinimum: 50 },
    knowledge,
  );
  const { vocabulary, train, supplement, auxiliary, encoder } = prepared;
  const { width, values } = codeEmbeddings(vocabulary, [train, supplement], auxiliary.length, 8);
  const rowOf = (id: number): number[] => Array.from(values.subarray(id * width, (id + 1) * width));
  const of = (key: string): number[] => rowOf(vocabulary.features.indexOf(key));
  const cosine = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

  it('put a code beside its own families, away from other diseases', () => {
    const diabetes = of('dx:25000');
    expect(cosine(diabetes, of('dx3:250'))).toBeGreaterThan(0.9);
    for (const other of ['dx:4019', 'dx:49390'])
      expect(cosine(diabetes, of(other))).toBeLessThan(cosine(diabetes, of('dx3:250')) - 0.2);
  });

  it('have length 1, or 0 where nothing is embedded', () => {
    vocabulary.features.forEach((key, id) => {
      const length = Math.hypot(...rowOf(id));
      const isEmbedded = ['code', 'hierarchy', 'demographic'].includes(familyOf(key));
      if (!isEmbedded) expect(length, key).toBe(0);
      else if (length > 0) expect(length, key).toBeCloseTo(1, 5);
    });
    expect(Math.hypot(...of('dx:25000'))).toBeCloseTo(1, 5);
  });

  it('reach a code that training never saw through its family', () => {
    const unseen = encoder.encode({
      year: 2009,
      age: Number.NaN,
      sex: 'unknown',
      setting: 'office',
      specialty: null,
      reasons: [],
      diagnoses: [{ system: 'ICD-9-CM', code: '25082' }],
      chronic: [],
      procedures: [],
      currentMedications: [],
      previousMedications: [],
    });
    expect(vocabulary.features).not.toContain('dx:25082');
    const sum = new Array<number>(width).fill(0);
    for (const id of unseen.ids) rowOf(id).forEach((value, i) => (sum[i]! += value));
    expect(cosine(sum, of('dx:25000')) / Math.hypot(...sum)).toBeGreaterThan(0.8);
  });
});
