/** AdamW inside the graph, after clipping by global norm. It updates nothing when the gradient is not finite. */
import type { Tensor } from './graph.ts';
import { abs, add, div, mul, sqrt, sub, where } from './ops.ts';
import { reshape, sumAll } from './shape-ops.ts';

/** Constants of AdamW. Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2. */
export interface AdamWOptions {
  /** β1, default 0.9. */
  readonly beta1?: number;
  /** β2, default 0.95 (Brown et al. 2020, arXiv 2005.14165, appendix B). */
  readonly beta2?: number;
  /** ε, default 1e-8. */
  readonly epsilon?: number;
  /** λ, default 0.01: each step a decayed parameter loses learningRate · λ of itself. */
  readonly weightDecay?: number;
  /** Largest global gradient norm, default 1 (Pascanu et al. 2013, arXiv 1211.5063); Infinity switches clipping off. */
  readonly clipNorm?: number;
}
export const ADAMW_DEFAULTS: Required<AdamWOptions> = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 1,
};

/** Names of the scalars that the host feeds at every step. */
export const SCALARS = { rate: 'adamw.rate', decay: 'adamw.decay', epsilon: 'adamw.epsilon' } as const;

/**
 * The scalars of step t (1-based), which fold AdamW's bias corrections into the rate and ε:
 * η·m̂/(√v̂ + ε) = rate·m/(√v + ε·√(1−β2ᵗ)) with rate = η·√(1−β2ᵗ)/(1−β1ᵗ).
 */
export function stepScalars(
  options: Required<AdamWOptions>,
  learningRate: number,
  t: number,
): Record<keyof typeof SCALARS, number> {
  const correction = Math.sqrt(1 - options.beta2 ** t);
  return {
    rate: (learningRate * correction) / (1 - options.beta1 ** t),
    decay: 1 - learningRate * options.weightDecay,
    epsilon: options.epsilon * correction,
  };
}

/** √Σ‖g‖² over all gradients. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  const squares = gradients.map((d) => {
    const flat = reshape(d, [d.shape.reduce((n, k) => n * k, 1)]);
    return d.graph.emit('ReduceSumSquare', [flat], d.dtype, [], { keepdims: 0 });
  });
  return sqrt(squares.reduce(add));
}

/** Scalars that every update multiplies with; all of them wait for `gate`. */
export interface Gated {
  readonly finite: Tensor; // bool: whether this step counts
  readonly momentKeep: Tensor; // β1, or 1 when the step does not count
  readonly momentGain: Tensor; // (1 − β1)·clip, or 0
  readonly squareKeep: Tensor;
  readonly squareGain: Tensor;
  readonly rate: Tensor;
  readonly decay: Tensor;
  readonly epsilon: Tensor;
}

const FINITE_BELOW = 1e30;

/**
 * Clipping and step size behind one gate. `extras` are other results of the graph (the loss, metrics): they enter the
 * gate with weight 0, so that no update can start before everything that reads old parameters is done, and so that a
 * loss which is not finite stops the update too.
 */
export function gateUpdates(norm: Tensor, extras: readonly Tensor[], options: Required<AdamWOptions>): Gated {
  const g = norm.graph;
  const gate = extras.reduce((sum, tensor) => add(sum, mul(sumAll(tensor), 0)), norm);
  const finite = g.emit('Less', [abs(gate), g.constant(FINITE_BELOW)], 'bool', []);
  const clip = g.emit('Min', [g.constant(1), div(options.clipNorm, add(norm, 1e-6))], norm.dtype, []);
  const { beta1, beta2 } = options;
  return {
    finite,
    momentKeep: where(finite, g.constant(beta1), 1),
    momentGain: where(finite, mul(clip, 1 - beta1), 0),
    squareKeep: where(finite, g.constant(beta2), 1),
    squareGain: where(finite, mul(mul(clip, clip), 1 - beta2), 0),
    rate: where(finite, g.input(SCALARS.rate, 'float', []), 0),
    decay: where(finite, g.input(SCALARS.decay, 'float', []), 1),
    epsilon: where(finite, g.input(SCALARS.epsilon, 'float', []), 1),
  };
}

export interface AdamWState {
  readonly parameter: Tensor;
  readonly moment: Tensor; // m
  readonly square: Tensor; // v
}

/** One AdamW update of one parameter; `decay` says whether weight decay applies. */
export function adamWUpdate(state: AdamWState, gradient: Tensor, gated: Gated, decay: boolean): AdamWState {
  const d = where(gated.finite, gradient, 0); // a NaN times 0 would still be NaN
  const moment = add(mul(state.moment, gated.momentKeep), mul(d, gated.momentGain));
  const square = add(mul(state.square, gated.squareKeep), mul(mul(d, d), gated.squareGain));
  const change = div(mul(moment, gated.rate), add(sqrt(square), gated.epsilon));
  const parameter = sub(decay ? mul(state.parameter, gated.decay) : state.parameter, change);
  return { parameter, moment, square };
}
