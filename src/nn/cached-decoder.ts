/**
 * Runs a decoder token by token: owns the cached keys and values of many rows on the host and the sessions that read
 * them. It neither samples nor knows what tokens mean: the caller feeds vectors or ids and reads its own outputs.
 *
 *   const decoder = new CachedDecoder({ options, capacity: 36, maxRows: 512, parameters, build });
 *   await decoder.prefill({ x: prefixes }, visits, P, { keep });   // [visits, P, …] → outputs of build
 *   decoder.select(indices);                                       // row i goes on from row indices[i]
 *   const { logits } = await decoder.step({ x: next });            // [rows, 1, …] → one more token for every row
 *
 * `build` is called for each graph, with the same parameters and with its sizes in `plan`:
 *
 *   const build: BuildCachedStep = (scope, plan) => {
 *     const x = scope.input('x', 'float', [plan.rows, plan.tokens, width]);
 *     const step = decoderStep(scope.child('decoder'), options)(x, plan.cache);
 *     return { step, outputs: plan.prefill ? {} : { logits: head(step.hidden) } };
 *   };
 *
 * All inputs and outputs have the rows as first axis. What is not returned in `outputs` is neither computed nor copied.
 */
import { type HostTensor, allocate, emptyTensor, sizeOf, toArray } from './dtype.ts';
import type { DecoderOptions, DecoderStep, StepCache } from './decoder.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { type Weights, buildInference } from './inference.ts';
import { KeyValueCache } from './kv-cache.ts';
import type { Scope } from './scope.ts';
import { type Session, type SessionOptions, openSession } from './session.ts';
import type { Batch } from './trainer.ts';

/** Sizes of the graph to build, and the cache tensors to hand to `decoderStep`. */
export interface StepPlan {
  readonly rows: number;
  /** New tokens a row: those of `prefill`, 1 for an ordinary step. */
  readonly tokens: number;
  /** Nothing came before. */
  readonly prefill: boolean;
  readonly cache: StepCache;
}

export type BuildCachedStep = (
  scope: Scope,
  plan: StepPlan,
) => { readonly step: DecoderStep; readonly outputs: Readonly<Record<string, Tensor>> };

export interface CachedDecoderOptions {
  readonly options: DecoderOptions;
  /** Tokens a row may hold, prefix included. */
  readonly capacity: number;
  readonly maxRows: number;
  readonly parameters: Weights;
  readonly build: BuildCachedStep;
  /** Batch sizes to build graphs for, default 1, 8 and 64: rows are padded up to one, or cut into the largest. */
  readonly buckets?: readonly number[];
  readonly session?: SessionOptions;
}

export interface PrefillOptions {
  /** [rows · tokens]: 1 for a token, 0 for padding, which keeps its slot and position but is never looked at. */
  readonly keep?: ArrayLike<number>;
  /** Tokens a row really has, at its start; the next one takes the slot behind. Default: all. */
  readonly lengths?: ArrayLike<number>;
}

type Outputs = Record<string, HostTensor>;

interface Compiled {
  readonly rows: number;
  readonly session: Session;
  /** Reused at every run; those of the cache are views of the cache. */
  readonly feeds: Record<string, HostTensor>;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
  readonly targets: Readonly<Record<string, null>>;
  readonly views: Map<number, Readonly<Record<string, HostTensor>>>;
}

const POSITIONS = 'cache.positions';
const KEEP = 'cache.keep';
const PAST_KEEP = 'cache.past.keep';
const pastKey = (layer: number): string => `cache.past.key.${layer}`;
const pastValue = (layer: number): string => `cache.past.value.${layer}`;
const newKey = (layer: number): string => `cache.new.key.${layer}`;
const newValue = (layer: number): string => `cache.new.value.${layer}`;

export class CachedDecoder {
  private readonly given: CachedDecoderOptions;
  private readonly sizes: readonly number[];
  private readonly cache: KeyValueCache;
  private readonly compiled = new Map<string, Promise<Compiled>>();

  constructor(given: CachedDecoderOptions) {
    this.given = given;
    this.sizes = [...(given.buckets ?? [1, 8, 64])].sort((a, b) => a - b);
    if (this.sizes.length === 0) throw new NnError('shape-mismatch', 'a decoder needs a batch size');
    const { width, layers, heads, keyValueHeads = heads, headSize = width / heads } = given.options;
    const { maxRows, capacity } = given;
    // The last run may read rows of the bucket beyond those asked for.
    this.cache = new KeyValueCache({
      layers,
      keyValueHeads,
      headSize,
      capacity,
      maxRows,
      spareRows: this.sizes.at(-1)!,
    });
  }

  /** Rows being decoded. */
  get rows(): number {
    return this.cache.rows;
  }

  /** Slots each row has filled, which is also the position of its next token. */
  get lengths(): Int32Array {
    return this.cache.lengths.subarray(0, this.cache.rows);
  }

  /**
   * Starts anew with `rows` rows of `tokens` tokens each. Inputs are those `build` declared, row-major.
   * Throws `shape-mismatch` when lengths or sizes do not fit.
   */
  async prefill(
    inputs: Batch,
    rows: number,
    tokens: number,
    { keep, lengths }: PrefillOptions = {},
  ): Promise<Outputs> {
    const cells = rows * tokens;
    if (keep && keep.length !== cells)
      throw new NnError('shape-mismatch', `keep has ${keep.length} values for ${rows} rows of ${tokens}`);
    if (lengths && !(lengths.length === rows && Array.from(lengths).every((n) => n >= 0 && n <= tokens)))
      throw new NnError('shape-mismatch', `${rows} lengths of 0 to ${tokens} expected`);
    this.cache.restart(rows);
    const kept = new Float32Array(cells);
    for (let row = 0, i = 0; row < rows; row++)
      for (let t = 0; t < tokens; t++, i++) kept[i] = t < (lengths?.[row] ?? tokens) ? (keep?.[i] ?? 1) : 0;
    return this.run(inputs, tokens, kept, lengths);
  }

  /** Appends `tokens` tokens (default 1) to every row; inputs [rows, tokens, …]. */
  async step(inputs: Batch, tokens = 1): Promise<Outputs> {
    return this.run(inputs, tokens);
  }

  /** Row i goes on from what row indices[i] holds: repeats a prefix, drops finished rows, reorders beams. */
  select(indices: ArrayLike<number>): void {
    this.cache.select(indices);
  }

  /** Forgets all but the first lengths[i] slots of row i, or of every row. */
  truncate(lengths: number | ArrayLike<number>): void {
    this.cache.truncate(lengths);
  }

  /** Builds and opens the graphs for steps, and for prefixes of `prefixTokens`, now instead of at their first use. */
  async warmUp(prefixTokens?: number): Promise<void> {
    for (const size of this.sizes) {
      await this.graphFor(size, 1, false);
      if (prefixTokens !== undefined) await this.graphFor(size, prefixTokens, true);
    }
  }

  async close(): Promise<void> {
    for (const graph of this.compiled.values()) await (await graph).session.close();
    this.compiled.clear();
  }

  private async run(
    inputs: Batch,
    tokens: number,
    keep?: Float32Array,
    lengths?: ArrayLike<number>,
  ): Promise<Outputs> {
    const { cache } = this;
    const { rows } = cache;
    cache.assertRoom(tokens);
    const prefill = keep !== undefined;
    const largest = this.sizes.at(-1)!;
    const results: Outputs = {};
    for (let start = 0; start < rows; start += largest) {
      const count = Math.min(largest, rows - start);
      const size = this.sizes.find((bucket) => bucket >= count)!;
      const graph = await this.graphFor(size, tokens, prefill);
      for (const tensor of graph.inputs) fill(graph.feeds[tensor.name]!, tensor, inputs, start, count, rows);
      // A model that places its tokens itself reads neither.
      const positions = graph.feeds[POSITIONS]?.data as Int32Array | undefined;
      for (let row = 0, i = 0; positions && row < count; row++)
        for (let t = 0; t < tokens; t++, i++) positions[i] = cache.lengths[start + row]! + t;
      const kept = graph.feeds[KEEP]?.data as Float32Array | undefined;
      if (keep) kept?.set(keep.subarray(start * tokens, (start + count) * tokens));
      const feeds = prefill ? graph.feeds : { ...graph.feeds, ...this.pastViews(graph, start) };
      const fetched = await graph.session.run(feeds, graph.targets);
      for (let layer = 0; layer < this.given.options.layers; layer++) {
        cache.write(cache.keys[layer]!, fetched[newKey(layer)]!.data as Float32Array, start, count, tokens);
        cache.write(
          cache.values[layer]!,
          fetched[newValue(layer)]!.data as Float32Array,
          start,
          count,
          tokens,
        );
      }
      for (const name of graph.outputs) collect(results, name, fetched[name]!, { size, start, count, rows });
    }
    cache.advance(tokens, keep, lengths);
    return results;
  }

  /** The cache of rows start … as the bucket's inputs: the same memory, no copy. */
  private pastViews(graph: Compiled, start: number): Readonly<Record<string, HostTensor>> {
    let views = graph.views.get(start);
    if (!views) {
      const { cache } = this;
      const view = (whole: Float32Array, shape: readonly number[]): HostTensor => {
        const row = sizeOf(shape.slice(1));
        const data = whole.subarray(start * row, (start + graph.rows) * row);
        return { dtype: 'float32', shape, data };
      };
      const made: Record<string, HostTensor> = {
        [PAST_KEEP]: view(cache.keep, [graph.rows, cache.capacity]),
      };
      cache.keys.forEach((keys, i) => (made[pastKey(i)] = view(keys, cache.shapeFor(graph.rows))));
      cache.values.forEach((values, i) => (made[pastValue(i)] = view(values, cache.shapeFor(graph.rows))));
      graph.views.set(start, (views = made));
    }
    return views;
  }

  private graphFor(rows: number, tokens: number, prefill: boolean): Promise<Compiled> {
    const key = `${rows}x${tokens}${prefill ? ' prefill' : ''}`;
    let graph = this.compiled.get(key);
    if (!graph) this.compiled.set(key, (graph = this.compile(rows, tokens, prefill)));
    return graph;
  }

  private async compile(rows: number, tokens: number, prefill: boolean): Promise<Compiled> {
    const { cache } = this;
    const { layers } = this.given.options;
    const own = new Set<Tensor>();
    let outputs: string[] = [];
    const { graph, inputs } = buildInference((scope) => {
      const input = (...declare: Parameters<Scope['input']>): Tensor => {
        const tensor = scope.input(...declare);
        own.add(tensor);
        return tensor;
      };
      const pastShape = cache.shapeFor(rows);
      const tensors: StepCache = {
        positions: input(POSITIONS, 'int32', [rows, tokens]),
        positionLimit: cache.capacity,
        ...(prefill
          ? { keep: input(KEEP, 'float', [rows, tokens]) }
          : {
              past: {
                keep: input(PAST_KEEP, 'float', [rows, cache.capacity]),
                layers: Array.from({ length: layers }, (_, i) => ({
                  key: input(pastKey(i), 'float', pastShape),
                  value: input(pastValue(i), 'float', pastShape),
                })),
              },
            }),
      };
      const built = this.given.build(scope, { rows, tokens, prefill, cache: tensors });
      outputs = Object.keys(built.outputs);
      return {
        ...built.outputs,
        ...Object.fromEntries(built.step.keys.map((tensor, i) => [newKey(i), tensor])),
        ...Object.fromEntries(built.step.values.map((tensor, i) => [newValue(i), tensor])),
      };
    }, this.given.parameters);
    const record = graph.toRecord();
    const read = new Set(record.inputs.map(({ name }) => name));
    const callers = inputs.filter((tensor) => !own.has(tensor) && read.has(tensor.name));
    for (const { name, shape } of [...callers, ...record.outputs])
      if (shape[0] !== rows)
        throw new NnError('shape-mismatch', `${name} [${shape.join()}] does not start with ${rows} rows`);
    const fed = [
      ...callers,
      ...[...own].filter(({ name }) => read.has(name) && (name === POSITIONS || name === KEEP)),
    ];
    return {
      rows,
      session: await openSession(graph.toModel(), this.given.session),
      feeds: Object.fromEntries(fed.map(({ name, dtype, shape }) => [name, emptyTensor(dtype, shape)])),
      inputs: callers,
      outputs,
      targets: Object.fromEntries(record.outputs.map(({ name }) => [name, null])),
      views: new Map(),
    };
  }
}

function fill(
  feed: HostTensor,
  tensor: Tensor,
  inputs: Batch,
  start: number,
  count: number,
  rows: number,
): void {
  const values = inputs[tensor.name];
  const width = sizeOf(tensor.shape.slice(1));
  if (values?.length !== rows * width)
    throw new NnError(
      'shape-mismatch',
      `${tensor.name}: ${values?.length ?? 'no'} values for ${rows} rows of ${width}`,
    );
  const whole = toArray(tensor.dtype, values) as Float32Array;
  (feed.data as Float32Array).set(whole.subarray(start * width, (start + count) * width));
}

/** Puts the rows of one run where they belong; a single run hands its output on as it is. */
function collect(
  results: Outputs,
  name: string,
  output: HostTensor,
  { size, start, count, rows }: { size: number; start: number; count: number; rows: number },
): void {
  const shape = [rows, ...output.shape.slice(1)];
  const width = output.data.length / size;
  const part = (output.data as Float32Array).subarray(0, count * width);
  if (count === rows) {
    results[name] = { dtype: output.dtype, shape, data: part };
    return;
  }
  results[name] ??= { dtype: output.dtype, shape, data: allocate(output.dtype, rows * width) };
  (results[name].data as Float32Array).set(part, start * width);
}
