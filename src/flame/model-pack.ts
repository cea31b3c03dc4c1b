/**
 * Writes and reads model packs: a folder with manifest.json, vocabulary.json, model.safetensors, policy.safetensors when
 * it has a list policy, and CARD.md once it was measured. Reading checks every byte against the manifest and refuses what
 * does not fit; it runs no model.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { HostTensor } from '../nn/dtype.ts';
import { formatSafetensors, parseSafetensors } from '../nn/safetensors.ts';
import { FlameError } from '../shared/errors.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import { frontSchema, protocolSchema } from './lists/front-schema.ts';
import { type Vocabulary, vocabularyHash } from './encoding/vocabulary.ts';

/** The pack that comes with Flame and is used unless another is named. */
export const SHIPPED_PACK = 'flame-namcs';

const MANIFEST = 'manifest.json';
const VOCABULARY = 'vocabulary.json';
const WEIGHTS = 'model.safetensors';
const POLICY_WEIGHTS = 'policy.safetensors';
const CARD = 'CARD.md';
/** `format` of a pack's manifest. */
export const PACK_FORMAT = 'flame-model-pack-1';

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

const networkSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('flame'),
    width: z.number().int().positive(),
    hidden: z.number().int().positive(),
    layers: z.number().int().positive(),
    dropout: z.number().min(0).max(1),
    members: z.number().int().positive().optional(),
  }),
  z.object({
    kind: z.literal('mlp'),
    width: z.number().int().positive(),
    hidden: z.number().int().positive(),
  }),
  z.object({ kind: z.literal('logistic') }),
]);

const policySchema = z.object({
  network: z.object({
    width: z.number().int().positive(),
    layers: z.number().int().positive(),
    heads: z.number().int().positive(),
    hidden: z.number().int().positive(),
    startSlots: z.number().int().positive(),
    actionSlots: z.number().int().positive(),
    dropout: z.number().min(0).max(1),
  }),
  training: z.object({
    /** How it was reinforced. */
    objective: z.enum(['grpo', 'expected-credit']),
    settings: z.record(z.string(), z.number()),
    seconds: z.number(),
  }),
});

export const manifestSchema = z.object({
  format: z.literal(PACK_FORMAT),
  name: z.string(),
  /** Changes when the vocabulary or the weights change; a new model card is no new model. */
  version: z.string(),
  createdAt: z.string(),
  files: z.array(z.object({ file: z.string(), sha256: sha256Schema, bytes: z.number().int().nonnegative() })),
  network: networkSchema,
  /** The list policy over the same formulary; null: lists are decoded from the classifier's probabilities. */
  policy: policySchema.nullable().default(null),
  vocabularyHash: sha256Schema,
  /** The compiled tables that codes were read with, and the pairs that rates were counted with. */
  knowledgeVersion: z.string(),
  interactionVersion: z.string(),
  dataTerms: z.string(),
  training: z.object({
    corpus: z.string(),
    split: z.string(),
    visits: z.number().int().positive(),
    formularySize: z.number().int().positive(),
    settings: z.record(z.string(), z.number()),
    hardware: z.string(),
    seconds: z.number(),
  }),
  /** The single threshold chosen on validation visits. */
  threshold: z.number(),
  /** Means over seeds from the development test of the same configuration, which holds a later year out. */
  metrics: z
    .object({ protocol: protocolSchema, seeds: z.number().int(), values: z.record(z.string(), z.number()) })
    .nullable(),
  /** The trade-off measured on validation visits with this pack's own weights. */
  front: frontSchema.nullable(),
});
export type PackManifest = z.infer<typeof manifestSchema>;

const vocabularySchema = z.object({
  features: z.array(z.string()),
  uses: z.array(z.number()),
  formulary: z.array(z.string()),
  drugUses: z.array(z.number()),
  visits: z.number(),
  lastYear: z.number(),
});

export interface ModelPack {
  readonly manifest: PackManifest;
  readonly vocabulary: Vocabulary;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** Weights of the list policy, when the manifest has one. */
  readonly policy: ReadonlyMap<string, HostTensor> | null;
}

/** What the trainer knows; the rest of the manifest is computed from the files. */
export type PackDescription = Omit<
  PackManifest,
  'format' | 'version' | 'createdAt' | 'files' | 'vocabularyHash'
>;

/**
 * Writes a pack; the folder is made. Weights are stored in half precision, rounded to nearest even.
 * @returns the manifest as written
 */
export function writeModelPack(
  directory: string,
  description: PackDescription,
  vocabulary: Vocabulary,
  parameters: ReadonlyMap<string, HostTensor>,
  policy: ReadonlyMap<string, HostTensor> | null = null,
): PackManifest {
  if ((policy === null) !== (description.policy === null))
    throw new RangeError('a list policy has weights and a description, or neither');
  mkdirSync(directory, { recursive: true });
  const contents = new Map<string, Uint8Array>([
    [VOCABULARY, Buffer.from(`${JSON.stringify(vocabulary)}\n`)],
    [WEIGHTS, formatSafetensors(parameters, { floatsAs: 'F16' })],
    ...(policy ? ([[POLICY_WEIGHTS, formatSafetensors(policy, { floatsAs: 'F16' })]] as const) : []),
  ]);
  const files = [...contents].map(([file, bytes]) => ({ file, sha256: sha256(bytes), bytes: bytes.length }));
  const manifest: PackManifest = manifestSchema.parse({
    format: PACK_FORMAT,
    ...description,
    version: sha256(Buffer.from(files.map((file) => file.sha256).join())).slice(0, 12),
    createdAt: new Date().toISOString(),
    files,
    vocabularyHash: vocabularyHash(vocabulary),
  });
  for (const stale of [CARD, POLICY_WEIGHTS]) rmSync(join(directory, stale), { force: true }); // of other weights
  for (const [file, bytes] of contents) writeFileSync(join(directory, file), bytes);
  writeFileSync(join(directory, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** Replaces what a pack says of its measurements, leaving weights and version as they are. */
export function updatePackMeasurements(
  directory: string,
  measured: Partial<Pick<PackManifest, 'metrics' | 'front' | 'threshold'>>,
): void {
  const manifest = { ...readManifest(directory), ...measured };
  writeFileSync(join(directory, MANIFEST), `${JSON.stringify(manifestSchema.parse(manifest), null, 2)}\n`);
}

/** Puts a model card into a pack, or replaces it, under the manifest's hashes; the version stays. */
export function writeModelCard(directory: string, text: string): void {
  const manifest = readManifest(directory);
  const bytes = Buffer.from(text);
  const entry = { file: CARD, sha256: sha256(bytes), bytes: bytes.length };
  const files = [...manifest.files.filter(({ file }) => file !== CARD), entry];
  writeFileSync(join(directory, CARD), bytes);
  writeFileSync(join(directory, MANIFEST), `${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
}

/**
 * Reads a pack and checks the size and sha256 of every file and the vocabulary hash.
 * @throws FlameError MODEL_PACK_MISSING, or MODEL_PACK_CORRUPT naming the file and what is wrong with it
 */
export function readModelPack(directory: string): ModelPack {
  const manifest = readManifest(directory);
  const read = (file: string): Buffer => checkedFile(directory, file, manifest);
  if (manifest.files.some(({ file }) => file === CARD)) read(CARD);
  const vocabulary = parsed(directory, VOCABULARY, () => {
    const raw = vocabularySchema.parse(JSON.parse(read(VOCABULARY).toString('utf8')));
    return { ...raw, formulary: raw.formulary.map((drug) => asId<DrugId>(drug)) };
  });
  if (vocabularyHash(vocabulary) !== manifest.vocabularyHash)
    throw corrupt(directory, `${VOCABULARY} is not the vocabulary that the weights were trained with`);
  const weights = (file: string): ReadonlyMap<string, HostTensor> =>
    parsed(directory, file, () => parseSafetensors(read(file)).tensors);
  return {
    manifest,
    vocabulary,
    parameters: weights(WEIGHTS),
    policy: manifest.policy ? weights(POLICY_WEIGHTS) : null,
  };
}

/** The model card as it was hashed; null without one. @throws FlameError MODEL_PACK_CORRUPT */
export function readCard(directory: string): string | null {
  const manifest = readManifest(directory);
  if (!manifest.files.some(({ file }) => file === CARD)) return null;
  return checkedFile(directory, CARD, manifest).toString('utf8');
}

export function readManifest(directory: string): PackManifest {
  const path = join(directory, MANIFEST);
  if (!existsSync(path)) throw new FlameError('MODEL_PACK_MISSING', { pack: basename(directory) });
  return parsed(directory, MANIFEST, () => manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
}

function checkedFile(directory: string, file: string, manifest: PackManifest): Buffer {
  const entry = manifest.files.find((listed) => listed.file === file);
  if (!entry) throw corrupt(directory, `${MANIFEST} does not list ${file}`);
  const path = join(directory, file);
  if (!existsSync(path)) throw corrupt(directory, `${file} is missing`);
  const bytes = readFileSync(path);
  if (bytes.length !== entry.bytes)
    throw corrupt(directory, `${file} has ${bytes.length} bytes instead of ${entry.bytes}`);
  if (sha256(bytes) !== entry.sha256) throw corrupt(directory, `the sha256 of ${file} is not the manifest's`);
  return bytes;
}

/** Whatever goes wrong while a file is interpreted means that the file is not what a pack holds. */
function parsed<Value>(directory: string, file: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    throw corrupt(directory, `${file} cannot be read`, cause);
  }
}

function corrupt(directory: string, problem: string, cause?: unknown): FlameError {
  return new FlameError('MODEL_PACK_CORRUPT', { pack: basename(directory), problem }, { cause });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
