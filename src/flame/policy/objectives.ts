/**
 * The losses of the list policy over action logits: imitation of the missing and wrong drugs (METHOD section 2), and
 * GRPO's clipped surrogate with a KL penalty (METHOD section 1). Holds no data and runs nothing.
 */

import { EVALUATION_SEVERITY } from '../../shared/domain.ts';
import { gatherColumns } from '../../nn/gather-ops.ts';
import type { Tensor } from '../../nn/graph.ts';
import { gemm } from '../../nn/matrix-ops.ts';
import { add, div, exp, lastMaximum, log, maximum, mul, neg, sub } from '../../nn/ops.ts';
import type { Scope } from '../../nn/scope.ts';
import { concat, reduceSum, reshape, slice, sumAll } from '../../nn/shape-ops.ts';
import type { Objective } from '../../nn/train-step.ts';
import {
  overActions,
  type PolicyConfig,
  policySequences,
  type PolicyShape,
  type PolicyTables,
} from './network.ts';

/** log Σ exp of each row: [N, K] → [N, 1]. */
function logSumExp(logits: Tensor): Tensor {
  const top = lastMaximum(logits);
  return add(log(reduceSum(exp(sub(logits, top)), [1])), top);
}

/** log π of one action at each position: logits [N, actions], chosen int of N elements → [N]. */
export function chosenLogProbability(logits: Tensor, chosen: Tensor): Tensor {
  const positions = logits.dim(0);
  const picked = gatherColumns(logits, reshape(chosen, [positions, 1]));
  return reshape(sub(picked, logSumExp(logits)), [positions]);
}

/**
 * −Σ_n w_n Σ_a q_n(a) · log π(a | s_n). q is uniform over what is still to do: the missing drugs to add and the wrong
 * ones to remove, or stop when nothing is left. Inputs beside those of the network: truth [rows, drugs] of 0 and 1,
 * weights [rows·actionSlots], which should sum to 1.
 */
export function supervisedObjective(
  scope: Scope,
  config: PolicyConfig,
  shape: PolicyShape,
  tables: PolicyTables,
  rows: number,
): Objective {
  const { drugs } = shape;
  const positions = rows * config.actionSlots;
  const { logits, members, modes } = policySequences(scope, config, shape, tables, rows);
  const truth = scope.input('truth', 'float', [rows, drugs]);
  const weights = scope.input('weights', 'float', [positions]);
  const wanted = overActions(truth, config.actionSlots);
  const missing = mul(mul(wanted, sub(1, members)), slice(modes, 1, 0, 1));
  const wrong = mul(mul(sub(1, wanted), members), slice(modes, 1, 1, 2));
  const toDo = add(reduceSum(missing, [1]), reduceSum(wrong, [1]));
  const done = maximum(sub(1, toDo), 0); // 1 when nothing is left
  const target = div(concat([missing, wrong, done], 1), maximum(toDo, 1));
  const surprise = sub(logSumExp(logits), reduceSum(mul(target, logits), [1]));
  return { loss: sumAll(mul(reshape(surprise, [positions]), weights)) };
}

export interface GrpoSettings {
  /** ε of the clipped ratio. */
  readonly clip: number;
  /** Weight of the KL divergence to the reference policy. */
  readonly klWeight: number;
}

/**
 * −Σ_t w_t · [min(r_t·Â_t, clip(r_t, 1 ± ε)·Â_t) − κ·KL_t] over the tokens of sampled sequences (Shao et al. 2024, arXiv
 * 2402.03300, equations 3 and 4): r_t = π/π_old of the chosen action, KL_t = π_ref/π − log(π_ref/π) − 1.
 * Inputs beside those of the network, each [rows·actionSlots]: chosen (int), advantages, oldLogProbabilities,
 * referenceLogProbabilities, weights (0 for padding; they should sum to 1).
 */
export function grpoObjective(
  scope: Scope,
  config: PolicyConfig,
  shape: PolicyShape,
  tables: PolicyTables,
  rows: number,
  { clip, klWeight }: GrpoSettings,
): Objective {
  const positions = rows * config.actionSlots;
  const { logits } = policySequences(scope, config, shape, tables, rows);
  const input = (name: string): Tensor => scope.input(name, 'float', [positions]);
  const [advantages, old, reference, weights] = [
    input('advantages'),
    input('oldLogProbabilities'),
    input('referenceLogProbabilities'),
    input('weights'),
  ];
  const logProbability = chosenLogProbability(logits, scope.input('chosen', 'int32', [positions]));
  return surrogate({ logProbability, advantages, old, reference, weights }, { clip, klWeight });
}

/** The surrogate from log-probabilities [N]; apart, so that it can be checked without a network. */
export function surrogate(
  {
    logProbability,
    advantages,
    old,
    reference,
    weights,
  }: Readonly<Record<'logProbability' | 'advantages' | 'old' | 'reference' | 'weights', Tensor>>,
  { clip, klWeight }: GrpoSettings,
): Objective {
  const ratio = exp(sub(logProbability, old));
  const clipped = neg(maximum(neg(maximum(ratio, 1 - clip)), -(1 + clip)));
  const worst = neg(maximum(neg(mul(ratio, advantages)), neg(mul(clipped, advantages))));
  const drift = sub(reference, logProbability);
  const divergence = sub(sub(exp(drift), drift), 1);
  return {
    loss: sumAll(mul(sub(mul(divergence, klWeight), worst), weights)),
    metrics: { divergence: sumAll(mul(divergence, weights)) },
  };
}

/**
 * −Σ_t w_t · [Σ_a π(a|s_t)·(φ(s_t ∘ a) − φ(s_t)) + τ·H(π(·|s_t))]: step shaping for every action of a visited state
 * instead of the sampled one (Flame's own; the all-action policy gradient of Sutton et al. 2000, theorem 1, with the
 * potential difference as the value of an action). The potentials are exact, because training knows the true list.
 * Inputs beside those of the network: truth [rows, drugs]; counts [rows·actionSlots, 3] with hits, size and interacting
 * pairs of the list before the action; truthSizes, interactionWeights and weights [rows·actionSlots].
 */
export function expectedCreditObjective(
  scope: Scope,
  config: PolicyConfig,
  shape: PolicyShape,
  tables: PolicyTables,
  rows: number,
  temperature: number,
): Objective {
  const { drugs } = shape;
  const positions = rows * config.actionSlots;
  const { logits, members } = policySequences(scope, config, shape, tables, rows);
  const truth = scope.input('truth', 'float', [rows, drugs]);
  const wanted = overActions(truth, config.actionSlots);
  const counts = scope.input('counts', 'float', [positions, 3]);
  const input = (name: string): Tensor => reshape(scope.input(name, 'float', [positions]), [positions, 1]);
  const [truthSize, danger, weights] = [input('truthSizes'), input('interactionWeights'), input('weights')];
  const [hits, size, pairs] = [0, 1, 2].map((i) => slice(counts, 1, i, i + 1)) as [Tensor, Tensor, Tensor];
  const recorded = Array.from(tables.pairs.levels, (level) => (level >= EVALUATION_SEVERITY ? 1 : 0));
  const conflicts = gemm(members, scope.graph.constant(recorded, 'float', [drugs, drugs]));
  const pairsOf = (n: Tensor): Tensor => maximum(mul(mul(n, sub(n, 1)), 0.5), 1);
  const potentialOf = (h: Tensor, n: Tensor, p: Tensor): Tensor =>
    sub(div(h, maximum(sub(add(n, truthSize), h), 1)), mul(danger, div(p, pairsOf(n))));
  const now = potentialOf(hits, size, pairs);
  const adding = sub(potentialOf(add(hits, wanted), add(size, 1), add(pairs, conflicts)), now);
  const removing = sub(potentialOf(sub(hits, wanted), sub(size, 1), sub(pairs, conflicts)), now);
  const credit = concat([adding, removing, mul(now, 0)], 1);

  const normaliser = logSumExp(logits);
  const probabilities = exp(sub(logits, normaliser));
  const expected = reduceSum(mul(probabilities, credit), [1]);
  const entropy = sub(normaliser, reduceSum(mul(probabilities, logits), [1]));
  return {
    loss: neg(sumAll(mul(add(expected, mul(entropy, temperature)), weights))),
    metrics: { expected: sumAll(mul(expected, weights)), entropy: sumAll(mul(entropy, weights)) },
  };
}
