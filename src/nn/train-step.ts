/** One graph for one optimisation step: forward, backward, clipping, AdamW and the parameter update. It runs nothing. */
import { gradients } from './autodiff.ts';
import type { FloatType } from './dtype.ts';
import { NnError } from './errors.ts';
import { Graph, type GraphNode, Tensor } from './graph.ts';
import { type AdamWOptions, adamWUpdate, gateUpdates, globalNorm } from './optimizer.ts';
import { type Declaration, Scope } from './scope.ts';
import { cast } from './shape-ops.ts';

/** What a model's builder returns for training: the scalar loss and, if wanted, other values to report at each step. */
export interface Objective {
  readonly loss: Tensor;
  readonly metrics?: Readonly<Record<string, Tensor>>;
}
/** Declares a model and its inputs in a scope and returns its loss. */
export type BuildObjective = (scope: Scope) => Objective | Tensor;

/** Names in the graph of the pieces of state of parameter `name`. */
export const stateNames = (name: string) => ({
  parameter: `p:${name}`,
  moment: `m:${name}`,
  square: `v:${name}`,
  nextParameter: `next.p:${name}`,
  nextMoment: `next.m:${name}`,
  nextSquare: `next.v:${name}`,
});
export const LOSS = 'loss';
export const GRADIENT_NORM = 'gradientNorm';
export const gradientName = (name: string): string => `gradient:${name}`;

export interface TrainGraph {
  readonly graph: Graph;
  readonly declarations: readonly Declaration[];
  /** What the caller feeds: the inputs that the model's builder declared. */
  readonly inputs: readonly Tensor[];
  readonly metrics: readonly string[];
}

function objectiveOf(
  build: BuildObjective,
  graph: Graph,
): { objective: Objective; declarations: readonly Declaration[]; inputs: Tensor[] } {
  const parameters = new Set<Tensor>();
  const scope = new Scope(graph, (name, shape) => {
    const tensor = graph.input(stateNames(name).parameter, 'float', shape);
    parameters.add(tensor);
    return tensor;
  });
  const built = build(scope);
  const objective = built instanceof Tensor ? { loss: built } : built;
  return {
    objective,
    declarations: scope.declarations(),
    inputs: graph.inputs.filter((tensor) => !parameters.has(tensor)),
  };
}

/** Loss, metrics and the gradient of every trainable parameter (outputs `gradient:…`): for checks and experiments. */
export function buildGradients(build: BuildObjective, floatType: FloatType = 'float32'): TrainGraph {
  const graph = new Graph(floatType);
  const { objective, declarations, inputs } = objectiveOf(build, graph);
  const trained = declarations.filter(({ frozen }) => !frozen);
  const computed = gradients(
    objective.loss,
    trained.map(({ tensor }) => tensor),
  );
  graph.output(objective.loss, LOSS);
  trained.forEach(({ name }, i) => graph.output(computed[i]!, gradientName(name)));
  const metrics = Object.entries(objective.metrics ?? {});
  for (const [name, tensor] of metrics) graph.output(tensor, name);
  return { graph, declarations, inputs, metrics: metrics.map(([name]) => name) };
}

/**
 * The whole step. State goes in as p:, m:, v: and comes out as next.p:, next.m:, next.v:. The session may write each
 * output over its own input (half the memory, no copy): `assertUpdatesWait` proves that for the graph built.
 */
export function buildTrainStep(
  build: BuildObjective,
  optimizer: Required<AdamWOptions>,
  floatType: FloatType = 'float32',
): TrainGraph {
  const graph = new Graph(floatType);
  const { objective, declarations, inputs } = objectiveOf(build, graph);
  const { loss, metrics = {} } = objective;
  const trained = declarations.filter(({ frozen }) => !frozen);
  const computed = gradients(
    loss,
    trained.map(({ tensor }) => tensor),
  );

  graph.untaped(() => {
    const norm = globalNorm(computed);
    const extras = [loss, ...Object.values(metrics)].map((tensor) => cast(tensor, graph.floatType));
    const gated = gateUpdates(norm, extras, optimizer);
    trained.forEach(({ name, shape, decay, tensor }, i) => {
      const names = stateNames(name);
      const moment = graph.input(names.moment, 'float', shape);
      const square = graph.input(names.square, 'float', shape);
      const next = adamWUpdate({ parameter: tensor, moment, square }, computed[i]!, gated, decay);
      graph.output(next.parameter, names.nextParameter);
      graph.output(next.moment, names.nextMoment);
      graph.output(next.square, names.nextSquare);
    });
    graph.output(loss, LOSS);
    graph.output(norm, GRADIENT_NORM);
    for (const [name, tensor] of Object.entries(metrics)) graph.output(tensor, name);
    assertUpdatesWait(graph, gated.finite);
  });
  return { graph, declarations, inputs, metrics: Object.keys(metrics) };
}

/**
 * Proves that state may be updated in place: throws `update-hazard` unless every live node either runs before `gate`,
 * or belongs to the update of a single parameter and waits for `gate`. Without that, ONNX Runtime may write a new
 * weight before the backward pass has read the old one: parameters drift with no error (measured: up to 0.11).
 */
export function assertUpdatesWait(graph: Graph, gate: Tensor): void {
  const live = graph.liveNodes();
  const before = ancestors(live, gate);
  const after = new Set<Tensor>([gate]); // tensors that depend on the gate
  const readOnce = new Set<Tensor>(); // an update reads each piece of its state in exactly one node
  const owner = new Map<Tensor, string>(); // the parameter whose state a tensor behind the gate was computed from
  for (const node of live) {
    if (before.has(node)) continue;
    const reads = new Set<string>();
    for (const tensor of node.inputs) {
      const state = owner.get(tensor) ?? (isState(tensor) ? tensor.name.slice(2) : undefined);
      if (state !== undefined) reads.add(state);
    }
    const waits = node.inputs.some((tensor) => after.has(tensor));
    const again = node.inputs.some((tensor) => isState(tensor) && readOnce.has(tensor));
    for (const tensor of node.inputs) readOnce.add(tensor);
    if (again || reads.size > 1 || (reads.size === 1 && !waits))
      throw new NnError(
        'update-hazard',
        `${node.operator} reads ${[...reads].join(', ')} and may run after its update`,
      );
    for (const tensor of node.outputs) {
      if (waits) after.add(tensor);
      for (const name of reads) owner.set(tensor, name);
    }
  }
}

const isState = (tensor: Tensor): boolean => /^[pmv]:/.test(tensor.name);

function ancestors(nodes: readonly GraphNode[], of: Tensor): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const wanted = new Set<Tensor>([of]);
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((tensor) => wanted.has(tensor))) continue;
    found.add(node);
    for (const tensor of node.inputs) wanted.add(tensor);
  }
  return found;
}
