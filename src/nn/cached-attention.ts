/** Attention of new tokens to a cache of earlier keys and values, and to each other. It stores no cache itself. */
import { type Projected, MASKED } from './attention.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { matmul } from './matrix-ops.ts';
import { add, mul, softmax, sub } from './ops.ts';
import { concat, reduceSum, reshape, split } from './shape-ops.ts';

/** Keys and values of earlier tokens of one layer. */
export interface PastKeyValues {
  readonly key: Tensor; // [B, keyValueHeads, capacity, headSize]
  readonly value: Tensor; // [B, keyValueHeads, capacity, headSize]
}

/** What hides slots of a cache: keep float [B, capacity], 1 for a slot to look at → [B, 1, 1, capacity]. */
export function pastBias(keep: Tensor): Tensor {
  return reshape(mul(sub(1, keep), MASKED), [keep.dim(0), 1, 1, keep.dim(1)]);
}

/**
 * `attend` over the keys of `past` followed by those of the new tokens themselves.
 * q [B, heads, S, headSize], k and v [B, keyValueHeads, S, headSize]; `hidden` from `pastBias`, `bias` from `maskBias`.
 * The cache is read where it lies, never joined with the new keys: that would copy all of it at every token.
 */
export function attendToCache(
  { q, k, v }: Projected,
  past: PastKeyValues,
  hidden: Tensor,
  bias?: Tensor,
): Tensor {
  const [batch, heads, length, headSize] = [q.dim(0), q.dim(1), q.dim(2), q.dim(3)];
  const [groups, capacity] = [past.key.dim(1), past.key.dim(2)];
  const shared = heads / groups;
  if (!Number.isInteger(shared))
    throw new NnError('shape-mismatch', `${heads} heads over ${groups} key-value heads`);
  const rows = [batch, groups, shared * length];
  const queries = reshape(mul(q, 1 / Math.sqrt(headSize)), [...rows, headSize]);
  const withBias = (scores: Tensor, sum: Tensor): Tensor => {
    const spread = reshape(sum, [sum.dim(0), 1, 1, sum.dim(2), sum.dim(3)]);
    const perHead = [batch, groups, shared, length, sum.dim(3)];
    return reshape(add(reshape(scores, perHead), spread), scores.shape);
  };

  const toPast = withBias(matmul(queries, past.key, { transB: true }), hidden);
  // A single new token needs no matrix product to look at itself.
  const toNew = length === 1 ? reduceSum(mul(queries, k), [-1]) : matmul(queries, k, { transB: true });
  const scores = concat([toPast, bias ? withBias(toNew, bias) : toNew], -1);
  const [ofPast, ofNew] = split(softmax(scores), -1, [capacity, length]) as [Tensor, Tensor];
  const fromNew = length === 1 ? mul(ofNew, v) : matmul(ofNew, v);
  return reshape(add(matmul(ofPast, past.value), fromNew), q.shape);
}
