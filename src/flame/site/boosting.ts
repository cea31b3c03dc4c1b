/**
 * Gradient-boosted regression trees for the logistic loss on top of given logits (Friedman 2001, with the second-order gain
 * of Chen & Guestrin 2016), over columns cut into at most 32 bins. Draws nothing at random.
 */

import { sigmoid } from '../probability.ts';

export interface BoostingOptions {
  readonly trees: number;
  readonly depth: number;
  readonly rate: number;
}

/** Binary trees in one table: node n splits `columns[n]` at `values[n]`, or is a leaf worth `values[n]` (column −1). */
export interface Trees {
  /** First node of each tree. */
  readonly roots: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
  /** Child for values up to the split; the other child follows it. */
  readonly below: Int32Array;
}

const BINS = 32;
const SAMPLE = 4000;
/** Added to the curvature of every leaf. */
const LEAF_RIDGE = 5;
const LEAF_MINIMUM = 5;
const GAIN_MINIMUM = 1;

export const NO_TREES: Trees = {
  roots: new Int32Array(),
  columns: new Int32Array(),
  values: new Float32Array(),
  below: new Int32Array(),
};

/** @param rows [y.length · width]; @param logits what the trees improve on, one a row */
export function fitTrees(
  rows: Float32Array,
  y: Uint8Array,
  width: number,
  logits: Float32Array,
  { trees, depth, rate }: BoostingOptions,
): Trees {
  const n = y.length;
  const edges = Array.from({ length: width }, (_, column) => edgesOf(rows, n, width, column));
  const bins = binned(rows, n, width, edges);
  const scores = logits.slice();
  const gradients = new Float32Array(n);
  const curvatures = new Float32Array(n);
  const all = Uint32Array.from({ length: n }, (_, i) => i);
  const table = {
    roots: [] as number[],
    columns: [] as number[],
    values: [] as number[],
    below: [] as number[],
  };

  const addNode = (): number => {
    table.columns.push(-1);
    table.values.push(0);
    table.below.push(-1);
    return table.columns.length - 1;
  };
  const sumsOf = (members: Uint32Array): Float64Array =>
    histogram(members, bins, width, gradients, curvatures);
  /** @param sums the members' histogram, spent by this call; null where no split is looked for */
  const grow = (node: number, members: Uint32Array, levels: number, sums: Float64Array | null): void => {
    const split = sums && bestSplit(sums, edges);
    if (split === null) {
      let gradient = 0;
      let curvature = LEAF_RIDGE;
      for (const i of members) {
        gradient += gradients[i]!;
        curvature += curvatures[i]!;
      }
      const value = Math.fround((rate * gradient) / curvature);
      table.values[node] = value;
      for (const i of members) scores[i]! += value;
      return;
    }
    const isBelow = (i: number): boolean => bins[i * width + split.column]! <= split.bin;
    const left = addNode();
    addNode();
    table.columns[node] = split.column;
    table.values[node] = edges[split.column]![split.bin]!;
    table.below[node] = left;
    const below = members.filter(isBelow);
    const above = members.filter((i) => !isBelow(i));
    if (levels === 1) {
      grow(left, below, 0, null);
      grow(left + 1, above, 0, null);
      return;
    }
    // Only the smaller side is counted: the other one's sums are what is left of the whole.
    const small = below.length <= above.length ? below : above;
    const own = sumsOf(small);
    for (let at = 0; at < own.length; at += 1) sums![at]! -= own[at]!;
    grow(left, below, levels - 1, small === below ? own : sums);
    grow(left + 1, above, levels - 1, small === above ? own : sums);
  };
  for (let tree = 0; tree < trees; tree += 1) {
    for (let i = 0; i < n; i += 1) {
      const p = sigmoid(scores[i]!);
      gradients[i] = y[i]! - p;
      curvatures[i] = p * (1 - p);
    }
    const root = addNode();
    table.roots.push(root);
    grow(root, all, depth, depth === 0 ? null : sumsOf(all));
  }
  return {
    roots: Int32Array.from(table.roots),
    columns: Int32Array.from(table.columns),
    values: Float32Array.from(table.values),
    below: Int32Array.from(table.below),
  };
}

/** What the first `count` trees add to the logit of the row that starts at `at`. */
export function treesLogit(trees: Trees, rows: Float32Array, at: number, count = trees.roots.length): number {
  let sum = 0;
  for (let tree = 0; tree < count; tree += 1) {
    let node = trees.roots[tree]!;
    while (trees.columns[node]! >= 0)
      node = trees.below[node]! + (rows[at + trees.columns[node]!]! <= trees.values[node]! ? 0 : 1);
    sum += trees.values[node]!;
  }
  return sum;
}

/** Up to 31 inner quantiles of a column, from an even sample of its rows. */
function edgesOf(rows: Float32Array, n: number, width: number, column: number): Float32Array {
  const sample = Float32Array.from(
    { length: Math.min(n, SAMPLE) },
    (_, i) => rows[Math.floor((i * n) / Math.min(n, SAMPLE)) * width + column]!,
  ).sort();
  const quantiles = Array.from(
    { length: BINS - 1 },
    (_, i) => sample[Math.floor(((i + 1) * sample.length) / BINS)]!,
  );
  return Float32Array.from(new Set(quantiles));
}

function binned(rows: Float32Array, n: number, width: number, edges: readonly Float32Array[]): Uint8Array {
  const bins = new Uint8Array(n * width);
  for (let column = 0; column < width; column += 1) {
    const cuts = edges[column]!;
    for (let i = 0; i < n; i += 1) {
      const value = rows[i * width + column]!;
      let bin = 0;
      while (bin < cuts.length && value > cuts[bin]!) bin += 1;
      bins[i * width + column] = bin;
    }
  }
  return bins;
}

/** Sums of gradient and curvature [width · BINS · 2] of the members in each bin of each column. */
function histogram(
  members: Uint32Array,
  bins: Uint8Array,
  width: number,
  gradients: Float32Array,
  curvatures: Float32Array,
): Float64Array {
  const sums = new Float64Array(width * BINS * 2);
  for (const i of members) {
    const g = gradients[i]!;
    const h = curvatures[i]!;
    const from = i * width;
    for (let column = 0; column < width; column += 1) {
      const at = (column * BINS + bins[from + column]!) * 2;
      sums[at]! += g;
      sums[at + 1]! += h;
    }
  }
  return sums;
}

function bestSplit(
  sums: Float64Array,
  edges: readonly Float32Array[],
): { readonly column: number; readonly bin: number } | null {
  let allGradient = 0;
  let allCurvature = 0;
  for (let bin = 0; bin < BINS; bin += 1) {
    allGradient += sums[bin * 2]!;
    allCurvature += sums[bin * 2 + 1]!;
  }
  const worth = (g: number, h: number): number => (g * g) / (h + LEAF_RIDGE);
  let best: { readonly column: number; readonly bin: number } | null = null;
  let bestGain = GAIN_MINIMUM;
  for (const [column, cuts] of edges.entries()) {
    let g = 0;
    let h = 0;
    for (let bin = 0; bin < cuts.length; bin += 1) {
      g += sums[(column * BINS + bin) * 2]!;
      h += sums[(column * BINS + bin) * 2 + 1]!;
      if (h < LEAF_MINIMUM || allCurvature - h < LEAF_MINIMUM) continue;
      const gain = worth(g, h) + worth(allGradient - g, allCurvature - h) - worth(allGradient, allCurvature);
      if (gain <= bestGain) continue;
      bestGain = gain;
      best = { column, bin };
    }
  }
  return best;
}
