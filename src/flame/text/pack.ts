/**
 * A text model on disk: a Llama checkpoint as Hugging Face lays it out, and beside it what Flame adds. Reading checks every
 * file against the manifest, and refuses what does not fit; it runs no model.
 *
 *   manifest.json            this format: prompts, formulary, calibration, provenance, hash of every file
 *   config.json, tokenizer.json, model.safetensors (or shards)   the checkpoint
 *   vocabulary.json          features and formulary, as compact packs have them
 *   structured.safetensors   structured embeddings and their projections
 *   adapter_config.json, adapter_model.safetensors   a LoRA adapter as PEFT stores one, where there is one
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import type { HostTensor } from '../../nn/dtype.ts';
import { NnError } from '../../nn/errors.ts';
import { formatConfig, type PretrainedConfig } from '../../nn/pretrained/config.ts';
import {
  CONFIG_FILE,
  INDEX_FILE,
  type PretrainedFolder,
  readPretrained,
  WEIGHTS_FILE,
} from '../../nn/pretrained/folder.ts';
import { TextTokenizer, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../../nn/pretrained/tokenizer.ts';
import { formatSafetensors, loadSafetensors } from '../../nn/safetensors.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { frontSchema, protocolSchema } from '../lists/front-schema.ts';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  type Adapter,
  type AdapterConfig,
  formatAdapter,
  parseAdapter,
} from '../local/peft.ts';
import { type Vocabulary, vocabularyHash } from '../encoding/vocabulary.ts';
import type { TokenizerFiles } from './bpe.ts';
import { PROJECTOR } from './network.ts';
import { type StructuredTables, tablesFromTensors, tablesToTensors } from './structured.ts';

export const TEXT_PACK_FORMAT = 'flame-text-pack-1';
const MANIFEST = 'manifest.json';
const VOCABULARY = 'vocabulary.json';
const STRUCTURED = 'structured.safetensors';

const HASHED_AT_ONCE = 1 << 22;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.object({
  format: z.literal(TEXT_PACK_FORMAT),
  name: z.string(),
  version: z.string(),
  createdAt: z.string(),
  files: z.array(z.object({ file: z.string(), sha256: sha256Schema, bytes: z.number().int().nonnegative() })),
  prompts: z.string(),
  shape: z.object({
    contextTokens: z.number().int().positive(),
    packedTokens: z.number().int().positive(),
    listTokens: z.number().int().positive(),
    writtenTokens: z.number().int().positive(),
    rows: z.number().int().positive(),
  }),
  /** logit p = slope · (z(yes) − z(no)) + the drug's own frequency + intercept. */
  calibration: z.object({ slope: z.number().positive(), intercept: z.number() }),
  /** Who writes the lists: the model, or penalised decoding of its probabilities. */
  lists: z.enum(['written', 'decoded']),
  vocabularyHash: sha256Schema,
  knowledgeVersion: z.string(),
  interactionVersion: z.string(),
  dataTerms: z.string(),
  training: z.object({
    corpus: z.string(),
    split: z.string(),
    visits: z.number().int().nonnegative(),
    formularySize: z.number().int().positive(),
    settings: z.record(z.string(), z.number()),
    hardware: z.string(),
    seconds: z.number(),
  }),
  metrics: z
    .object({ protocol: protocolSchema, seeds: z.number().int(), values: z.record(z.string(), z.number()) })
    .nullable(),
  front: frontSchema.nullable(),
});
export type TextManifest = z.infer<typeof manifestSchema>;
export type TextDescription = Omit<
  TextManifest,
  'format' | 'version' | 'createdAt' | 'files' | 'vocabularyHash'
>;

const vocabularySchema = z.object({
  features: z.array(z.string()),
  uses: z.array(z.number()),
  formulary: z.array(z.string()),
  drugUses: z.array(z.number()),
  visits: z.number(),
  lastYear: z.number(),
});

export interface TextPack {
  readonly manifest: TextManifest;
  readonly vocabulary: Vocabulary;
  readonly tables: StructuredTables;
  /** The projections, by parameter name. */
  readonly projections: ReadonlyMap<string, HostTensor>;
  readonly checkpoint: PretrainedFolder;
  readonly tokenizer: TextTokenizer;
  readonly adapter: Adapter | null;
}

export interface TextPackContent {
  /** A model that was trained whole, or a checkpoint that stays as it is under an adapter. */
  readonly model:
    | { readonly config: PretrainedConfig; readonly tokenizer: TokenizerFiles }
    | { readonly checkpoint: PretrainedFolder; readonly adapter: AdapterConfig };
  /** What was trained: the model's weights or an adapter's factors, and the projections, by parameter name. */
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly vocabulary: Vocabulary;
  readonly tables: StructuredTables;
}

/** Writes a trained model; weights of its own in half precision, those of a checkpoint as they are. The folder is made. */
export function writeTextPack(
  directory: string,
  description: TextDescription,
  { model, parameters, vocabulary, tables }: TextPackContent,
): TextManifest {
  mkdirSync(directory, { recursive: true });
  const isProjection = (name: string): boolean => name.startsWith(`${PROJECTOR}.`);
  const only = (wanted: boolean): Map<string, HostTensor> =>
    new Map([...parameters].filter(([name]) => isProjection(name) === wanted));
  const structured = new Map([...tablesToTensors(tables, vocabulary.features.length), ...only(true)]);
  const contents: [string, Uint8Array][] = [
    [STRUCTURED, formatSafetensors(structured, { floatsAs: 'F16' })],
    [VOCABULARY, json(vocabulary)],
  ];
  if ('config' in model)
    contents.push(
      [CONFIG_FILE, json(formatConfig(model.config))],
      [TOKENIZER_FILE, json(model.tokenizer.tokenizer)],
      [TOKENIZER_CONFIG_FILE, json(model.tokenizer.config)],
      [WEIGHTS_FILE, formatSafetensors(only(false), { floatsAs: 'F16', metadata: { format: 'pt' } })],
    );
  else {
    contents.push(...formatAdapter({ config: model.adapter, tensors: only(false) }));
    linkCheckpoint(model.checkpoint, directory);
  }
  for (const [file, bytes] of contents) writeFileSync(join(directory, file), bytes);
  return sealTextPack(directory, description, vocabulary);
}

/** The files of a checkpoint in another folder: as further names of the same bytes on one disk, as copies elsewhere. */
function linkCheckpoint({ folder, tensors }: PretrainedFolder, directory: string): void {
  if (resolve(folder) === resolve(directory)) return;
  const weights = new Set([...tensors.values()].map(({ file }) => file));
  for (const file of [CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, INDEX_FILE, ...weights]) {
    if (!existsSync(join(folder, file))) continue;
    rmSync(join(directory, file), { force: true });
    if (!weights.has(file)) {
      copyFileSync(join(folder, file), join(directory, file));
      continue;
    }
    try {
      linkSync(join(folder, file), join(directory, file));
    } catch {
      copyFileSync(join(folder, file), join(directory, file)); // another disk, or one without links
    }
  }
}

/** Writes the manifest over the files that are in a folder. */
export function sealTextPack(
  directory: string,
  description: TextDescription,
  vocabulary: Vocabulary,
): TextManifest {
  const checkpoint = readPretrained(directory);
  const names = new Set([
    CONFIG_FILE,
    TOKENIZER_FILE,
    TOKENIZER_CONFIG_FILE,
    INDEX_FILE,
    VOCABULARY,
    STRUCTURED,
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    ...[...checkpoint.tensors.values()].map(({ file }) => file),
  ]);
  const files = [...names]
    .filter((name) => existsSync(join(directory, name)))
    .map((file) => fileEntry(directory, file));
  const hashes = files.map(({ sha256 }) => sha256).join();
  const manifest = manifestSchema.parse({
    format: TEXT_PACK_FORMAT,
    ...description,
    version: createHash('sha256').update(hashes).digest('hex').slice(0, 12),
    createdAt: new Date().toISOString(),
    files,
    vocabularyHash: vocabularyHash(vocabulary),
  });
  writeFileSync(join(directory, MANIFEST), json(manifest));
  return manifest;
}

/** Replaces what a pack says of its measurements; weights and version stay. */
export function updateTextMeasurements(
  directory: string,
  measured: Partial<Pick<TextManifest, 'metrics' | 'front' | 'calibration'>>,
): void {
  writeFileSync(
    join(directory, MANIFEST),
    json(manifestSchema.parse({ ...readTextManifest(directory), ...measured })),
  );
}

/** @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT */
export function readTextManifest(directory: string): TextManifest {
  const path = join(directory, MANIFEST);
  if (!existsSync(path)) throw new FlameError('MODEL_PACK_MISSING', { pack: basename(directory) });
  return read(directory, MANIFEST, () => manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
}

/**
 * Reads a pack. Sizes of all files are checked, and the hashes of all but the checkpoint's weights, whose gigabytes
 * `verifyTextPack` reads.
 * @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT
 */
export function readTextPack(directory: string): TextPack {
  const manifest = readTextManifest(directory);
  const checkpoint = read(directory, 'the checkpoint', () => readPretrained(directory));
  const weightFiles = new Set([...checkpoint.tensors.values()].map(({ file }) => file));
  for (const entry of manifest.files) {
    const path = join(directory, entry.file);
    if (basename(entry.file) !== entry.file || !existsSync(path))
      throw corrupt(directory, `${entry.file} is missing`);
    const { size } = statSync(path);
    if (size !== entry.bytes)
      throw corrupt(directory, `${entry.file} has ${size} bytes instead of ${entry.bytes}`);
    if (weightFiles.has(entry.file)) continue;
    if (createHash('sha256').update(readFileSync(path)).digest('hex') !== entry.sha256)
      throw corrupt(directory, `the sha256 of ${entry.file} is not the manifest's`);
  }
  const vocabulary = read(directory, VOCABULARY, () => {
    const raw = vocabularySchema.parse(JSON.parse(readFileSync(join(directory, VOCABULARY), 'utf8')));
    return { ...raw, formulary: raw.formulary.map((drug) => asId<DrugId>(drug)) };
  });
  if (vocabularyHash(vocabulary) !== manifest.vocabularyHash)
    throw corrupt(directory, `${VOCABULARY} is not the vocabulary that the weights were trained with`);
  const { tensors } = read(directory, STRUCTURED, () => loadSafetensors(join(directory, STRUCTURED)));
  const tables = tablesFromTensors(tensors);
  if (
    tables?.drugs !== vocabulary.formulary.length ||
    tensors.get('structured.features')!.shape[0] !== vocabulary.features.length
  )
    throw corrupt(directory, `${STRUCTURED} does not fit ${VOCABULARY}`);
  return {
    manifest,
    vocabulary,
    tables,
    projections: new Map([...tensors].filter(([name]) => name.startsWith(`${PROJECTOR}.`))),
    checkpoint,
    tokenizer: read(directory, TOKENIZER_FILE, () =>
      TextTokenizer.read(directory, checkpoint.config.vocabularySize),
    ),
    adapter: existsSync(join(directory, ADAPTER_CONFIG))
      ? parseAdapter(
          readFileSync(join(directory, ADAPTER_CONFIG)),
          readFileSync(join(directory, ADAPTER_WEIGHTS)),
        )
      : null,
  };
}

/** Checks the hash of every file, weights included. @throws FlameError MODEL_PACK_CORRUPT */
export function verifyTextPack(directory: string): void {
  for (const entry of readTextManifest(directory).files) {
    if (!existsSync(join(directory, entry.file))) throw corrupt(directory, `${entry.file} is missing`);
    const { sha256 } = fileEntry(directory, entry.file);
    if (sha256 !== entry.sha256)
      throw corrupt(directory, `the sha256 of ${entry.file} is not the manifest's`);
  }
}

/** Reads a file in pieces: weights may exceed what one buffer holds. */
function fileEntry(directory: string, file: string) {
  const path = join(directory, file);
  const hash = createHash('sha256');
  const opened = openSync(path, 'r');
  try {
    const piece = Buffer.alloc(HASHED_AT_ONCE);
    for (;;) {
      const read = readSync(opened, piece);
      if (read === 0) break;
      hash.update(piece.subarray(0, read));
    }
  } finally {
    closeSync(opened);
  }
  return { file, sha256: hash.digest('hex'), bytes: statSync(path).size };
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}

/** Whatever goes wrong while a file is interpreted means that the folder is not what a pack is. */
function read<Value>(directory: string, file: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    const why = cause instanceof NnError ? cause.message : `${file} cannot be read`;
    throw new FlameError('MODEL_PACK_CORRUPT', { pack: basename(directory), problem: why }, { cause });
  }
}

function corrupt(directory: string, problem: string): FlameError {
  return new FlameError('MODEL_PACK_CORRUPT', { pack: basename(directory), problem });
}
