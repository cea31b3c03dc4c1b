/**
 * Runs the list policy action by action over many rows on cached keys and values: sampling and greedy decoding are
 * choices of the caller. Trains nothing and knows no reward.
 */

import { CachedDecoder } from '../../nn/cached-decoder.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { ActionSpace, type PolicyMode } from './actions.ts';
import {
  decoderOptions,
  type PolicyConfig,
  policyStep,
  type PolicyShape,
  type PolicyTables,
  prefixLength,
} from './network.ts';
import type { ContextSource } from './policy-corpus.ts';
import { emptyPrefix, type PrefixRow, writePrefix } from './sequence-batch.ts';

/** One sequence to decode: its prefix among those given, α and mode. */
export interface RunRow {
  readonly prefix: number;
  readonly alpha: number;
  readonly mode: PolicyMode;
}

/** The list of a row while it is decoded. */
export interface RunState {
  readonly row: number;
  /** Drugs on the list now, by formulary position. */
  readonly list: ReadonlySet<number>;
  /** Actions taken so far. */
  readonly step: number;
}

/** Picks the next action from the logits [2·drugs + 1] of a row; barred actions are very negative. */
export type Choose = (state: RunState, logits: Float32Array) => number;

export interface Sequence {
  readonly start: readonly number[];
  /** Ends with stop unless the room ran out. */
  readonly actions: readonly number[];
  readonly list: readonly number[];
}

export interface PolicyRunnerOptions {
  readonly config: PolicyConfig;
  readonly shape: PolicyShape;
  readonly tables: PolicyTables;
  readonly vectors: ContextSource;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** Most sequences at once. */
  readonly maxRows: number;
  readonly buckets?: readonly number[];
  readonly threads?: number;
  /** Where the graphs run; absent: on the CPU. */
  readonly session?: SessionOptions;
}

export class PolicyRunner {
  readonly space: ActionSpace;
  private readonly options: PolicyRunnerOptions;
  private readonly decoder: CachedDecoder;

  constructor(options: PolicyRunnerOptions) {
    const { config, shape, tables, parameters, maxRows, buckets, threads, session } = options;
    this.options = options;
    this.space = new ActionSpace(shape.drugs);
    this.decoder = new CachedDecoder({
      options: decoderOptions(config),
      capacity: prefixLength(config) + config.actionSlots,
      maxRows,
      parameters,
      build: policyStep(config, shape, tables),
      ...(buckets ? { buckets } : {}),
      session: { ...session, ...(threads === undefined ? {} : { threads }) },
    });
  }

  async warmUp(): Promise<void> {
    await this.decoder.warmUp(prefixLength(this.options.config));
  }

  /** Decodes all rows together until each has stopped or has no room left. */
  async run(prefixes: readonly PrefixRow[], rows: readonly RunRow[], choose: Choose): Promise<Sequence[]> {
    const { config, shape, vectors } = this.options;
    const length = prefixLength(config);
    const arrays = emptyPrefix(config, shape, prefixes.length);
    prefixes.forEach((prefix, i) => writePrefix(arrays, i, prefix, vectors, config));
    const keep = new Float32Array(prefixes.length * length).fill(1);
    for (let i = 0; i < prefixes.length; i += 1)
      keep.set(
        arrays.startKeep.subarray(i * config.startSlots, (i + 1) * config.startSlots),
        (i + 1) * length - config.startSlots,
      );
    await this.decoder.prefill({ ...arrays }, prefixes.length, length, { keep });
    this.decoder.select(rows.map(({ prefix }) => prefix));

    const lists = rows.map(({ prefix }) => new Set(prefixes[prefix]!.start));
    const actions = rows.map((): number[] => []);
    let alive = rows.map((_, row) => row);
    for (let step = 0; step < config.actionSlots && alive.length > 0; step += 1) {
      const { logits } = await this.decoder.step(this.inputs(arrays.scores, rows, lists, actions, alive));
      const size = this.space.size;
      const values = logits!.data as Float32Array;
      const going: number[] = [];
      alive.forEach((row, at) => {
        const list = lists[row]!;
        const id = choose({ row, list, step }, values.subarray(at * size, (at + 1) * size));
        actions[row]!.push(id);
        const action = this.space.decode(id);
        if (action.kind === 'stop') return;
        if (action.kind === 'add') list.add(action.drug);
        else list.delete(action.drug);
        going.push(at);
      });
      if (going.length < alive.length && going.length > 0) this.decoder.select(going);
      alive = going.map((at) => alive[at]!);
    }
    return rows.map(({ prefix }, row) => ({
      start: prefixes[prefix]!.start,
      actions: actions[row]!,
      list: [...lists[row]!],
    }));
  }

  async close(): Promise<void> {
    await this.decoder.close();
  }

  private inputs(
    scores: Float32Array,
    rows: readonly RunRow[],
    lists: readonly ReadonlySet<number>[],
    actions: readonly (readonly number[])[],
    alive: readonly number[],
  ): Record<string, Float32Array | Int32Array> {
    const { drugs } = this.options.shape;
    const inputs = {
      scores: new Float32Array(alive.length * drugs),
      alpha: new Float32Array(alive.length),
      tokens: new Int32Array(alive.length),
      members: new Float32Array(alive.length * drugs),
      modes: new Float32Array(alive.length * 2),
    };
    alive.forEach((row, at) => {
      const { prefix, alpha, mode } = rows[row]!;
      inputs.scores.set(scores.subarray(prefix * drugs, (prefix + 1) * drugs), at * drugs);
      inputs.alpha[at] = alpha;
      inputs.tokens[at] = actions[row]!.at(-1) ?? this.space.stop; // the α token shares stop's number
      for (const drug of lists[row]!) inputs.members[at * drugs + drug] = 1;
      inputs.modes.set(ActionSpace.modeMask(mode), at * 2);
    });
    return inputs;
  }
}

/** The most probable action. */
export const greedy: Choose = (_, logits) => {
  let best = 0;
  for (let i = 1; i < logits.length; i += 1) if (logits[i]! > logits[best]!) best = i;
  return best;
};

/** log π(a | s) of one action from its logits. */
export function logProbabilityOf(logits: Float32Array, action: number): number {
  let top = -Infinity;
  for (const value of logits) if (value > top) top = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - top);
  return logits[action]! - top - Math.log(sum);
}

/** Draws an action at a temperature with a number u from [0, 1). */
export function sampleAction(logits: Float32Array, temperature: number, u: number): number {
  let top = -Infinity;
  for (const value of logits) if (value > top) top = value;
  let sum = 0;
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i += 1) sum += weights[i] = Math.exp((logits[i]! - top) / temperature);
  let left = u * sum;
  for (let i = 0; i < logits.length; i += 1) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return logits.length - 1;
}
