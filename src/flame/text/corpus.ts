/**
 * Visits as text for training: contexts tokenised once, structured vectors beside them, and how often each drug is used.
 * Holds numbers, not visits (see prepare.ts); trains nothing.
 */
import type { TextTokenizer } from '../../nn/pretrained/tokenizer.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { type EncodedCorpus, featuresOf } from '../encoding/encoding.ts';
import type { TextVisit } from './policy.ts';
import type { Prompts } from './prompts.ts';
import { fitted, tokenise } from './sequence.ts';
import type { VisitVectors } from './structured.ts';

export interface TextCorpus {
  readonly visits: number;
  readonly truth: readonly (readonly number[])[];
  /** The context of a visit as tokens, and its three vectors. */
  readonly visit: (at: number) => TextVisit;
}

export interface TextReading {
  readonly tokenizer: TextTokenizer;
  readonly prompts: Prompts;
  readonly vectors: VisitVectors;
  /** Most tokens of a context. */
  readonly contextTokens: number;
}

/** @param contexts those of the encoded visits, in their order */
export function textCorpus(
  { tokenizer, prompts, vectors, contextTokens }: TextReading,
  encoded: EncodedCorpus,
  contexts: readonly ClinicalContext[],
): TextCorpus {
  const starts = new Uint32Array(contexts.length + 1);
  const [ids, slots]: [number[], number[]] = [[], []];
  contexts.forEach((context, i) => {
    const prompt = prompts.context(context, { history: true });
    const tokens = fitted(tokenise(tokenizer, prompt, true), contextTokens);
    for (const id of tokens.ids) ids.push(id);
    for (const slot of tokens.slots) slots.push(slot);
    starts[i + 1] = ids.length;
  });
  const [allIds, allSlots] = [Int32Array.from(ids), Uint8Array.from(slots)]; // a context names no drug by number
  return {
    visits: encoded.visits,
    truth: encoded.truth,
    visit: (at) => {
      const own = new Float32Array(vectors.length);
      const features = featuresOf(encoded, at);
      vectors.write(features.ids, features.weights, own);
      const [from, to] = [starts[at]!, starts[at + 1]!];
      return {
        context: { ids: [...allIds.subarray(from, to)], slots: [...allSlots.subarray(from, to)] },
        vectors: own,
      };
    },
  };
}

/** Logit of the share of training visits that hold each drug: what is known of a drug before a visit is read. */
export function priorLogits(drugUses: readonly number[], visits: number): Float32Array {
  return Float32Array.from(drugUses, (uses) => Math.log((uses + 0.5) / (visits - uses + 0.5)));
}
