/**
 * Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): trains W + (α/r)·B·A with W frozen, for any model that is built
 * in a Scope, and merges the change into plain weights. Names and shapes are those of PEFT; knows no file and no drug.
 */
import type { HostTensor, Shape } from './dtype.ts';
import { NnError } from './errors.ts';
import { gemm } from './matrix-ops.ts';
import { add, mul } from './ops.ts';
import { type Adapt, type Initialize, normal, uniform, zeros } from './scope.ts';

/** `linear`: W [out, in], A [r, in], B [out, r]. `embedding`: W [rows, width], A [r, rows], B [width, r], change (B·A)ᵀ. */
export type LoraKind = 'linear' | 'embedding';

export interface LoraPlan {
  readonly rank: number;
  /** α: the change is scaled by α/r. */
  readonly alpha: number;
  /** How a matrix is adapted, by its full name; null leaves it frozen. */
  readonly kindOf: (name: string) => LoraKind | null;
  /** Other parameters that are trained as they are, e.g. a bias. */
  readonly trains: (name: string) => boolean;
}

const WEIGHT = '.weight';
const SUFFIXES = {
  linear: { a: '.lora_A.weight', b: '.lora_B.weight' },
  embedding: { a: '.lora_embedding_A', b: '.lora_embedding_B' },
} as const;

/** Names of the two factors of a weight `….weight`. */
export function loraNames(name: string, kind: LoraKind): { readonly a: string; readonly b: string } {
  if (!name.endsWith(WEIGHT)) throw new NnError('weights-mismatch', `${name} is no weight of a module`);
  const module = name.slice(0, -WEIGHT.length);
  return { a: module + SUFFIXES[kind].a, b: module + SUFFIXES[kind].b };
}

/** Shapes of the factors of W [rows, columns]. */
export function loraShapes(
  shape: Shape,
  kind: LoraKind,
  rank: number,
): { readonly a: Shape; readonly b: Shape } {
  const [rows, columns] = shape as [number, number];
  return kind === 'linear'
    ? { a: [rank, columns], b: [rows, rank] }
    : { a: [rank, rows], b: [columns, rank] };
}

/** Scope hook: every weight of the plan is frozen and has a low-rank change, which starts at nothing. */
export function loraAdapt(plan: LoraPlan): Adapt {
  const { rank, alpha } = plan;
  return ({ name, shape, initialize, options }, declare) => {
    const kind = plan.kindOf(name);
    if (kind === null)
      return declare({ name, shape, initialize, options: { ...options, frozen: !plan.trains(name) } });
    const names = loraNames(name, kind);
    const shapes = loraShapes(shape, kind, rank);
    const w = declare({ name, shape, initialize, options: { ...options, frozen: true } });
    const factor = (own: string, size: Shape, start: Initialize) =>
      declare({ name: own, shape: size, initialize: start, options: {} });
    // One factor starts at nothing, so that the adapted model starts as the model itself (as PEFT does).
    const [a, b] =
      kind === 'linear'
        ? [factor(names.a, shapes.a, uniform(1 / Math.sqrt(shape[1]!))), factor(names.b, shapes.b, zeros)]
        : [factor(names.a, shapes.a, zeros), factor(names.b, shapes.b, normal(1))];
    const change = kind === 'linear' ? gemm(b, a) : gemm(a, b, { transA: true, transB: true });
    return add(w, mul(change, alpha / rank));
  };
}

/**
 * Plain weights of an adapted model: factors folded in, other trained parameters replaced.
 * @param adapter factors and replaced parameters by name
 * @throws NnError weights-mismatch when a factor has no weight, no partner, or another shape
 */
export function mergeLora(
  base: ReadonlyMap<string, HostTensor>,
  adapter: ReadonlyMap<string, HostTensor>,
  alpha: number,
): Map<string, HostTensor> {
  const merged = new Map(base);
  const used = new Set<string>();
  for (const [name, tensor] of adapter) {
    const match = Object.entries(SUFFIXES).find(([, { a }]) => name.endsWith(a));
    if (!match) continue;
    const kind = match[0] as LoraKind;
    const weight = name.slice(0, -SUFFIXES[kind].a.length) + WEIGHT;
    const names = loraNames(weight, kind);
    const w = base.get(weight);
    const b = adapter.get(names.b);
    const rank = tensor.shape[0]!;
    if (!w || !b) throw new NnError('weights-mismatch', `${name} has no ${w ? names.b : weight}`);
    const shapes = loraShapes(w.shape, kind, rank);
    if (tensor.shape.join() !== shapes.a.join() || b.shape.join() !== shapes.b.join())
      throw new NnError(
        'weights-mismatch',
        `${name} is [${tensor.shape.join()}] and [${b.shape.join()}] for a weight [${w.shape.join()}]`,
      );
    merged.set(weight, changed(w, tensor, b, kind, alpha / rank));
    used.add(names.a).add(names.b);
  }
  for (const [name, tensor] of adapter) {
    if (used.has(name)) continue;
    if (base.get(name)?.shape.join() !== tensor.shape.join())
      throw new NnError('weights-mismatch', `${name} [${tensor.shape.join()}] fits nothing of the model`);
    merged.set(name, tensor);
  }
  return merged;
}

function changed(w: HostTensor, a: HostTensor, b: HostTensor, kind: LoraKind, scale: number): HostTensor {
  const [rows, columns] = w.shape as [number, number];
  const rank = a.shape[0]!;
  const data = Float32Array.from(w.data as Float32Array);
  const [left, right] = [b.data as Float32Array, a.data as Float32Array];
  for (let i = 0; i < rows; i += 1)
    for (let k = 0; k < rank; k += 1) {
      // linear: B[i, k]·A[k, j]; embedding: A[k, i]·B[j, k].
      const factor = scale * (kind === 'linear' ? left[i * rank + k]! : right[k * rows + i]!);
      if (factor === 0) continue;
      for (let j = 0; j < columns; j += 1)
        data[i * columns + j]! +=
          factor * (kind === 'linear' ? right[k * columns + j]! : left[j * rank + k]!);
    }
  return { dtype: 'float32', shape: w.shape, data };
}
