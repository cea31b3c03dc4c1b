/** Text to the tokens of a checkpoint and back, by its tokenizer.json. Text is never read as a special token. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { NnError } from '../errors.ts';

export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** A model's table is padded by some rows at most; a tokenizer much smaller than it belongs to another model. */
const SMALLEST_SHARE = 0.9;
/** Text that any tokenizer of a language model gives back. */
const PROBE = 'Diagnoses: essential hypertension, 55 years\n- metoprolol';

export class TextTokenizer {
  /** Number of tokens, special ones included. */
  readonly size: number;
  /** What a text starts with in training; null when the tokenizer names none. */
  readonly beginToken: number | null;
  private readonly tokenizer: Tokenizer;
  /** How special tokens are written, e.g. `<|eot_id|>`. */
  private readonly specials: readonly string[];

  private constructor(tokenizer: Tokenizer, begin: string | null) {
    this.tokenizer = tokenizer;
    this.specials = [...tokenizer.get_added_tokens_decoder().values()]
      .filter(({ special }) => special)
      .map(({ content }) => content);
    this.size = 1 + [...tokenizer.get_vocab(true).values()].reduce((top, id) => Math.max(top, id), -1);
    this.beginToken = begin === null ? null : (tokenizer.token_to_id(begin) ?? null);
  }

  /**
   * Reads the tokenizer of a checkpoint and checks that it can be the model's.
   * @throws NnError `checkpoint-incomplete` when it is missing, `tokenizer-unusable` saying why
   */
  static read(folder: string, vocabularySize: number): TextTokenizer {
    if (!existsSync(join(folder, TOKENIZER_FILE)))
      throw new NnError('checkpoint-incomplete', `${TOKENIZER_FILE} is missing`);
    const config = existsSync(join(folder, TOKENIZER_CONFIG_FILE))
      ? readObject(folder, TOKENIZER_CONFIG_FILE)
      : {};
    let tokenizer: Tokenizer;
    try {
      tokenizer = new Tokenizer(readObject(folder, TOKENIZER_FILE), config);
    } catch (cause) {
      if (cause instanceof NnError) throw cause;
      throw unusable(
        `${TOKENIZER_FILE} cannot be read: ${cause instanceof Error ? cause.message : ''}`,
        cause,
      );
    }
    const begin: unknown = config['bos_token'];
    const named =
      typeof begin === 'object' && begin !== null ? (begin as { content?: unknown }).content : begin;
    const made = new TextTokenizer(tokenizer, typeof named === 'string' ? named : null);
    if (made.size > vocabularySize || made.size < SMALLEST_SHARE * vocabularySize)
      throw unusable(
        `${TOKENIZER_FILE} knows ${made.size} tokens, the model ${vocabularySize}: it is another model's`,
      );
    let back: string;
    try {
      back = made.decode(made.encode(PROBE));
    } catch (cause) {
      throw unusable(`${TOKENIZER_FILE} cannot encode plain text`, cause);
    }
    if (back !== PROBE) throw unusable(`${TOKENIZER_FILE} reads "${PROBE}" as "${back}"`);
    return made;
  }

  /** What is written like a special token gets a space into it: a note must not end a prompt. */
  encode(text: string): number[] {
    const plain = this.specials.reduce((all, one) => all.replaceAll(one, `${one[0]!} ${one.slice(1)}`), text);
    return this.tokenizer.encode(plain, { add_special_tokens: false }).ids;
  }

  decode(ids: readonly number[]): string {
    return this.tokenizer.decode([...ids], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: false,
    });
  }
}

function unusable(what: string, cause?: unknown): NnError {
  return new NnError('tokenizer-unusable', what, { cause });
}

function readObject(folder: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  } catch (cause) {
    throw unusable(`${file} is no JSON`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unusable(`${file} is no object`);
  return value as Record<string, unknown>;
}
