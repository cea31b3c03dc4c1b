/**
 * The list policy π_list as a graph: a Llama-type decoder over one prefix (patient, diagnoses, procedures, the starting
 * list) and a sequence of actions that opens with α (METHOD sections 2 to 4). Holds no weights and samples nothing.
 *
 *   [PatEmb] [DiasEmb] [ProEmb] [DrugEmb]×startSlots | α  a_1  a_2 …
 *
 * Token α predicts a_1, a_1 predicts a_2, and so on. The logit of an addition starts from π_cls's logit of the drug less the
 * penalty that α puts on its pairs, that of a removal from the negative, so that an untrained policy already edits as
 * π_cls under penalised decoding would.
 */

import type { DecoderOptions } from '../../nn/decoder.ts';
import { decoderBlocks, decoderStep } from '../../nn/decoder.ts';
import type { BuildCachedStep } from '../../nn/cached-decoder.ts';
import { gatherRows } from '../../nn/gather-ops.ts';
import type { Tensor } from '../../nn/graph.ts';
import { linear, swigluFeedForward } from '../../nn/layers.ts';
import { gemm } from '../../nn/matrix-ops.ts';
import { add, div, mul, softplus, sub } from '../../nn/ops.ts';
import { constant, normal, type Scope, zeros } from '../../nn/scope.ts';
import { concat, expand, reshape, slice } from '../../nn/shape-ops.ts';
import {
  DRUG_PROJECTION,
  type DrugFeatures,
  FREE_DRUG_WEIGHT,
  withProjection,
} from '../classifier/network.ts';
import type { PairMatrix } from '../lists/pair-matrix.ts';
import { LAMBDA_AT_HALF, pairWeight } from '../lists/decoding.ts';

export interface PolicyConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  /** Room for the starting list in the prefix; longer ones are cut to their most probable drugs. */
  readonly startSlots: number;
  /** Most actions of a sequence, stop included. */
  readonly actionSlots: number;
  /** Share of what each sub-layer adds that is hidden from a training row. */
  readonly dropout: number;
}

export interface PolicyShape {
  readonly drugs: number;
  /** Width of each context vector: patient, diagnoses, procedures. */
  readonly context: number;
}

/** Tables that stand in the graph as constants. */
export interface PolicyTables {
  /** Severities among the formulary. */
  readonly pairs: PairMatrix;
  readonly drugFeatures?: DrugFeatures | undefined;
}

export const CONTEXT_TOKENS = 3;
const MASKED = -1e9;
const DRUG_DEVIATION = 0.1;
/** Keeps the penalty finite at α = 1: 13 units of logit a pair, more than any drug is worth. */
const PENALTY_SOFTENING = 0.03;
/**
 * The learnt caution starts near nothing: before training, only the penalty of α speaks against a pair. It grows with α,
 * because without that, reinforcement at safety taught the policy to shun pairs at accuracy too.
 */
const CALM = 3;
/** π_cls's logits are cut here: nothing is more certain. */
export const LOGIT_LIMIT = 12;

export function decoderOptions({ width, layers, heads, hidden }: PolicyConfig): DecoderOptions {
  return { width, layers, heads, hidden };
}

export function prefixLength({ startSlots }: PolicyConfig): number {
  return CONTEXT_TOKENS + startSlots;
}

/** Names of the dropout masks that a training graph declares, each [rows, 1, width]. */
export function policyMaskNames({ layers, dropout: rate }: PolicyConfig): string[] {
  return rate === 0 ? [] : Array.from({ length: 2 * layers }, (_, i) => `mask.${i}`);
}

/** What one row of any graph starts from. */
interface Prefix {
  readonly scores: Tensor; // [B, drugs] π_cls's logits
  readonly tokens: Tensor; // [B, 3 + startSlots, width]
  readonly keep: Tensor; // [B, 3 + startSlots]
}

/** What holds for every action of a row. */
interface RowInputs {
  readonly scores: Tensor; // [B, drugs]
  readonly alpha: Tensor; // [B, 1]
  readonly modes: Tensor; // [B, 2]
}

interface Parts {
  readonly prefix: (rows: number) => Prefix;
  /** ids int [B, S] of actions, or of the α token (2·drugs) → [B, S, width]. */
  readonly actionTokens: (ids: Tensor, alpha: Tensor) => Tensor;
  /** hidden [B, S, width], members [B, S, drugs] → logits [B·S, 2·drugs + 1]. */
  readonly head: (hidden: Tensor, members: Tensor, row: RowInputs) => Tensor;
}

function declareParts(scope: Scope, config: PolicyConfig, shape: PolicyShape, tables: PolicyTables): Parts {
  const { width, startSlots } = config;
  const { drugs } = shape;
  const g = scope.graph;
  const free = scope.parameter(FREE_DRUG_WEIGHT, [drugs, width], normal(DRUG_DEVIATION));
  const known = tables.drugFeatures;
  const drugTable = known ? withProjection(scope, free, known, DRUG_PROJECTION, DRUG_DEVIATION) : free;
  const kinds = scope.parameter('kinds.weight', [4, width], normal(0.1)); // start, add, remove, α
  const kind = (i: number): Tensor => slice(kinds, 0, i, i + 1);
  const project = (name: string, inputs: number): ((x: Tensor) => Tensor) => {
    const at = scope.child(name);
    const first = linear(at.child('in'), { inputs, outputs: width });
    const block = swigluFeedForward(at, { width, hidden: width, initialize: normal(1 / Math.sqrt(width)) });
    return (x) => {
      const h = first(x);
      return add(h, block(h));
    };
  };
  const contexts = ['patient', 'diagnoses', 'procedures'].map((name) =>
    project(`context.${name}`, shape.context),
  );
  const belief = project('context.belief', drugs);
  const startScore = scope.parameter('start.score', [1, width], normal(0.02));
  const alphaWeight = scope.parameter('alpha.weight', [1, width], normal(0.1));

  const addQuery = linear(scope.child('head.add'), {
    inputs: width,
    outputs: width,
    initialize: normal(0.02),
  });
  const removeQuery = linear(scope.child('head.remove'), {
    inputs: width,
    outputs: width,
    initialize: normal(0.02),
  });
  const stop = linear(scope.child('head.stop'), { inputs: width, outputs: 1, initialize: normal(0.02) });
  const drugBias = (name: string): Tensor => scope.parameter(`head.${name}-bias`, [drugs], zeros);
  const gain = (name: string): Tensor => scope.parameter(`head.${name}-gain`, [1], constant(1));
  const [addBias, removeBias] = [drugBias('add'), drugBias('remove')];
  const [addGain, removeGain] = [gain('add'), gain('remove')];
  const caution = linear(scope.child('head.caution'), {
    inputs: width,
    outputs: 2,
    initialize: normal(0.02),
  });
  const penaltyGain = gain('penalty');
  const weights = g.constant(Array.from(tables.pairs.levels, pairWeight), 'float', [drugs, drugs]);

  return {
    prefix: (rows) => {
      const scores = scope.input('scores', 'float', [rows, drugs]);
      const raw = scope.input('context', 'float', [rows, CONTEXT_TOKENS, shape.context]);
      const start = scope.input('start', 'int32', [rows, startSlots]);
      const startKeep = scope.input('startKeep', 'float', [rows, startSlots]);
      const startScores = scope.input('startScores', 'float', [rows, startSlots]);
      const one = (i: number): Tensor => reshape(slice(raw, 1, i, i + 1), [rows, shape.context]);
      const vectors = contexts.map((apply, i) => apply(one(i)));
      vectors[0] = add(vectors[0]!, belief(mul(scores, 0.1)));
      const lists = add(
        gatherRows(drugTable, start),
        add(kind(0), mul(reshape(startScores, [rows, startSlots, 1]), startScore)),
      );
      const ones = expand(g.constant([1], 'float', [1, 1]), [rows, CONTEXT_TOKENS]);
      return {
        scores,
        tokens: concat([...vectors.map((v) => reshape(v, [rows, 1, width])), lists], 1),
        keep: concat([ones, startKeep], 1),
      };
    },
    actionTokens: (ids, alpha) => {
      const table = concat([add(drugTable, kind(1)), add(drugTable, kind(2)), kind(3)], 0);
      // α colours every action token, so that no step forgets it.
      const colour = mul(reshape(alpha, [alpha.dim(0), 1, 1]), reshape(alphaWeight, [1, 1, width]));
      return add(gatherRows(table, ids), colour);
    },
    head: (hidden, members, { scores, alpha, modes }) => {
      const [rows, steps] = [hidden.dim(0), hidden.dim(1)];
      const flat = reshape(hidden, [rows * steps, width]);
      const member = reshape(members, [rows * steps, drugs]);
      const score = overActions(scores, steps);
      const conflict = gemm(member, weights);
      const [position, penalty] = [alpha, penaltyAt(alpha)].map((x) => overActions(x, steps)) as [
        Tensor,
        Tensor,
      ];
      const learnt = mul(softplus(sub(caution(flat), CALM)), position); // [rows·steps, 2]
      const careful = add(learnt, mul(penalty, penaltyGain));
      const by = (query: Tensor, bias: Tensor): Tensor => gemm(query, drugTable, { transB: true, bias });
      const adding = sub(
        add(by(addQuery(flat), addBias), mul(score, addGain)),
        mul(conflict, slice(careful, 1, 0, 1)),
      );
      const removing = add(
        sub(by(removeQuery(flat), removeBias), mul(score, removeGain)),
        mul(conflict, slice(careful, 1, 1, 2)),
      );
      const mode = overActions(modes, steps);
      const barred = (allowed: Tensor): Tensor => mul(sub(1, allowed), MASKED);
      return concat(
        [
          add(adding, barred(mul(sub(1, member), slice(mode, 1, 0, 1)))),
          add(removing, barred(mul(member, slice(mode, 1, 1, 2)))),
          stop(flat),
        ],
        1,
      );
    },
  };
}

/** penaltyOf of decoding.ts as a tensor, finite at α = 1. */
function penaltyAt(alpha: Tensor): Tensor {
  return mul(div(alpha, sub(1 + PENALTY_SOFTENING, alpha)), LAMBDA_AT_HALF);
}

/** The same row at each of its actions: x [rows, n] → [rows·steps, n]. */
export function overActions(x: Tensor, steps: number): Tensor {
  const [rows, width] = [x.dim(0), x.dim(1)];
  return reshape(expand(reshape(x, [rows, 1, width]), [rows, steps, width]), [rows * steps, width]);
}

export interface PolicySequences {
  /** Logits of every action at every action position [rows·actionSlots, 2·drugs + 1]. */
  readonly logits: Tensor;
  /** What stood on the list before each action [rows·actionSlots, drugs]. */
  readonly members: Tensor;
  /** What the mode allows at each position [rows·actionSlots, 2]. */
  readonly modes: Tensor;
}

/** Whole sequences, for training. Declares scores, context, start…, alpha, tokens, members, modes and dropout masks. */
export function policySequences(
  scope: Scope,
  config: PolicyConfig,
  shape: PolicyShape,
  tables: PolicyTables,
  rows: number,
): PolicySequences {
  const { width, actionSlots } = config;
  const parts = declareParts(scope, config, shape, tables);
  const { scores, tokens, keep } = parts.prefix(rows);
  const alpha = scope.input('alpha', 'float', [rows, 1]);
  const ids = scope.input('tokens', 'int32', [rows, actionSlots]);
  const members = scope.input('members', 'float', [rows, actionSlots, shape.drugs]);
  const modes = scope.input('modes', 'float', [rows, 2]);
  const prefix = prefixLength(config);
  const ones = expand(scope.graph.constant([1], 'float', [1, 1]), [rows, actionSlots]);
  const masks = policyMaskNames(config).map((name) => scope.input(name, 'float', [rows, 1, width]));
  const hidden = decoderBlocks(scope.child('decoder'), decoderOptions(config))(
    concat([tokens, parts.actionTokens(ids, alpha)], 1),
    { keep: concat([keep, ones], 1), ...(masks.length > 0 ? { masks } : {}) },
  );
  const acting = slice(hidden, 1, prefix, prefix + actionSlots);
  return {
    logits: parts.head(acting, members, { scores, alpha, modes }),
    members: reshape(members, [rows * actionSlots, shape.drugs]),
    modes: overActions(modes, actionSlots),
  };
}

/** The same parameters one action at a time, for CachedDecoder: prefill takes the prefix, a step one token. */
export function policyStep(config: PolicyConfig, shape: PolicyShape, tables: PolicyTables): BuildCachedStep {
  return (scope, { rows, tokens, prefill, cache }) => {
    const parts = declareParts(scope, config, shape, tables);
    const step = decoderStep(scope.child('decoder'), decoderOptions(config));
    if (prefill) return { step: step(parts.prefix(rows).tokens, cache), outputs: {} };
    const scores = scope.input('scores', 'float', [rows, shape.drugs]);
    const alpha = scope.input('alpha', 'float', [rows, 1]);
    const ids = scope.input('tokens', 'int32', [rows, tokens]);
    const members = scope.input('members', 'float', [rows, tokens, shape.drugs]);
    const modes = scope.input('modes', 'float', [rows, 2]);
    const decoded = step(parts.actionTokens(ids, alpha), cache);
    return {
      step: decoded,
      outputs: { logits: parts.head(decoded.hidden, members, { scores, alpha, modes }) },
    };
  };
}
