/**
 * One batch of packed rows with what is read out of it: answers to drug-level questions, and the tokens of written lists
 * among those that the formulary allowed. Fills arrays and draws nothing.
 */
import { MASKED } from '../../nn/attention.ts';
import type { Batch } from '../../nn/trainer.ts';
import type { ReadOuts } from './network.ts';
import { joined, PackedRows, plain, type Tokens } from './sequence.ts';
import { type FormularyTrie, ListWriter } from './trie.ts';

/** A question and, in training, its answer. */
export interface CandidateSegment {
  readonly kind: 'candidate';
  readonly tokens: Tokens;
  readonly offset: number;
  readonly label: number;
  readonly weight: number;
}

/** A list-level prompt and the list's tokens behind it. */
export interface ListSegment {
  readonly kind: 'list';
  readonly prompt: Tokens;
  readonly written: readonly number[];
  readonly barred: ReadonlySet<number>;
  /** One for each written token. */
  readonly weights: ArrayLike<number>;
  readonly advantages?: ArrayLike<number>;
  readonly old?: ArrayLike<number>;
}
export type Segment = CandidateSegment | ListSegment;

export function segmentTokens(segment: Segment): Tokens {
  // The last written token predicts nothing and is not read.
  return segment.kind === 'candidate'
    ? segment.tokens
    : joined(segment.prompt, plain(segment.written.slice(0, -1)));
}

export class TextBatch {
  readonly packed: PackedRows;
  readonly context: Float32Array;
  private readonly outs: ReadOuts;
  private readonly trie: FormularyTrie;
  private candidates = 0;
  private actions = 0;
  private readonly arrays: {
    readonly readAt: Int32Array;
    readonly offsets: Float32Array;
    readonly labels: Float32Array;
    readonly weights: Float32Array;
    readonly actionAt: Int32Array;
    readonly allowed: Int32Array;
    readonly barred: Float32Array;
    readonly chosen: Int32Array;
    readonly actionWeights: Float32Array;
    readonly advantages: Float32Array;
    readonly old: Float32Array;
  };

  constructor(rows: number, tokens: number, contextLength: number, outs: ReadOuts, trie: FormularyTrie) {
    const { candidates, actions, breadth } = outs;
    this.packed = new PackedRows(rows, tokens);
    this.context = new Float32Array(rows * contextLength);
    this.outs = outs;
    this.trie = trie;
    this.arrays = {
      readAt: new Int32Array(candidates),
      offsets: new Float32Array(candidates),
      labels: new Float32Array(candidates),
      weights: new Float32Array(candidates),
      actionAt: new Int32Array(actions),
      allowed: new Int32Array(actions * breadth),
      barred: new Float32Array(actions * breadth),
      chosen: new Int32Array(actions),
      actionWeights: new Float32Array(actions),
      advantages: new Float32Array(actions),
      old: new Float32Array(actions),
    };
  }

  clear(): void {
    this.candidates = 0;
    this.actions = 0;
    for (const array of Object.values(this.arrays)) array.fill(0);
  }

  /** Room for more read-outs in this batch. */
  get room(): { readonly candidates: number; readonly actions: number } {
    return { candidates: this.outs.candidates - this.candidates, actions: this.outs.actions - this.actions };
  }

  /** @throws NnError `shape-mismatch` when the segments do not fit into a row or its read-outs into the batch */
  write(row: number, context: Tokens, segments: readonly Segment[]): void {
    const starts = this.packed.write(row, context, segments.map(segmentTokens));
    const first = row * this.packed.tokens;
    segments.forEach((segment, i) => {
      const at = first + starts[i]!;
      if (segment.kind === 'candidate') this.readCandidate(segment, at);
      else this.readList(segment, at);
    });
  }

  private readCandidate({ tokens, offset, label, weight }: CandidateSegment, at: number): void {
    const n = this.candidates++;
    const { readAt, offsets, labels, weights } = this.arrays;
    if (n >= readAt.length) throw new RangeError(`more than ${readAt.length} candidates in a batch`);
    readAt[n] = at + tokens.ids.length - 1;
    offsets[n] = offset;
    labels[n] = label;
    weights[n] = weight;
  }

  private readList(segment: ListSegment, at: number): void {
    const { actionAt, allowed, barred, chosen, actionWeights, advantages, old } = this.arrays;
    const { breadth } = this.outs;
    const writer = new ListWriter(this.trie);
    segment.written.forEach((token, t) => {
      const n = this.actions++;
      if (n >= actionAt.length) throw new RangeError(`more than ${actionAt.length} list tokens in a batch`);
      const open = writer.allowed(segment.barred);
      actionAt[n] = at + segment.prompt.ids.length - 1 + t;
      allowed.set(open, n * breadth);
      barred.fill(MASKED, n * breadth + open.length, (n + 1) * breadth);
      chosen[n] = open.indexOf(token);
      actionWeights[n] = segment.weights[t]!;
      advantages[n] = segment.advantages?.[t] ?? 0;
      old[n] = segment.old?.[t] ?? 0;
      writer.write(token);
    });
  }

  private shared(): Batch {
    const { ids, positions, bias, text, contextAt, drugAt } = this.packed;
    return { ids, positions, bias, text, contextAt, drugAt, context: this.context };
  }

  /** Weights of each kind are scaled to sum to 1. */
  forImitation(): Batch {
    const { advantages: _a, old: _o, weights, actionWeights, ...rest } = this.arrays;
    return {
      ...this.shared(),
      ...rest,
      weights: normalised(weights),
      actionWeights: normalised(actionWeights),
    };
  }

  forLogProbabilities(): Batch {
    const { actionAt, allowed, barred, chosen } = this.arrays;
    return { ...this.shared(), actionAt, allowed, barred, chosen };
  }

  /** @param reference log π_ref of every list token; absent: without a penalty */
  forGrpo(reference?: Float32Array): Batch {
    const { actionAt, allowed, barred, chosen, advantages, old, actionWeights } = this.arrays;
    const penalty = reference ?? old;
    // Unused places have no weight; equal log-probabilities keep their ratio finite.
    const before = reference ? old.map((value, n) => (n < this.actions ? value : reference[n]!)) : old;
    return {
      ...this.shared(),
      actionAt,
      allowed,
      barred,
      chosen,
      advantages,
      old: before,
      reference: penalty,
      weights: normalised(actionWeights),
    };
  }
}

function normalised(weights: Float32Array): Float32Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sum === 0 ? weights : weights.map((weight) => weight / sum);
}
