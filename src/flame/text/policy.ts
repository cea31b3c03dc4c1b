/**
 * The text policy at work on one visit at a time: π_cls over the whole formulary from one cached context, and lists written
 * token by token along the formulary's tree, many rows at once. Trains nothing and knows no hard rule.
 */
import { CachedDecoder } from '../../nn/cached-decoder.ts';
import type { Weights } from '../../nn/inference.ts';
import { decoderOptions } from '../../nn/llama.ts';
import type { RunShape } from '../../nn/pretrained/memory.ts';
import type { TextTokenizer } from '../../nn/pretrained/tokenizer.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { type PlaceModel, type TextNetwork, textStep } from './network.ts';
import type { PromptPart, Prompts } from './prompts.ts';
import { CONTEXT_SLOTS, PackedRows, tokenise, type Tokens } from './sequence.ts';
import { FormularyTrie, ListWriter } from './trie.ts';

/** Sizes that graphs are built for. */
export interface TextShape {
  /** Most tokens of a visit's context. */
  readonly contextTokens: number;
  /** Tokens of candidates that are read in one run. */
  readonly packedTokens: number;
  /** Most tokens of a list-level prompt, and of the list that is written behind it. */
  readonly listTokens: number;
  readonly writtenTokens: number;
  /** Lists that are written at once. */
  readonly rows: number;
}

/** Graphs of contexts, candidates, list prompts and single tokens. */
const GRAPHS = 4;

/** How a policy is run, for the estimate of its memory. */
export function runShape({ shape }: { readonly shape: TextShape }): RunShape {
  const behind = Math.max(shape.packedTokens, shape.listTokens + shape.writtenTokens);
  return {
    graphs: GRAPHS,
    rows: shape.rows,
    capacity: shape.contextTokens + behind,
    tokens: Math.max(shape.packedTokens, shape.rows * shape.listTokens),
  };
}

export interface WrittenList {
  readonly steps: readonly number[];
  readonly tokens: readonly number[];
  /** log π of each token among those that were allowed. */
  readonly logProbabilities: readonly number[];
}

export interface ListRequest {
  readonly prompt: readonly PromptPart[];
  readonly barred: ReadonlySet<number>;
}

/** Picks one of the allowed tokens by their logits; the request's number in hand. */
export type ChooseToken = (logits: ArrayLike<number>, allowed: readonly number[], request: number) => number;

export interface TextPolicyOptions {
  readonly network: TextNetwork;
  readonly prompts: Prompts;
  readonly tokenizer: TextTokenizer;
  readonly trie: FormularyTrie;
  readonly shape: TextShape;
  readonly weights: Weights;
  readonly session?: SessionOptions;
  readonly place?: PlaceModel;
}

/** A visit as the policy reads it. */
export interface TextVisit {
  readonly context: Tokens;
  /** [3, contextWidth] of structured.ts. */
  readonly vectors: Float32Array;
}

/** Contexts are padded to a multiple of this, so that few graphs are built. */
const CONTEXT_STEP = 32;

export class TextPolicy {
  readonly options: TextPolicyOptions;
  private readonly decoder: CachedDecoder;
  private readonly candidates: readonly Tokens[];
  private readonly reads: number;
  /** List tokens written so far, and those where the most probable token of all was none that may be written. */
  readonly constraint = { tokens: 0, corrected: 0 };

  constructor(options: TextPolicyOptions) {
    const { network, shape, weights, session, place, prompts, tokenizer } = options;
    this.options = options;
    this.candidates = prompts.names.map((_, drug) => tokenise(tokenizer, prompts.candidate(drug)));
    const shortest = Math.min(...this.candidates.map(({ ids }) => ids.length));
    this.reads = Math.max(1, Math.floor(shape.packedTokens / shortest));
    const behind = Math.max(shape.packedTokens, shape.listTokens + shape.writtenTokens);
    this.decoder = new CachedDecoder({
      options: decoderOptions(network.llama),
      capacity: paddedContext(shape.contextTokens) + behind,
      maxRows: shape.rows,
      buckets: [1, shape.rows],
      parameters: weights,
      build: textStep(network, shape.packedTokens, this.reads, place),
      ...(session ? { session } : {}),
    });
  }

  /** z(yes) − z(no) for every drug of the formulary. */
  async answers(visit: TextVisit): Promise<Float32Array> {
    const { shape } = this.options;
    const found = new Float32Array(this.candidates.length);
    const length = await this.read(visit);
    const packed = new PackedRows(1, shape.packedTokens);
    for (let from = 0; from < this.candidates.length;) {
      let [to, tokens] = [from, 0];
      while (
        to < this.candidates.length &&
        to - from < this.reads &&
        tokens + this.candidates[to]!.ids.length <= shape.packedTokens
      )
        tokens += this.candidates[to++]!.ids.length;
      const segments = this.candidates.slice(from, to);
      const starts = packed.write(0, { ids: [], slots: [] }, segments, length);
      const readAt = new Int32Array(this.reads);
      starts.forEach((start, i) => (readAt[i] = start + segments[i]!.ids.length - 1));
      const { ids, positions, bias, text, contextAt, drugAt } = packed;
      const { answers } = await this.decoder.step(
        { ids, positions, bias, text, contextAt, drugAt, context: visit.vectors, readAt },
        shape.packedTokens,
      );
      found.set((answers!.data as Float32Array).subarray(0, to - from), from);
      this.decoder.truncate(length);
      from = to;
    }
    return found;
  }

  /** Writes one list for each request, all from one reading of the context. */
  async write(
    visit: TextVisit,
    requests: readonly ListRequest[],
    choose: ChooseToken,
  ): Promise<WrittenList[]> {
    const { shape } = this.options;
    const lists: WrittenList[] = [];
    for (let from = 0; from < requests.length; from += shape.rows)
      lists.push(
        ...(await this.writeSome(visit, requests.slice(from, from + shape.rows), (logits, allowed, row) =>
          choose(logits, allowed, from + row),
        )),
      );
    return lists;
  }

  /** Builds the graphs of contexts of up to `tokens` tokens, and of everything behind them. */
  async warmUp(): Promise<void> {
    const none = { ids: [0], slots: [0] };
    const visit = {
      context: none,
      vectors: new Float32Array(CONTEXT_SLOTS * this.options.network.tables.contextWidth),
    };
    await this.answers(visit);
    await this.write(visit, [{ prompt: ['\n'], barred: new Set() }], (_, allowed) => allowed[0]!);
  }

  async close(): Promise<void> {
    await this.decoder.close();
  }

  private async read({ context, vectors }: TextVisit): Promise<number> {
    const length = context.ids.length;
    const tokens = paddedContext(length);
    const packed = new PackedRows(1, tokens);
    packed.write(0, context, []);
    const { ids, text, contextAt, drugAt } = packed;
    await this.decoder.prefill({ ids, text, contextAt, drugAt, context: vectors }, 1, tokens, {
      lengths: [length],
    });
    return length;
  }

  private async writeSome(
    visit: TextVisit,
    requests: readonly ListRequest[],
    choose: ChooseToken,
  ): Promise<WrittenList[]> {
    const { shape, tokenizer, trie } = this.options;
    const rows = requests.length;
    const length = await this.read(visit);
    this.decoder.select(new Array<number>(rows).fill(0));
    const prompts = requests.map(({ prompt }) => lastOf(tokenise(tokenizer, prompt), shape.listTokens));
    let logits = await this.feed(visit, prompts, shape.listTokens);
    this.decoder.truncate(prompts.map(({ ids }) => length + ids.length));
    const writers = requests.map(() => new ListWriter(trie));
    const written = requests.map(() => ({ tokens: [] as number[], logProbabilities: [] as number[] }));
    let alive = requests.map((_, row) => row);
    for (let step = 0; step < shape.writtenTokens; step += 1) {
      const going: number[] = [];
      const next: number[] = [];
      alive.forEach((row, at) => {
        const own = logits.subarray(at * this.vocabulary, (at + 1) * this.vocabulary);
        const allowed = writers[row]!.allowed(requests[row]!.barred);
        const scores = allowed.map((token) => own[token]!);
        this.constraint.tokens += 1;
        if (!isBest(own, Math.max(...scores))) this.constraint.corrected += 1;
        const token = choose(scores, allowed, row);
        writers[row]!.write(token);
        written[row]!.tokens.push(token);
        written[row]!.logProbabilities.push(logShare(scores, allowed.indexOf(token)));
        if (writers[row]!.stopped) return;
        going.push(at);
        next.push(token);
      });
      if (going.length === 0 || step + 1 === shape.writtenTokens) break;
      if (going.length < alive.length) this.decoder.select(going);
      alive = going.map((at) => alive[at]!);
      logits = await this.feed(
        visit,
        next.map((token) => ({ ids: [token], slots: [0] })),
        1,
      );
    }
    return written.map((one, row) => ({ ...one, steps: writers[row]!.steps }));
  }

  private get vocabulary(): number {
    return this.options.network.llama.vocabularySize;
  }

  private async feed(visit: TextVisit, rows: readonly Tokens[], tokens: number): Promise<Float32Array> {
    const packed = new PackedRows(rows.length, tokens);
    rows.forEach((row, i) => packed.write(i, row, []));
    const context = new Float32Array(rows.length * visit.vectors.length);
    rows.forEach((_, i) => context.set(visit.vectors, i * visit.vectors.length));
    const { ids, text, contextAt, drugAt } = packed;
    const lastAt = Int32Array.from(rows, (row) => row.ids.length - 1);
    const { logits } = await this.decoder.step({ ids, text, contextAt, drugAt, context, lastAt }, tokens);
    return logits!.data as Float32Array;
  }
}

function paddedContext(tokens: number): number {
  return Math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP;
}

function lastOf({ ids, slots }: Tokens, count: number): Tokens {
  return { ids: ids.slice(-count), slots: slots.slice(-count) };
}

function isBest(logits: Float32Array, score: number): boolean {
  for (const logit of logits) if (logit > score) return false;
  return true;
}

/** log of the share of one among scores: its log-probability. */
export function logShare(scores: readonly number[], at: number): number {
  const top = Math.max(...scores);
  const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
  return scores[at]! - top - Math.log(sum);
}

export const greedyToken: ChooseToken = (logits, allowed) => {
  let best = 0;
  for (let i = 1; i < allowed.length; i += 1) if (logits[i]! > logits[best]!) best = i;
  return allowed[best]!;
};
