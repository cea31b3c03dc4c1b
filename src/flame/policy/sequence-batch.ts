/**
 * The dense inputs of one training step of the list policy, filled row by row from a visit, a starting list and actions.
 * Draws dropout masks; computes no reward.
 */

import { type Random, dropoutMask } from '../../nn/random.ts';
import { rowOf } from '../evaluation/metrics.ts';
import { ActionSpace, type PolicyMode } from './actions.ts';
import { CONTEXT_TOKENS, type PolicyConfig, policyMaskNames, type PolicyShape } from './network.ts';
import { type ContextSource, logitOf, type PolicyCorpus } from './policy-corpus.ts';

/** The prefix inputs of some rows. */
export interface PrefixArrays {
  readonly scores: Float32Array; // [rows, drugs]
  readonly context: Float32Array; // [rows, 3, context]
  readonly start: Int32Array; // [rows, startSlots]
  readonly startKeep: Float32Array;
  readonly startScores: Float32Array;
}

export function emptyPrefix(config: PolicyConfig, shape: PolicyShape, rows: number): PrefixArrays {
  const slots = rows * config.startSlots;
  return {
    scores: new Float32Array(rows * shape.drugs),
    context: new Float32Array(rows * CONTEXT_TOKENS * shape.context),
    start: new Int32Array(slots),
    startKeep: new Float32Array(slots),
    startScores: new Float32Array(slots),
  };
}

/** What a row's prefix says: π_cls's probabilities, the visit's features, the list to start from. */
export interface PrefixRow {
  readonly probabilities: ArrayLike<number>;
  readonly ids: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
  readonly start: readonly number[];
}

export function prefixRow(corpus: PolicyCorpus, visit: number, start: readonly number[]): PrefixRow {
  const { starts, ids, weights } = corpus.visits;
  const [from, to] = [starts[visit]!, starts[visit + 1]!];
  return {
    probabilities: rowOf(corpus.scores, visit),
    ids: ids.subarray(from, to),
    weights: weights.subarray(from, to),
    start,
  };
}

/** Writes one prefix; a start longer than its room shows its most probable drugs. */
export function writePrefix(
  arrays: PrefixArrays,
  row: number,
  { probabilities, ids, weights, start }: PrefixRow,
  vectors: ContextSource,
  { startSlots }: Pick<PolicyConfig, 'startSlots'>,
): void {
  const drugs = probabilities.length;
  for (let drug = 0; drug < drugs; drug += 1)
    arrays.scores[row * drugs + drug] = logitOf(probabilities[drug]!);
  const width = CONTEXT_TOKENS * vectors.width;
  vectors.write(ids, weights, arrays.context.subarray(row * width, (row + 1) * width));
  const shown = [...start]
    .sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
    .slice(0, startSlots);
  for (let slot = 0; slot < startSlots; slot += 1) {
    const at = row * startSlots + slot;
    const drug = shown[slot];
    arrays.start[at] = drug ?? 0;
    arrays.startKeep[at] = drug === undefined ? 0 : 1;
    arrays.startScores[at] = drug === undefined ? 0 : logitOf(probabilities[drug]!);
  }
}

export class SequenceBatch {
  readonly rows: number;
  readonly prefix: PrefixArrays;
  readonly space: ActionSpace;
  private readonly config: PolicyConfig;
  private readonly arrays: Record<string, Float32Array | Int32Array>;

  constructor(config: PolicyConfig, shape: PolicyShape, rows: number) {
    this.rows = rows;
    this.config = config;
    this.space = new ActionSpace(shape.drugs);
    this.prefix = emptyPrefix(config, shape, rows);
    const cells = rows * config.actionSlots;
    this.arrays = {
      ...this.prefix,
      alpha: new Float32Array(rows),
      tokens: new Int32Array(cells),
      members: new Float32Array(cells * shape.drugs),
      modes: new Float32Array(rows * 2),
    };
    for (const name of policyMaskNames(config)) this.arrays[name] = new Float32Array(rows * config.width);
  }

  /**
   * The action sequence of a row: `before(n)` says which drugs stood on the list before action n.
   * @returns number of positions that hold an action
   */
  writeActions(
    row: number,
    start: readonly number[],
    actions: readonly number[],
    alpha: number,
    mode: PolicyMode,
  ): number {
    const { actionSlots } = this.config;
    const { drugs } = this.space;
    const members = this.arrays['members'] as Float32Array;
    const tokens = this.arrays['tokens'] as Int32Array;
    const list = new Set(start);
    const used = Math.min(actions.length, actionSlots);
    for (let n = 0; n < actionSlots; n += 1) {
      const cell = row * actionSlots + n;
      tokens[cell] = n === 0 || n >= used ? this.space.stop : actions[n - 1]!;
      const state = members.subarray(cell * drugs, (cell + 1) * drugs);
      state.fill(0);
      for (const drug of list) state[drug] = 1;
      if (n >= used) continue;
      const action = this.space.decode(actions[n]!);
      if (action.kind === 'add') list.add(action.drug);
      if (action.kind === 'remove') list.delete(action.drug);
    }
    this.arrays['alpha']![row] = alpha;
    this.arrays['modes']!.set(ActionSpace.modeMask(mode), row * 2);
    return used;
  }

  /** New dropout masks, and the inputs by name. Without `random` nothing is dropped. */
  inputs(random?: Random): Readonly<Record<string, Float32Array | Int32Array>> {
    for (const name of policyMaskNames(this.config)) {
      const mask = this.arrays[name] as Float32Array;
      if (random) mask.set(dropoutMask(random, mask.length, this.config.dropout));
      else mask.fill(1);
    }
    return this.arrays;
  }
}
