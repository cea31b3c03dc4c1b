/** A graph of tensors with static shapes which records how to differentiate itself and serializes to ONNX. It runs nothing. */
import {
  BYTES,
  type DType,
  type FloatType,
  type NumericArray,
  type Shape,
  sizeOf,
  toArray,
} from './dtype.ts';
import { NnError } from './errors.ts';
import {
  type Attribute,
  type ExternalLocation,
  type Initializer,
  type ModelRecord,
  type ValueInfo,
  encodeModel,
} from './onnx-proto.ts';

/** A value of the graph: known type and shape, no data. */
export class Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;

  constructor(graph: Graph, name: string, dtype: DType, shape: Shape) {
    this.graph = graph;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Length of an axis; negative axes count from the end. */
  dim(axis: number): number {
    const d = this.shape.at(axis);
    if (d === undefined) throw new NnError('shape-mismatch', `no axis ${axis} in [${this.shape.join()}]`);
    return d;
  }
}

export interface GraphNode {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Gradient of a table of which only the rows `ids` were read: kept sparse until all readers have reported. */
export interface RowGradient {
  readonly ids: Tensor; // [N] int32 or int64, duplicates allowed
  readonly rows: Tensor; // [N, width]
}
export type Gradient = Tensor | RowGradient | null;

/**
 * Vector-Jacobian product of one recorded operation: from the gradients of its outputs (null where an output does not
 * reach the loss) to those of its inputs. Inputs with `needed[i] === false` may be answered with null.
 */
export type Backward = (
  upstream: readonly (Tensor | null)[],
  needed: readonly boolean[],
) => readonly Gradient[];

export interface TapeEntry {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly backward: Backward;
}

/** Operators that load and run, and compute something wrong without saying so. See docs/references/training-engine.md. */
const REFUSED: Readonly<Record<string, string>> = {
  ScatterND:
    'its add reduction loses updates on duplicate indices with more than one thread; use scatterAddRows',
  SimplifiedLayerNormalization: 'WebGPU leaves its second output empty, gradients turn wrong; use rmsNorm',
  SkipSimplifiedLayerNormalization: 'same second output as SimplifiedLayerNormalization; use rmsNorm',
  LogSoftmax: 'no WebGPU kernel: every step would copy the logits to the CPU; use crossEntropy',
};

const OPSET = 21;

export class Graph {
  /** The floating-point type that `'float'` stands for: float32 to train, float64 to check gradients. */
  readonly floatType: FloatType;
  readonly nodes: GraphNode[] = [];
  readonly tape: TapeEntry[] = [];
  readonly inputs: Tensor[] = [];
  private readonly initializers: Initializer[] = [];
  private readonly outputs = new Map<Tensor, string>();
  private readonly names = new Set<string>();
  private readonly constants = new Map<string, Tensor>();
  private counter = 0;
  private paused = 0;

  constructor(floatType: FloatType = 'float32') {
    this.floatType = floatType;
  }

  /** A value fed at each run. */
  input(name: string, dtype: DType | 'float', shape: Shape): Tensor {
    const tensor = this.named(name, this.resolve(dtype), shape);
    this.inputs.push(tensor);
    return tensor;
  }

  /** A value stored in the model, from memory or from an external file. */
  initializer(
    name: string,
    dtype: DType | 'float',
    shape: Shape,
    data: ArrayLike<number> | BigInt64Array | ExternalLocation,
  ): Tensor {
    const tensor = this.named(name, this.resolve(dtype), shape);
    const stored: NumericArray | ExternalLocation = 'location' in data ? data : toArray(tensor.dtype, data);
    if (!('location' in stored) && stored.byteLength !== Math.ceil(sizeOf(shape) * BYTES[tensor.dtype]))
      throw new NnError('shape-mismatch', `${name}: ${stored.length} values for [${shape.join()}]`);
    this.initializers.push({ name, dtype: tensor.dtype, shape, data: stored });
    return tensor;
  }

  /** A constant tensor; equal small constants are stored once. */
  constant(values: number | readonly number[], dtype: DType | 'float' = 'float', shape?: Shape): Tensor {
    const list = typeof values === 'number' ? [values] : values;
    const dims = shape ?? (typeof values === 'number' ? [] : [list.length]);
    const type = this.resolve(dtype);
    const key = list.length <= 16 ? `${type}[${dims.join()}]:${list.join()}` : undefined;
    const known = key === undefined ? undefined : this.constants.get(key);
    if (known) return known;
    const tensor = this.initializer(this.fresh('const'), type, dims, toArray(type, list));
    if (key !== undefined) this.constants.set(key, tensor);
    return tensor;
  }

  /** A tensor filled with one value, made at run time so that it takes no room in the model. */
  filled(value: number, shape: Shape, dtype: DType | 'float' = 'float'): Tensor {
    const type = this.resolve(dtype);
    const fill: Initializer = { name: 'value', dtype: type, shape: [1], data: toArray(type, [value]) };
    return this.emit('ConstantOfShape', [this.constant(shape, 'int64')], type, shape, { value: fill });
  }

  /** Adds a node with one output. */
  emit(
    operator: string,
    inputs: readonly Tensor[],
    dtype: DType,
    shape: Shape,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): Tensor {
    return this.emitMany(operator, inputs, [{ dtype, shape }], attributes, domain)[0]!;
  }

  /** Adds a node with several outputs; throws `operator-refused` for operators known to be silently wrong. */
  emitMany(
    operator: string,
    inputs: readonly Tensor[],
    outputs: readonly { readonly dtype: DType; readonly shape: Shape }[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): Tensor[] {
    const why = REFUSED[operator];
    if (why !== undefined) throw new NnError('operator-refused', `${operator}: ${why}`);
    for (const tensor of inputs)
      if (tensor.graph !== this)
        throw new NnError('shape-mismatch', `${operator}: input ${tensor.name} belongs to another graph`);
    const made = outputs.map(({ dtype, shape }) =>
      this.named(this.fresh(operator.toLowerCase()), dtype, shape),
    );
    this.nodes.push({ operator, domain, inputs, outputs: made, attributes });
    return made;
  }

  /** Records how to differentiate operations just emitted. */
  record(inputs: readonly Tensor[], outputs: readonly Tensor[], backward: Backward): void {
    if (this.paused === 0) this.tape.push({ inputs, outputs, backward });
  }

  /** Runs `build` without recording: for backward passes and for operations with a hand-written gradient. */
  untaped<T>(build: () => T): T {
    this.paused++;
    try {
      return build();
    } finally {
      this.paused--;
    }
  }

  /** An operation with a hand-written gradient: `forward`'s own steps are not differentiated. */
  custom(
    inputs: readonly Tensor[],
    forward: () => Tensor,
    backward: (d: Tensor, needed: readonly boolean[]) => readonly Gradient[],
  ): Tensor {
    const output = this.untaped(forward);
    this.record(inputs, [output], ([d], needed) => backward(d!, needed));
    return output;
  }

  /** Names a tensor as a result of the model. */
  output(tensor: Tensor, name: string): void {
    if (this.names.has(name)) throw new NnError('name-taken', `output ${name}: the name is taken`);
    const produced = this.nodes.some((node) => node.outputs.includes(tensor));
    // Inputs, initializers and tensors that already carry an output name need a node of their own.
    const own =
      produced && !this.outputs.has(tensor)
        ? tensor
        : this.emit('Identity', [tensor], tensor.dtype, tensor.shape);
    this.names.add(name);
    this.outputs.set(own, name);
  }

  /** Nodes which some output depends on, in the order of execution. */
  liveNodes(): GraphNode[] {
    const producer = new Map<Tensor, GraphNode>();
    for (const node of this.nodes) for (const tensor of node.outputs) producer.set(tensor, node);
    const live = new Set<GraphNode>();
    const pending = [...this.outputs.keys()];
    for (let tensor = pending.pop(); tensor !== undefined; tensor = pending.pop()) {
      const node = producer.get(tensor);
      if (!node || live.has(node)) continue;
      live.add(node);
      pending.push(...node.inputs);
    }
    return this.nodes.filter((node) => live.has(node));
  }

  outputTensors(): ReadonlyMap<Tensor, string> {
    return this.outputs;
  }

  /** The model as data: live nodes, the initializers they use, every input they read. */
  toRecord(): ModelRecord {
    const nodes = this.liveNodes();
    const used = new Set(nodes.flatMap((node) => node.inputs.map((tensor) => tensor.name)));
    const nameOf = (tensor: Tensor): string => this.outputs.get(tensor) ?? tensor.name;
    const info = (tensor: Tensor): ValueInfo => ({
      name: nameOf(tensor),
      dtype: tensor.dtype,
      shape: tensor.shape,
    });
    return {
      opset: OPSET,
      nodes: nodes.map((node) => ({
        operator: node.operator,
        domain: node.domain,
        inputs: node.inputs.map(nameOf),
        outputs: node.outputs.map(nameOf),
        attributes: node.attributes,
      })),
      initializers: this.initializers.filter(({ name }) => used.has(name)),
      inputs: this.inputs.filter(({ name }) => used.has(name)).map(info),
      outputs: [...this.outputs.keys()].map(info),
    };
  }

  toModel(): Uint8Array {
    return encodeModel(this.toRecord());
  }

  private resolve(dtype: DType | 'float'): DType {
    return dtype === 'float' ? this.floatType : dtype;
  }

  private fresh(prefix: string): string {
    return `${prefix}#${this.counter++}`;
  }

  private named(name: string, dtype: DType, shape: Shape): Tensor {
    if (this.names.has(name)) throw new NnError('name-taken', `${name}: the name is taken`);
    if (!shape.every((d) => Number.isInteger(d) && d >= 0))
      throw new NnError('shape-mismatch', `${name}: [${shape.join()}] is no shape`);
    this.names.add(name);
    return new Tensor(this, name, dtype, shape);
  }
}
