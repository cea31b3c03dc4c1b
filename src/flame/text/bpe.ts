/**
 * Learns a byte-level BPE tokenizer from texts (Sennrich et al. 2016, arXiv 1508.07909) and writes it as the tokenizer.json
 * that Llama-type checkpoints carry. It encodes nothing: nn/pretrained/tokenizer.ts reads what this writes.
 */

/** GPT-2's splitting, which the ByteLevel pre-tokenizer of the format names. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const BEGIN = '<|begin_of_text|>';
const END = '<|end_of_text|>';

/** Every byte as a printable character, as GPT-2 maps them. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

export interface TokenizerFiles {
  readonly tokenizer: Record<string, unknown>;
  readonly config: Record<string, unknown>;
}

/**
 * @param texts each with how often it counts
 * @param size tokens wanted; fewer when nothing is left to merge
 */
export function trainByteLevelBpe(
  texts: Iterable<{ readonly text: string; readonly count: number }>,
  size: number,
): TokenizerFiles {
  const characters = byteCharacters();
  const counts = new Map<string, number>();
  for (const { text, count } of texts)
    for (const [word] of text.matchAll(WORDS)) counts.set(word, (counts.get(word) ?? 0) + count);
  const words = [...counts].map(([word, count]) => ({
    symbols: Array.from(Buffer.from(word, 'utf8'), (byte) => characters[byte]!),
    count,
  }));
  const vocabulary = [BEGIN, END, ...characters];
  const merges: [string, string][] = [];
  const known = new Set(vocabulary);
  while (vocabulary.length < size) {
    const best = mostFrequentPair(words);
    if (!best) break;
    merges.push(best);
    const merged = best[0] + best[1];
    if (!known.has(merged)) vocabulary.push(merged);
    known.add(merged);
    for (const word of words) merge(word.symbols, best, merged);
  }
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [BEGIN, END].map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
        merges,
      },
    },
    config: { bos_token: BEGIN, eos_token: END, tokenizer_class: 'PreTrainedTokenizerFast' },
  };
}

/** Ties go to the pair that comes first in code-unit order, so that the result is the same everywhere. */
function mostFrequentPair(
  words: readonly { readonly symbols: readonly string[]; readonly count: number }[],
): [string, string] | null {
  const pairs = new Map<string, number>();
  for (const { symbols, count } of words)
    for (let i = 1; i < symbols.length; i += 1) {
      const pair = `${symbols[i - 1]!} ${symbols[i]!}`; // no symbol holds a space: bytes 0 to 32 are mapped elsewhere
      pairs.set(pair, (pairs.get(pair) ?? 0) + count);
    }
  let [best, most] = ['', 1];
  for (const [pair, count] of pairs)
    if (count > most || (count === most && best !== '' && pair < best)) [best, most] = [pair, count];
  return best === '' ? null : (best.split(' ') as [string, string]);
}

function merge(symbols: string[], [left, right]: readonly [string, string], merged: string): void {
  for (let i = 0; i + 1 < symbols.length; i += 1)
    if (symbols[i] === left && symbols[i + 1] === right) symbols.splice(i, 2, merged);
}
