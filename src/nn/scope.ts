/** Names for a model under construction: declares inputs, parameters and buffers by path. It holds no weights. */
import type { DType, Shape } from './dtype.ts';
import { NnError } from './errors.ts';
import type { Graph, Tensor } from './graph.ts';
import type { Random } from './random.ts';

/** Fills a fresh parameter. */
export type Initialize = (random: Random, length: number) => ArrayLike<number>;

export const zeros: Initialize = (_, length) => new Float64Array(length);
export const ones: Initialize = (_, length) => new Float64Array(length).fill(1);
export const constant =
  (value: number): Initialize =>
  (_, length) =>
    new Float64Array(length).fill(value);
/** Normal with mean 0. */
export const normal =
  (deviation: number): Initialize =>
  (random, length) =>
    Float64Array.from({ length }, () => random.normal() * deviation);
/** Uniform in [−bound, bound). */
export const uniform =
  (bound: number): Initialize =>
  (random, length) =>
    Float64Array.from({ length }, () => (random.uniform() * 2 - 1) * bound);
/** Given values, e.g. an embedding learned elsewhere. */
export const from =
  (values: ArrayLike<number>): Initialize =>
  () =>
    values;

export interface ParameterOptions {
  /** Whether AdamW decays it; by default matrices do, vectors and scalars do not. */
  readonly decay?: boolean;
  /** A parameter that is stored and loaded but never updated. */
  readonly frozen?: boolean;
}

export interface Declaration {
  readonly name: string;
  readonly shape: Shape;
  readonly initialize: Initialize;
  readonly decay: boolean;
  readonly frozen: boolean;
  readonly tensor: Tensor;
}

/** How a declared parameter enters the graph: as an input to train it, as an initializer to use it. */
export type Materialize = (name: string, shape: Shape) => Tensor;

/** What a builder asked for when it declared a parameter by its full name. */
export interface ParameterRequest {
  readonly name: string;
  readonly shape: Shape;
  readonly initialize: Initialize;
  readonly options: ParameterOptions;
}
/** Declares something else in place of a parameter, e.g. a frozen weight and a low-rank change to it (lora.ts). */
export type Adapt = (request: ParameterRequest, declare: (request: ParameterRequest) => Tensor) => Tensor;

/** x [N, in] → x·weightᵀ + bias [N, out]. */
export type Product = (x: Tensor, bias?: Tensor) => Tensor;

/** How matrices multiply where that is not one Gemm with a parameter: stored elsewhere, quantised, with an adapter. */
export interface MatrixSource {
  /** Null: the matrix is an ordinary parameter. */
  product(
    place: Scope,
    name: string,
    shape: readonly [outputs: number, inputs: number],
    initialize: Initialize,
  ): Product | null;
}

/** What a place does differently from declaring parameters and multiplying with them. */
interface Hooks {
  readonly adapt?: Adapt;
  readonly matrices?: MatrixSource;
}

/** A place in a model: `scope.child('layers.0').parameter('weight', …)` declares `layers.0.weight`. */
export class Scope {
  readonly graph: Graph;
  private readonly path: string;
  private readonly materialize: Materialize;
  private readonly declared: Map<string, Declaration>;
  private readonly hooks: Hooks;

  constructor(
    graph: Graph,
    materialize: Materialize,
    path = '',
    declared = new Map<string, Declaration>(),
    hooks: Hooks = {},
  ) {
    this.graph = graph;
    this.materialize = materialize;
    this.path = path;
    this.declared = declared;
    this.hooks = hooks;
  }

  child(name: string): Scope {
    return new Scope(this.graph, this.materialize, `${this.path}${name}.`, this.declared, this.hooks);
  }

  /** The same place with every parameter declared in it handed to `adapt` first. */
  adapted(adapt: Adapt): Scope {
    return this.hooked({ adapt });
  }

  /** The same place with matrices from elsewhere. */
  withMatrices(matrices: MatrixSource): Scope {
    return this.hooked({ matrices });
  }

  private hooked(hooks: Hooks): Scope {
    return new Scope(this.graph, this.materialize, this.path, this.declared, { ...this.hooks, ...hooks });
  }

  /** The full name of something declared here. */
  nameOf(name: string): string {
    return this.path + name;
  }

  /** The product with a matrix from elsewhere; null when the matrix is an ordinary parameter. */
  productFrom(
    name: string,
    shape: readonly [outputs: number, inputs: number],
    initialize: Initialize,
  ): Product | null {
    return this.hooks.matrices?.product(this, name, shape, initialize) ?? null;
  }

  /** A value fed at each step; `'float'` follows the graph. Inputs are named globally, not by path. */
  input(name: string, dtype: DType | 'float', shape: Shape): Tensor {
    return this.graph.input(name, dtype, shape);
  }

  /** A trainable tensor. Declaring a name twice is an error: to share weights, share the tensor or the layer. */
  parameter(name: string, shape: Shape, initialize: Initialize, options: ParameterOptions = {}): Tensor {
    const request = { name: this.path + name, shape, initialize, options };
    const declare = (wanted: ParameterRequest): Tensor => this.register(wanted);
    return this.hooks.adapt ? this.hooks.adapt(request, declare) : this.register(request);
  }

  private register({ name, shape, initialize, options }: ParameterRequest): Tensor {
    if (this.declared.has(name)) throw new NnError('name-taken', `parameter ${name} is declared twice`);
    const tensor = this.materialize(name, shape);
    const { decay = shape.length > 1, frozen = false } = options;
    this.declared.set(name, { name, shape, initialize, decay, frozen, tensor });
    return tensor;
  }

  /** A constant stored in the graph, e.g. a fingerprint matrix. It is not part of the weights. */
  buffer(name: string, shape: Shape, values: ArrayLike<number>, dtype: DType | 'float' = 'float'): Tensor {
    return this.graph.initializer(`buffer:${this.path}${name}`, dtype, shape, values);
  }

  declarations(): readonly Declaration[] {
    return [...this.declared.values()];
  }
}
