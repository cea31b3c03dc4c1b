/** Between probabilities and log-odds on the host, in one place. Computes no gradient: graphs have src/nn/ops.ts. */

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ln(p / (1 − p)), with p held `smallest` away from 0 and 1. */
export function logitWithin(smallest: number, p: number): number {
  const inside = Math.min(Math.max(p, smallest), 1 - smallest);
  return Math.log(inside / (1 - inside));
}

/** The same with p held a millionth away. It takes one argument, so that `map` and `from` may be given it. */
export function logit(p: number): number {
  return logitWithin(1e-6, p);
}
