/** Runs a forward pass with given weights for any number of rows, through sessions of a few fixed batch sizes. */
import { type HostTensor, type NumericArray, type Shape, allocate, hostTensor, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import { Graph, type Tensor } from './graph.ts';
import { type MatrixSource, Scope } from './scope.ts';
import { type Session, type SessionOptions, openSession } from './session.ts';
import type { Batch } from './trainer.ts';

/** Declares a model for `batch` rows. Every input and output has the rows as its first axis. */
export type BuildForward = (scope: Scope, batch: number) => Readonly<Record<string, Tensor>>;

/** Weights that are no host tensors: made graph by graph, as pretrained/weights.ts does from files. */
export interface GraphWeights {
  readonly materialize: (graph: Graph, name: string, shape: Shape) => Tensor;
  readonly matrices: (graph: Graph) => MatrixSource;
}
export type Weights = ReadonlyMap<string, HostTensor> | GraphWeights;

export interface InferenceOptions {
  readonly parameters: Weights;
  /** Batch sizes to build graphs for, default 1, 8 and 64. Rows are padded up to the next one, or cut into the largest. */
  readonly buckets?: readonly number[];
  readonly session?: SessionOptions;
}

interface Bucket {
  readonly rows: number;
  readonly inputs: readonly Tensor[];
  readonly session: Session;
}

export class InferenceModel {
  private readonly build: BuildForward;
  private readonly options: InferenceOptions;
  private readonly sizes: readonly number[];
  private readonly opened = new Map<number, Promise<Bucket>>();

  constructor(build: BuildForward, options: InferenceOptions) {
    this.build = build;
    this.options = options;
    this.sizes = [...(options.buckets ?? [1, 8, 64])].sort((a, b) => a - b);
    if (this.sizes.length === 0) throw new NnError('shape-mismatch', 'an inference model needs a batch size');
  }

  /** Builds and opens the graphs of all batch sizes now instead of at their first use. */
  async warmUp(): Promise<void> {
    for (const size of this.sizes) await this.bucket(size);
  }

  /**
   * Computes all outputs for `rows` rows. Values are row-major, each input `rows` times its row's length.
   * Throws `shape-mismatch` for wrong lengths, `weights-mismatch` when a parameter is missing.
   */
  async run(batch: Batch, rows: number): Promise<Record<string, HostTensor>> {
    if (!Number.isInteger(rows) || rows < 1) throw new NnError('shape-mismatch', `${rows} rows`);
    const largest = this.sizes.at(-1)!;
    const results: Record<string, HostTensor> = {};
    for (let start = 0; start < rows; start += largest) {
      const count = Math.min(largest, rows - start);
      const bucket = await this.bucket(this.sizes.find((size) => size >= count)!);
      const feeds: Record<string, HostTensor> = {};
      for (const tensor of bucket.inputs)
        feeds[tensor.name] = rowsOf(tensor, batch[tensor.name], start, count, rows);
      const outputs = await bucket.session.run(feeds);
      for (const [name, output] of Object.entries(outputs)) {
        results[name] ??= hostRows(output, bucket.rows, rows);
        const width = output.data.length / bucket.rows;
        const target = results[name].data as Float32Array;
        target.set((output.data as Float32Array).subarray(0, count * width), start * width);
      }
    }
    return results;
  }

  async close(): Promise<void> {
    for (const bucket of this.opened.values()) await (await bucket).session.close();
    this.opened.clear();
  }

  private bucket(size: number): Promise<Bucket> {
    let bucket = this.opened.get(size);
    if (!bucket) this.opened.set(size, (bucket = this.open(size)));
    return bucket;
  }

  private async open(rows: number): Promise<Bucket> {
    const { graph, inputs } = buildInference((scope) => this.build(scope, rows), this.options.parameters);
    for (const tensor of [...inputs, ...graph.outputTensors().keys()])
      if (tensor.shape[0] !== rows)
        throw new NnError(
          'shape-mismatch',
          `${tensor.name} [${tensor.shape.join()}] does not start with ${rows} rows`,
        );
    return { rows, inputs, session: await openSession(graph.toModel(), this.options.session) };
  }
}

/** A forward graph with its weights inside, or pointing to where they lie. */
export function buildInference(
  build: (scope: Scope) => Readonly<Record<string, Tensor>>,
  parameters: Weights,
): { readonly graph: Graph; readonly inputs: readonly Tensor[] } {
  const graph = new Graph();
  const scope =
    'materialize' in parameters
      ? new Scope(graph, (name, shape) => parameters.materialize(graph, name, shape)).withMatrices(
          parameters.matrices(graph),
        )
      : new Scope(graph, (name, shape) => hostWeights(graph, parameters, name, shape));
  const outputs = graph.untaped(() => build(scope));
  for (const [name, tensor] of Object.entries(outputs)) graph.output(tensor, name);
  return { graph, inputs: graph.inputs };
}

function hostWeights(
  graph: Graph,
  parameters: ReadonlyMap<string, HostTensor>,
  name: string,
  shape: Shape,
): Tensor {
  const weights = parameters.get(name);
  if (weights?.shape.join() !== shape.join())
    throw new NnError(
      'weights-mismatch',
      `${name} should be [${shape.join()}], the weights have ${weights ? `[${weights.shape.join()}]` : 'none'}`,
    );
  return graph.initializer(name, 'float', shape, weights.data);
}

function rowsOf(
  tensor: Tensor,
  values: Batch[string] | undefined,
  start: number,
  count: number,
  rows: number,
): HostTensor {
  const width = sizeOf(tensor.shape.slice(1));
  if (values?.length !== rows * width)
    throw new NnError(
      'shape-mismatch',
      `${tensor.name}: ${values?.length ?? 'no'} values for ${rows} rows of ${width}`,
    );
  const whole = hostTensor(tensor.dtype, [rows, width], values).data as Float32Array;
  const data = allocate(tensor.dtype, sizeOf(tensor.shape)) as Float32Array;
  data.set(whole.subarray(start * width, (start + count) * width));
  return { dtype: tensor.dtype, shape: tensor.shape, data };
}

function hostRows(output: HostTensor, bucketRows: number, rows: number): HostTensor {
  const shape: Shape = [rows, ...output.shape.slice(1)];
  const data: NumericArray = allocate(output.dtype, (output.data.length / bucketRows) * rows);
  return { dtype: output.dtype, shape, data };
}
