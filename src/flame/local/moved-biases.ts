/**
 * The smallest adaptation of π_cls to a site: one offset of the logit for each drug, so that its probabilities sum up to what
 * the site prescribes. Every other weight stays; exact, without a learning rate. Chooses no visits.
 */

import type { HostTensor } from '../../nn/dtype.ts';
import { type DrugLists, rowOf, type ScoreTable } from '../evaluation/metrics.ts';
import type { ModelPack } from '../model-pack.ts';
import { DRUG_BIAS, memberCount, memberPrefix } from '../classifier/network.ts';
import { logitWithin, sigmoid } from '../probability.ts';

const SMALLEST = 1e-7;
/** Penalty on half the squared offset: a drug that the site never uses goes down a finite way. */
const RIDGE = 1;
const ITERATIONS = 50;
const PRECISION = 1e-9;

/** Offsets [drugs] with the least ridge-penalised log loss on the visits, by Newton's method, each drug by itself. */
export function fitOffsets(scores: ScoreTable, truth: DrugLists, visits: readonly number[]): Float64Array {
  const uses = new Float64Array(scores.drugs);
  for (const visit of visits) for (const drug of truth[visit]!) uses[drug]! += 1;
  return uses.map((used, drug) => {
    const logits = visits.map((visit) => logitWithin(SMALLEST, rowOf(scores, visit)[drug]!));
    let offset = 0;
    for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
      let slope = RIDGE * offset - used;
      let bend = RIDGE;
      for (const score of logits) {
        const p = sigmoid(score + offset);
        slope += p;
        bend += p * (1 - p);
      }
      // Far from the optimum the curve is flat and Newton's step too long.
      const step = Math.max(-1, Math.min(1, slope / bend));
      offset -= step;
      if (Math.abs(step) < PRECISION) break;
    }
    return offset;
  });
}

/** The probabilities of the given visits with the offsets added to their logits. */
export function addOffsets(
  scores: ScoreTable,
  offsets: Float64Array,
  visits: readonly number[],
  into: Float32Array,
): void {
  for (const visit of visits)
    into.set(
      rowOf(scores, visit).map((p, drug) => sigmoid(logitWithin(SMALLEST, p) + offsets[drug]!)),
      visit * scores.drugs,
    );
}

/** The drugs' biases of every member with the offsets in them, under the names of an adapter. */
export function movedBiases(
  { parameters, manifest }: Pick<ModelPack, 'parameters' | 'manifest'>,
  offsets: Float64Array,
): Map<string, HostTensor> {
  const members = Array.from({ length: memberCount(manifest.network) }, (_, member) => memberPrefix(member));
  return new Map(
    members.map((member) => {
      const { dtype, shape, data } = parameters.get(member + DRUG_BIAS)!;
      const moved = (data as Float32Array).map((bias, drug) => bias + offsets[drug]!);
      return [member + DRUG_BIAS, { dtype, shape, data: moved }];
    }),
  );
}
