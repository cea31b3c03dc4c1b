/** Reverse-mode differentiation over a graph's tape: extends the graph by the nodes which compute gradients. */
import { sameShape } from './dtype.ts';
import { NnError } from './errors.ts';
import { scatterAddRows } from './gather-ops.ts';
import type { Gradient, RowGradient, Tensor } from './graph.ts';
import { add } from './ops.ts';

/** Sums what the readers of one tensor report: dense parts first, then rows scattered on top. */
class Accumulator {
  private dense: Tensor | null = null;
  private readonly sparse: RowGradient[] = [];
  private readonly of: Tensor;

  constructor(of: Tensor) {
    this.of = of;
  }

  report(gradient: Tensor | RowGradient): void {
    if ('rows' in gradient) {
      this.sparse.push(gradient);
      return;
    }
    if (!sameShape(gradient.shape, this.of.shape))
      throw new NnError(
        'shape-mismatch',
        `gradient [${gradient.shape.join()}] of ${this.of.name} [${this.of.shape.join()}]`,
      );
    this.dense = this.dense ? add(this.dense, gradient) : gradient;
  }

  total(): Tensor {
    for (const { ids, rows } of this.sparse.splice(0)) {
      const base = this.dense ?? this.of.graph.filled(0, this.of.shape, this.of.dtype);
      this.dense = scatterAddRows(base, ids, rows);
    }
    return this.dense!;
  }
}

/**
 * Gradients of a scalar loss with respect to `parameters`, in their order.
 * Throws `gradient-missing` when a parameter does not reach the loss: it would silently never be trained.
 */
export function gradients(loss: Tensor, parameters: readonly Tensor[]): Tensor[] {
  const g = loss.graph;
  if (loss.rank !== 0)
    throw new NnError('shape-mismatch', `the loss must be a scalar, not [${loss.shape.join()}]`);

  const needed = new Set<Tensor>(parameters);
  for (const { inputs, outputs } of g.tape)
    if (inputs.some((tensor) => needed.has(tensor))) for (const tensor of outputs) needed.add(tensor);

  return g.untaped(() => {
    const sums = new Map<Tensor, Accumulator>();
    const report = (tensor: Tensor, gradient: Gradient): void => {
      if (!gradient) return;
      let sum = sums.get(tensor);
      if (!sum) sums.set(tensor, (sum = new Accumulator(tensor)));
      sum.report(gradient);
    };
    report(loss, g.constant(1, loss.dtype));

    for (const { inputs, outputs, backward } of g.tape.toReversed()) {
      if (!outputs.some((tensor) => needed.has(tensor) && sums.has(tensor))) continue;
      const upstream = outputs.map((tensor) => sums.get(tensor)?.total() ?? null);
      const wanted = inputs.map((tensor) => needed.has(tensor));
      const reported = backward(upstream, wanted);
      inputs.forEach((tensor, i) => {
        if (wanted[i]) report(tensor, reported[i] ?? null);
      });
    }
    return parameters.map((tensor) => {
      const sum = sums.get(tensor);
      if (!sum) throw new NnError('gradient-missing', `${tensor.name} does not influence the loss`);
      return sum.total();
    });
  });
}
