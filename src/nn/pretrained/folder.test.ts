/** Folders that cannot be run: each is refused by name, and nothing of it is loaded. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type StoredType, STORED_BYTES } from '../safetensors.ts';
import { formatConfig, parseConfig, type PretrainedConfig } from './config.ts';
import { readPretrained, weightShapes } from './folder.ts';
import { estimateMemory, int4Bytes, planPretrained } from './memory.ts';
import { TextTokenizer } from './tokenizer.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');
const scratch = mkdtempSync(join(tmpdir(), 'flame-folder-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let made = 0;

/** A copy of a fixture, changed. */
function changed(fixture: string, change: (folder: string) => void): string {
  const folder = join(scratch, String((made += 1)));
  cpSync(join(FIXTURES, fixture), folder, { recursive: true });
  change(folder);
  return folder;
}
function withConfig(change: Record<string, unknown>): string {
  return changed('llama-bfloat16', (folder) => {
    const path = join(folder, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, ...change }));
  });
}
/** A checkpoint of any size that takes no room: a header, and a hole for the data. */
function sparse(config: PretrainedConfig, type: StoredType): string {
  const folder = join(scratch, String((made += 1)));
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(formatConfig(config)));
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of weightShapes(config)) {
    const bytes = shape.reduce((n, d) => n * d, 1) * STORED_BYTES[type];
    header[name] = { dtype: type, shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([size, text]));
  truncateSync(join(folder, 'model.safetensors'), 8 + text.length + end);
  return folder;
}

const LLAMA_8B: PretrainedConfig = {
  vocabularySize: 128256,
  hiddenSize: 4096,
  layers: 32,
  heads: 32,
  keyValueHeads: 8,
  headSize: 128,
  intermediateSize: 14336,
  ropeTheta: 500000,
  normEpsilon: 1e-5,
  tied: false,
  maximumLength: 131072,
};

describe('a checkpoint folder is refused', () => {
  it.each<[string, string, RegExp, () => string]>([
    [
      'without a shard',
      'checkpoint-incomplete',
      /model-00003-of-00004\.safetensors is missing/,
      () => changed('llama-sharded', (f) => rmSync(join(f, 'model-00003-of-00004.safetensors'))),
    ],
    [
      'with a shard cut short',
      'weights-corrupt',
      /model-00002-of-00004\.safetensors: .*the file has/,
      () => changed('llama-sharded', (f) => truncateSync(join(f, 'model-00002-of-00004.safetensors'), 20000)),
    ],
    [
      'whose index promises what a shard lacks',
      'checkpoint-incomplete',
      /model-00001-of-00004\.safetensors does not hold model\.norm\.weight/,
      () =>
        changed('llama-sharded', (f) => {
          const path = join(f, 'model.safetensors.index.json');
          const index = JSON.parse(readFileSync(path, 'utf8')) as { weight_map: Record<string, string> };
          index.weight_map['model.norm.weight'] = 'model-00001-of-00004.safetensors';
          writeFileSync(path, JSON.stringify(index));
        }),
    ],
    [
      'whose index points outside',
      'weights-corrupt',
      /is no file of this folder/,
      () =>
        changed('llama-sharded', (f) =>
          writeFileSync(
            join(f, 'model.safetensors.index.json'),
            JSON.stringify({ weight_map: { 'model.norm.weight': '../elsewhere.safetensors' } }),
          ),
        ),
    ],
    [
      'of links, as the hub’s cache is laid out',
      'checkpoint-unsupported',
      /link to another folder/,
      () =>
        changed('llama-bfloat16', (f) => {
          rmSync(join(f, 'model.safetensors'));
          symlinkSync(join(FIXTURES, 'llama-bfloat16/model.safetensors'), join(f, 'model.safetensors'));
        }),
    ],
    [
      'with only weights of another kind',
      'checkpoint-incomplete',
      /neither model\.safetensors nor/,
      () => changed('llama-bfloat16', (f) => rmSync(join(f, 'model.safetensors'))),
    ],
    [
      'without config.json',
      'checkpoint-incomplete',
      /config\.json is missing/,
      () => changed('llama-bfloat16', (f) => rmSync(join(f, 'config.json'))),
    ],
    [
      'with a config.json that is no JSON',
      'weights-corrupt',
      /config\.json is no JSON/,
      () => changed('llama-bfloat16', (f) => truncateSync(join(f, 'config.json'), 100)),
    ],
    [
      'of another architecture',
      'checkpoint-unsupported',
      /architecture Qwen2ForCausalLM/,
      () => withConfig({ architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' }),
    ],
    [
      'with an unknown rope scaling',
      'checkpoint-unsupported',
      /rope scaling yarn/,
      () => withConfig({ rope_parameters: { rope_type: 'yarn', factor: 4 } }),
    ],
    [
      'quantised by another program',
      'checkpoint-unsupported',
      /quantization_config/,
      () => withConfig({ quantization_config: { quant_method: 'gptq' } }),
    ],
    ['with biases', 'checkpoint-unsupported', /attention_bias/, () => withConfig({ attention_bias: true })],
    [
      'whose weights are another model’s',
      'weights-mismatch',
      /is \[.*\], config\.json asks for/,
      () => withConfig({ intermediate_size: 96 }),
    ],
    [
      'with more layers than weights',
      'checkpoint-incomplete',
      /no file holds the tensor model\.layers\.2\./,
      () => withConfig({ num_hidden_layers: 3 }),
    ],
    [
      'with fewer layers than weights',
      'checkpoint-unsupported',
      /model\.layers\.1\..* is none of LlamaForCausalLM/,
      () => withConfig({ num_hidden_layers: 1 }),
    ],
    [
      'of integers',
      'checkpoint-unsupported',
      /is stored as I32/,
      () => sparse({ ...LLAMA_8B, layers: 1, vocabularySize: 128 }, 'I32'),
    ],
  ])('%s', (_name, code, message, make) => {
    const folder = make();
    expect(() => readPretrained(folder)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
  });

  it('that needs more memory than there is, with the estimate, before any of it is read', () => {
    const config = { ...LLAMA_8B, layers: 80, hiddenSize: 8192, heads: 64, intermediateSize: 28672 };
    const source = readPretrained(sparse(config, 'BF16'));
    const run = { graphs: 2, rows: 11, capacity: 1024, tokens: 256 };
    const before = process.memoryUsage().rss;
    expect(() => planPretrained(source, run, 64e9)).toThrow(
      expect.objectContaining({
        code: 'memory-short',
        message: expect.stringMatching(
          /about 15\d\.\d GB are needed.*64\.0 GB are free; in 4 bits its weights would take 4\d\.\d GB/,
        ) as string,
      }),
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});

it('estimates an 8B checkpoint: in 16 bits as mapped, in 4 bits what a workstation holds', () => {
  const source = readPretrained(sparse(LLAMA_8B, 'BF16'));
  const run = { graphs: 2, rows: 11, capacity: 512, tokens: 128 };
  const mapped = estimateMemory(source, run, false);
  expect(mapped.mapped / 1e9).toBeCloseTo(16.06, 1);
  expect(mapped.cache).toBe(2 * 32 * 8 * 128 * 512 * 11 * 4);
  expect(int4Bytes(LLAMA_8B) / 1e9).toBeCloseTo(5.74, 1);
  expect(parseConfig(formatConfig(LLAMA_8B))).toEqual(LLAMA_8B);
});

describe('a tokenizer is refused', () => {
  const size = 350;
  it.each<[string, string, RegExp, (folder: string) => void, number]>([
    ['of another model, larger', 'tokenizer-unusable', /knows 350 tokens, the model 61/, () => undefined, 61],
    [
      'of another model, smaller',
      'tokenizer-unusable',
      /knows 350 tokens, the model 32000/,
      () => undefined,
      32000,
    ],
    [
      'that is missing',
      'checkpoint-incomplete',
      /tokenizer\.json is missing/,
      (f) => rmSync(join(f, 'tokenizer.json')),
      size,
    ],
    [
      'that is no JSON',
      'tokenizer-unusable',
      /no JSON/,
      (f) => truncateSync(join(f, 'tokenizer.json'), 99),
      size,
    ],
    [
      'that is no tokenizer',
      'tokenizer-unusable',
      /cannot be read/,
      (f) => writeFileSync(join(f, 'tokenizer.json'), '{"model": {"type": "Magic"}}'),
      size,
    ],
    [
      'that loses what it reads',
      'tokenizer-unusable',
      /reads "Diagnoses/,
      (f) => {
        const path = join(f, 'tokenizer.json');
        const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
        writeFileSync(path, JSON.stringify({ ...tokenizer, normalizer: { type: 'Lowercase' } }));
      },
      size,
    ],
  ])('%s', (_name, code, message, change, vocabulary) => {
    const folder = changed('llama-sharded', change);
    expect(() => TextTokenizer.read(folder, vocabulary)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
  });
});
