/**
 * A local model on disk: what a site's training changed of an installed pack, in a folder of its own with a manifest that
 * lists and hashes every file. Writes it whole or not at all, and refuses to read what does not fit; runs no model.
 *
 *   manifest.json               this format, the base pack and its version, measurements, gates, provenance
 *   adapter_config.json, adapter_model.safetensors   the adapter of π_cls (peft.ts), or
 *   model.safetensors           all weights of π_cls, after full fine-tuning
 *   extension.safetensors       how the site's new drugs start (extension.ts)
 *   site.safetensors            the local combination (src/flame/site), where it won
 *   policy.safetensors          π_list, where the tuned one won
 */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { HostTensor } from '../../nn/dtype.ts';
import { formatSafetensors, parseSafetensors } from '../../nn/safetensors.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { frontSchema } from '../lists/front-schema.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type Adapter, formatAdapter, parseAdapter } from './peft.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { writeSynced } from './write-synced.ts';

/** `format` of a local model's manifest. */
export const LOCAL_MODEL_FORMAT = 'flame-local-model-1';
const MANIFEST = 'manifest.json';
const WEIGHTS = 'model.safetensors';
const EXTENSION = 'extension.safetensors';
const SITE = 'site.safetensors';
const POLICY_WEIGHTS = 'policy.safetensors';

const manifestSchema = z.object({
  format: z.literal(LOCAL_MODEL_FORMAT),
  /** As the clinic called it. */
  name: z.string().min(1).max(200),
  /** Changes with the content of any file. */
  version: z.string().regex(/^[0-9a-f]{12}$/),
  createdAt: z.string(),
  base: z.object({ name: z.string(), version: z.string() }),
  files: z.array(
    z.object({
      file: z.string(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      bytes: z.int().nonnegative(),
    }),
  ),
  /** How π_cls was changed. */
  classifier: z.enum(['lora', 'full']),
  /** Divides the logits of the changed π_cls. */
  temperature: z.number().positive(),
  newDrugs: z.array(z.string()),
  /** Who writes the lists: the tuned policy, the pack's own, or penalised decoding. */
  lists: z.enum(['tuned-policy', 'pack-policy', 'decoding']),
  /** Before and after on held-out visits, with the gates; null until measured: such a model is never promoted. */
  evaluation: evaluationSchema.nullable(),
  front: frontSchema.nullable(),
  training: z.object({
    /** Where it came from: trained here, or an adapter brought in from elsewhere. */
    source: z.enum(['trained-here', 'imported-adapter']),
    job: z.string().nullable(),
    profile: z.string(),
    visits: z.int().nonnegative(),
    patients: z.int().nonnegative(),
    settings: z.record(z.string(), z.number()),
    knowledgeVersion: z.string(),
    interactionVersion: z.string(),
    hardware: z.string(),
    seconds: z.number(),
  }),
});
export type LocalManifest = z.infer<typeof manifestSchema>;

export interface LocalModelContent {
  /** Null after full fine-tuning. */
  readonly adapter: Adapter | null;
  /** All weights of π_cls over the larger formulary, after full fine-tuning. */
  readonly weights: ReadonlyMap<string, HostTensor> | null;
  readonly extension: ReadonlyMap<string, HostTensor>;
  /** `SiteModel.toBytes()`; null where the adapted π_cls alone was better. */
  readonly site: Uint8Array | null;
  readonly policy: ReadonlyMap<string, HostTensor> | null;
}

export interface LocalModel extends LocalModelContent {
  readonly manifest: LocalManifest;
  readonly newDrugs: readonly DrugId[];
}

export type LocalDescription = Omit<LocalManifest, 'format' | 'version' | 'createdAt' | 'files'>;

/**
 * Writes a new folder. It appears under its name when it is complete: a crash leaves no half model.
 * @throws RangeError when the folder exists
 */
export function writeLocalModel(
  directory: string,
  description: LocalDescription,
  content: LocalModelContent,
): LocalManifest {
  if (existsSync(directory)) throw new RangeError(`${directory} exists`);
  const contents = new Map<string, Uint8Array>(content.adapter ? formatAdapter(content.adapter) : []);
  if (content.weights) contents.set(WEIGHTS, formatSafetensors(content.weights));
  if (content.extension.size > 0) contents.set(EXTENSION, formatSafetensors(content.extension));
  if (content.site) contents.set(SITE, content.site);
  if (content.policy) contents.set(POLICY_WEIGHTS, formatSafetensors(content.policy));
  const files = [...contents].map(([file, bytes]) => ({ file, sha256: sha256(bytes), bytes: bytes.length }));
  const manifest = manifestSchema.parse({
    ...description,
    format: LOCAL_MODEL_FORMAT,
    version: sha256(
      Buffer.from(JSON.stringify([files.map((one) => one.sha256), description.temperature])),
    ).slice(0, 12),
    createdAt: new Date().toISOString(),
    files,
  });
  mkdirSync(dirname(directory), { recursive: true, mode: 0o700 });
  const draft = join(dirname(directory), `.draft-${basename(directory)}-${randomUUID()}`);
  mkdirSync(draft, { mode: 0o700 });
  try {
    for (const [file, bytes] of contents) writeSynced(join(draft, file), bytes);
    writeSynced(join(draft, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
    renameSync(draft, directory);
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true });
    throw thrown;
  }
  return manifest;
}

/** @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT */
export function readLocalManifest(directory: string): LocalManifest {
  const path = join(directory, MANIFEST);
  if (!existsSync(path)) throw new FlameError('MODEL_PACK_MISSING', { pack: basename(directory) });
  return parsed(directory, MANIFEST, () => manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
}

/** Reads a folder and checks size and sha256 of every file. @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT */
export function readLocalModel(directory: string): LocalModel {
  const manifest = readLocalManifest(directory);
  const bytes = new Map(manifest.files.map((entry) => [entry.file, checked(directory, entry)]));
  const tensors = (file: string): ReadonlyMap<string, HostTensor> | null => {
    const own = bytes.get(file);
    return own ? parsed(directory, file, () => parseSafetensors(own).tensors) : null;
  };
  const [config, weights] = [bytes.get(ADAPTER_CONFIG), bytes.get(ADAPTER_WEIGHTS)];
  const content = {
    adapter:
      config && weights ? parsed(directory, ADAPTER_CONFIG, () => parseAdapter(config, weights)) : null,
    weights: tensors(WEIGHTS),
    extension: tensors(EXTENSION) ?? new Map<string, HostTensor>(),
    site: bytes.get(SITE) ?? null,
    policy: tensors(POLICY_WEIGHTS),
  };
  if (!(manifest.classifier === 'lora' ? content.adapter : content.weights))
    throw corrupt(directory, `its ${manifest.classifier} weights are missing`);
  if (manifest.lists === 'tuned-policy' && !content.policy)
    throw corrupt(directory, 'its list policy is missing');
  return { manifest, newDrugs: manifest.newDrugs.map((drug) => asId<DrugId>(drug)), ...content };
}

function checked(directory: string, entry: LocalManifest['files'][number]): Buffer {
  if (basename(entry.file) !== entry.file) throw corrupt(directory, `${entry.file} lies outside the folder`);
  const path = join(directory, entry.file);
  if (!existsSync(path)) throw corrupt(directory, `${entry.file} is missing`);
  const bytes = readFileSync(path);
  if (bytes.length !== entry.bytes || sha256(bytes) !== entry.sha256)
    throw corrupt(directory, `the sha256 of ${entry.file} is not the manifest's`);
  return bytes;
}

function parsed<Value>(directory: string, file: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw corrupt(directory, `${file} cannot be read`, cause);
  }
}

function corrupt(directory: string, problem: string, cause?: unknown): FlameError {
  return new FlameError('MODEL_PACK_CORRUPT', { pack: basename(directory), problem }, { cause });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
