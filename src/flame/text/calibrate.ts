/** Makes the answers of a text model mean what they say: logit p = slope · z + frequency + intercept, fitted once. */
import type { DrugLists, ScoreTable } from '../evaluation/metrics.ts';
import { logitWithin } from '../probability.ts';

export interface TextCalibration {
  readonly slope: number;
  readonly intercept: number;
}

const SMALLEST = 1e-7;
const STEPS = 25;
const SMALLEST_SLOPE = 0.05;
/** Holds a fit on few visits near what training aimed at: slope 1, intercept 0. */
const RIDGE = 1;

/**
 * Newton's method on the cross-entropy of all drugs of all visits (Platt 1999, with the drug's frequency as offset).
 * @param scores probabilities at slope 1 and intercept 0
 */
export function fitCalibration(scores: ScoreTable, truth: DrugLists, prior: Float32Array): TextCalibration {
  let [slope, intercept] = [1, 0];
  for (let step = 0; step < STEPS; step += 1) {
    let [g0, g1, h00, h01, h11] = [RIDGE * (slope - 1), RIDGE * intercept, RIDGE, 0, RIDGE];
    for (let visit = 0; visit < scores.visits; visit += 1) {
      const wanted = new Set(truth[visit]);
      for (let drug = 0; drug < scores.drugs; drug += 1) {
        const z = logitWithin(SMALLEST, scores.values[visit * scores.drugs + drug]!) - prior[drug]!;
        const p = 1 / (1 + Math.exp(-(slope * z + prior[drug]! + intercept)));
        const error = p - (wanted.has(drug) ? 1 : 0);
        const weight = p * (1 - p);
        g0 += error * z;
        g1 += error;
        h00 += weight * z * z;
        h01 += weight * z;
        h11 += weight;
      }
    }
    const determinant = h00 * h11 - h01 * h01;
    slope = Math.max(SMALLEST_SLOPE, slope - (h11 * g0 - h01 * g1) / determinant);
    intercept -= (h00 * g1 - h01 * g0) / determinant;
  }
  return { slope, intercept };
}
