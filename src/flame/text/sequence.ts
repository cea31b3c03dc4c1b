/**
 * Prompts as tokens, and many questions about one visit packed behind its context in one row: every segment sees the
 * context and itself, none sees another, and each stands where it would stand alone. Runs nothing.
 */
import { MASKED } from '../../nn/attention.ts';
import { NnError } from '../../nn/errors.ts';
import type { TextTokenizer } from '../../nn/pretrained/tokenizer.ts';
import type { PromptPart } from './prompts.ts';

/** Tokens and what stands in their place: TEXT, one of the three vectors of the visit, or FIRST_DRUG + drug. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly slots: readonly number[];
}
export const TEXT = 0;
export const CONTEXT_SLOTS = 3;
export const FIRST_DRUG = 1 + CONTEXT_SLOTS;
const SLOTS = { patient: 1, diagnoses: 2, procedures: 3 } as const;
/** A placeholder's own token is never looked up. */
const PLACEHOLDER_TOKEN = 0;

export function tokenise(tokenizer: TextTokenizer, prompt: readonly PromptPart[], begin = false): Tokens {
  const ids: number[] = [];
  const slots: number[] = [];
  if (begin && tokenizer.beginToken !== null) {
    ids.push(tokenizer.beginToken);
    slots.push(TEXT);
  }
  for (const part of prompt) {
    if (typeof part === 'string') {
      for (const id of tokenizer.encode(part)) {
        ids.push(id);
        slots.push(TEXT);
      }
      continue;
    }
    const { placeholder } = part;
    ids.push(PLACEHOLDER_TOKEN);
    slots.push(typeof placeholder === 'string' ? SLOTS[placeholder] : FIRST_DRUG + placeholder.drug);
  }
  return { ids, slots };
}

export function joined(...pieces: readonly Tokens[]): Tokens {
  return { ids: pieces.flatMap(({ ids }) => ids), slots: pieces.flatMap(({ slots }) => slots) };
}

export const plain = (ids: readonly number[]): Tokens => ({ ids, slots: ids.map(() => TEXT) });

/** Cuts a context that is too long in the middle: the patient stands first and the question last. */
export function fitted({ ids, slots }: Tokens, limit: number): Tokens {
  if (ids.length <= limit) return { ids, slots };
  const tail = Math.min(16, Math.floor(limit / 2));
  const cut = <T>(all: readonly T[]): T[] => [...all.slice(0, limit - tail), ...all.slice(-tail)];
  return { ids: cut(ids), slots: cut(slots) };
}

/** Arrays of `rows` rows of `tokens` tokens, as network.ts reads them. */
export class PackedRows {
  readonly rows: number;
  readonly tokens: number;
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  /** [rows, tokens, 1]: 1 where the token itself is read. */
  readonly text: Float32Array;
  /** [rows, tokens, 3]: which of the visit's vectors stands there. */
  readonly contextAt: Float32Array;
  /** Drug + 1 where a drug's embedding stands, else 0. */
  readonly drugAt: Int32Array;
  /** [rows, 1, tokens, tokens], added to scores. */
  readonly bias: Float32Array;

  constructor(rows: number, tokens: number) {
    const cells = rows * tokens;
    this.rows = rows;
    this.tokens = tokens;
    this.ids = new Int32Array(cells);
    this.positions = new Int32Array(cells);
    this.text = new Float32Array(cells);
    this.contextAt = new Float32Array(cells * CONTEXT_SLOTS);
    this.drugAt = new Int32Array(cells);
    this.bias = new Float32Array(cells * tokens);
  }

  /**
   * Fills a row with a shared context (may be empty) and segments behind it.
   * @param origin position of the first token: tokens of the context that lie in a cache
   * @returns where each segment starts in the row
   * @throws NnError `shape-mismatch` when they do not fit
   */
  write(row: number, context: Tokens, segments: readonly Tokens[], origin = 0): number[] {
    const { tokens } = this;
    const first = row * tokens;
    this.ids.fill(0, first, first + tokens);
    this.positions.fill(0, first, first + tokens);
    this.text.fill(0, first, first + tokens);
    this.contextAt.fill(0, first * CONTEXT_SLOTS, (first + tokens) * CONTEXT_SLOTS);
    this.drugAt.fill(0, first, first + tokens);
    this.bias.fill(MASKED, first * tokens, (first + tokens) * tokens);
    for (let at = 0; at < tokens; at += 1) this.bias[(first + at) * tokens + at] = 0; // padding sees itself
    const shared = context.ids.length;
    this.put(row, 0, context, origin, 0);
    const starts: number[] = [];
    let at = shared;
    for (const segment of segments) {
      starts.push(at);
      this.put(row, at, segment, origin + shared, shared);
      at += segment.ids.length;
    }
    return starts;
  }

  private put(row: number, start: number, { ids, slots }: Tokens, position: number, shared: number): void {
    const { tokens } = this;
    if (start + ids.length > tokens)
      throw new NnError('shape-mismatch', `${start + ids.length} tokens in a row of ${tokens}`);
    for (let i = 0; i < ids.length; i += 1) {
      const cell = row * tokens + start + i;
      const slot = slots[i]!;
      this.ids[cell] = ids[i]!;
      this.positions[cell] = position + i;
      if (slot === TEXT) this.text[cell] = 1;
      else if (slot < FIRST_DRUG) this.contextAt[cell * CONTEXT_SLOTS + slot - 1] = 1;
      else this.drugAt[cell] = slot - FIRST_DRUG + 1;
      this.bias.fill(0, cell * tokens, cell * tokens + shared);
      this.bias.fill(0, cell * tokens + start, cell * tokens + start + i + 1);
    }
  }
}
