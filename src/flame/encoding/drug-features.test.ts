import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { ALL_DRUG_FEATURES, type DrugFeatureParts, drugFeatures, interactionRows } from './drug-features.ts';

const knowledge = loadKnowledge(join(import.meta.dirname, '../../../resources/knowledge'));
const formulary = [
  'simvastatin',
  'lovastatin',
  'warfarin',
  'phenelzine',
  'sertraline',
  'fluoxetine',
  'amoxicillin',
  'a drug that no table knows',
].map((name) => asId<DrugId>(name));
const lists = [
  [0, 2],
  [0, 2, 6],
  [1, 2],
  [4, 3],
  [5, 6],
];
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('interaction neighbourhoods', () => {
  const rows = interactionRows(formulary, knowledge);

  it('rebuild the cosines between the severity rows of the tables', () => {
    const others = [...new Set([...knowledge.interactions.pairs()].flatMap(({ a, b }) => [a, b]))];
    const severities = formulary.map((drug) =>
      others.map((other) => knowledge.interactions.severity(knowledge.drugs.canonical(drug), other)),
    );
    severities.forEach((a, i) =>
      severities.forEach((b, j) => {
        const length = Math.sqrt(dot(a, a) * dot(b, b));
        expect(dot(rows[i]!, rows[j]!)).toBeCloseTo(length === 0 ? 0 : dot(a, b) / length, 6);
      }),
    );
  });

  it('put drugs with the same enemies together, and leave unknown drugs at 0', () => {
    const [simvastatin, lovastatin, , , sertraline, fluoxetine] = rows as [
      number[],
      number[],
      unknown,
      unknown,
      number[],
      number[],
    ];
    expect(dot(simvastatin, lovastatin)).toBeGreaterThan(dot(simvastatin, sertraline));
    expect(dot(sertraline, fluoxetine)).toBeGreaterThan(dot(simvastatin, fluoxetine));
    expect(Math.hypot(...rows.at(-1)!)).toBe(0);
  });
});

describe('drug features', () => {
  const widthOf = (parts: Partial<DrugFeatureParts>): number =>
    drugFeatures(formulary, lists, knowledge, {
      molecule: false,
      classes: false,
      coPrescription: false,
      interactions: false,
      ...parts,
    }).width;

  it('stand side by side, each part of a row of length 1 or 0', () => {
    const parts = [{ molecule: true }, { classes: true }, { coPrescription: true }, { interactions: true }];
    const widths = parts.map(widthOf);
    const all = drugFeatures(formulary, lists, knowledge, ALL_DRUG_FEATURES);
    expect(all.width).toBe(widths.reduce((sum, width) => sum + width, 0));
    expect(widthOf({})).toBe(0);
    formulary.forEach((_, drug) => {
      let at = drug * all.width;
      for (const width of widths) {
        const length = Math.hypot(...all.values.subarray(at, at + width));
        expect(length < 1e-6 || Math.abs(length - 1) < 1e-5).toBe(true);
        at += width;
      }
    });
  });

  it('say nothing of a drug that no table knows but whom it was prescribed with', () => {
    const { values } = drugFeatures(formulary, lists, knowledge, ALL_DRUG_FEATURES);
    expect(values.slice(-Math.round(values.length / formulary.length)).every((value) => value === 0)).toBe(
      true,
    );
  });
});
