/** Elementwise arithmetic, activations and softmax, each with its gradient. Shapes broadcast as in NumPy. */
import { broadcastShape } from './dtype.ts';
import { NnError } from './errors.ts';
import type { Tensor } from './graph.ts';
import { cast, reduceSum, sumAll, sumTo } from './shape-ops.ts';

/** A tensor, or a number that becomes a constant of the other operand's type. */
export type Operand = Tensor | number;

function pair(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a !== 'number') {
    const y = typeof b === 'number' ? a.graph.constant(b, a.dtype) : b;
    if (y.dtype !== a.dtype) throw new NnError('shape-mismatch', `${a.dtype} with ${y.dtype}`);
    return [a, y];
  }
  if (typeof b === 'number') throw new NnError('shape-mismatch', 'one operand must be a tensor');
  return [b.graph.constant(a, b.dtype), b];
}

type BinaryBackward = (
  d: Tensor,
  a: Tensor,
  b: Tensor,
  y: Tensor,
  needed: readonly boolean[],
) => (Tensor | null)[];

function binary(operator: string, left: Operand, right: Operand, backward: BinaryBackward): Tensor {
  const [a, b] = pair(left, right);
  const g = a.graph;
  const y = g.emit(operator, [a, b], a.dtype, broadcastShape(a.shape, b.shape));
  g.record([a, b], [y], ([d], needed) => backward(d!, a, b, y, needed));
  return y;
}

export function add(a: Operand, b: Operand): Tensor {
  return binary('Add', a, b, (d, x, y, _, [nx, ny]) => [
    nx ? sumTo(d, x.shape) : null,
    ny ? sumTo(d, y.shape) : null,
  ]);
}

export function sub(a: Operand, b: Operand): Tensor {
  return binary('Sub', a, b, (d, x, y, _, [nx, ny]) => [
    nx ? sumTo(d, x.shape) : null,
    ny ? neg(sumTo(d, y.shape)) : null,
  ]);
}

export function mul(a: Operand, b: Operand): Tensor {
  return binary('Mul', a, b, (d, x, y, _, [nx, ny]) => [
    nx ? sumTo(mul(d, y), x.shape) : null,
    ny ? sumTo(mul(d, x), y.shape) : null,
  ]);
}

export function div(a: Operand, b: Operand): Tensor {
  return binary('Div', a, b, (d, x, y, quotient, [nx, ny]) => {
    const dx = div(d, y);
    return [nx ? sumTo(dx, x.shape) : null, ny ? neg(sumTo(mul(dx, quotient), y.shape)) : null];
  });
}

function unary(operator: string, a: Tensor, backward: (d: Tensor, y: Tensor) => Tensor): Tensor {
  const g = a.graph;
  const y = g.emit(operator, [a], a.dtype, a.shape);
  g.record([a], [y], ([d]) => [backward(d!, y)]);
  return y;
}

export const neg = (a: Tensor): Tensor => unary('Neg', a, (d) => neg(d));
export const exp = (a: Tensor): Tensor => unary('Exp', a, (d, y) => mul(d, y));
export const log = (a: Tensor): Tensor => unary('Log', a, (d) => div(d, a));
export const sqrt = (a: Tensor): Tensor => unary('Sqrt', a, (d, y) => div(mul(d, 0.5), y));
export const reciprocal = (a: Tensor): Tensor => unary('Reciprocal', a, (d, y) => neg(mul(d, mul(y, y))));
/** d|a|/da is taken as sign(a), 0 at 0. */
export const abs = (a: Tensor): Tensor =>
  unary('Abs', a, (d) => mul(d, a.graph.emit('Sign', [a], a.dtype, a.shape)));
export const tanh = (a: Tensor): Tensor => unary('Tanh', a, (d, y) => mul(d, sub(1, mul(y, y))));
export const sigmoid = (a: Tensor): Tensor => unary('Sigmoid', a, (d, y) => mul(d, mul(y, sub(1, y))));
/** The derivative at 0 is taken as 0. */
export const relu = (a: Tensor): Tensor => unary('Relu', a, (d) => mul(d, cast(greater(a, 0), a.dtype)));

/** a > b as booleans; not differentiable. */
export function greater(a: Tensor, b: Operand): Tensor {
  const [x, y] = pair(a, b);
  return x.graph.emit('Greater', [x, y], 'bool', broadcastShape(x.shape, y.shape));
}

/** max(a, b) elementwise; where both are equal the gradient goes to b. */
export function maximum(a: Operand, b: Operand): Tensor {
  const [x, y] = pair(a, b);
  return where(greater(x, y), x, y);
}

/** condition ? a : b. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = pair(a, b);
  const g = x.graph;
  const shape = broadcastShape(condition.shape, broadcastShape(x.shape, y.shape));
  const result = g.emit('Where', [condition, x, y], x.dtype, shape);
  g.record([x, y], [result], ([d], [nx, ny]) => [
    nx ? sumTo(where(condition, d!, 0), x.shape) : null,
    ny ? sumTo(where(condition, 0, d!), y.shape) : null,
  ]);
  return result;
}

/** x · σ(x), also called swish. Ramachandran et al. 2017, arXiv 1710.05941. */
export function silu(x: Tensor): Tensor {
  let s: Tensor;
  let y: Tensor;
  return x.graph.custom(
    [x],
    () => {
      s = sigmoid(x);
      y = mul(x, s);
      return y;
    },
    (d) => [mul(d, add(s, sub(y, mul(y, s))))], // y' = σ + y·(1 − σ)
  );
}

/** silu(gate) · up: the gated unit of SwiGLU (Shazeer 2020, arXiv 2002.05202) without its three matrices. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  let s: Tensor;
  let act: Tensor;
  return gate.graph.custom(
    [gate, up],
    () => {
      s = sigmoid(gate);
      act = mul(gate, s);
      return mul(act, up);
    },
    (d) => [mul(mul(d, up), add(s, sub(act, mul(act, s)))), mul(d, act)],
  );
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;

/** GELU, tanh form: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). Hendrycks & Gimpel 2016, arXiv 1606.08415. */
export function gelu(x: Tensor): Tensor {
  const cube = mul(mul(x, x), x);
  const inner = mul(add(x, mul(cube, GELU_CUBIC)), SQRT_2_OVER_PI);
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** log(1 + exp(a)) without overflow: max(a, 0) + log(1 + exp(−|a|)). */
export function softplus(a: Tensor): Tensor {
  return a.graph.custom(
    [a],
    () => add(a.graph.emit('Relu', [a], a.dtype, a.shape), log(add(exp(neg(abs(a))), 1))),
    (d) => [mul(d, sigmoid(a))],
  );
}

/** Mean over `axes`, kept as length 1 unless `keep` is false. */
export function reduceMean(a: Tensor, axes: readonly number[], keep = true): Tensor {
  const count = axes.reduce((n, axis) => n * a.dim(axis), 1);
  return mul(reduceSum(a, axes, keep), 1 / count);
}

/** Mean of all elements, a scalar. */
export function meanAll(a: Tensor): Tensor {
  return mul(sumAll(a), 1 / a.shape.reduce((n, d) => n * d, 1));
}

/** Softmax over the last axis; stable, as ONNX Runtime subtracts the maximum. */
export function softmax(a: Tensor): Tensor {
  const g = a.graph;
  const y = g.emit('Softmax', [a], a.dtype, a.shape, { axis: -1 });
  g.record([a], [y], ([d]) => [mul(y, sub(d!, reduceSum(mul(d!, y), [-1])))]);
  return y;
}

/** Maximum over the last axis, kept as length 1; not differentiable (used to shift exponents). */
export function lastMaximum(a: Tensor): Tensor {
  const g = a.graph;
  const axes = g.constant([a.rank - 1], 'int64');
  return g.emit('ReduceMax', [a, axes], a.dtype, [...a.shape.slice(0, -1), 1], { keepdims: 1 });
}
