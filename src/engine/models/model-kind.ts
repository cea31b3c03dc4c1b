/**
 * The kinds of model folder that Flame can open, told apart by the `format` of their manifest.json. A new kind is one
 * entry in MODEL_KINDS. Knows no folder by itself and no pointer.
 */

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PACK_FORMAT, type PackManifest, readCard, readManifest, readModelPack } from '../../flame/model-pack.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { ModelSummary } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import type { ModelDetails } from '../../shared/models-api.ts';
import { openModel, summaryOf, type OpenModel } from './model.ts';
import { localKind } from './local-kind.ts';
import { textKind } from './text-kind.ts';

/** What a manifest says, before any other file is read. */
export interface ModelDescription {
  readonly name: string;
  readonly version: string;
  readonly createdAt: string;
  /** The pack that an adapter changes; null for a model that stands alone. */
  readonly base: { readonly name: string; readonly version: string } | null;
  readonly files: readonly { readonly file: string; readonly sha256: string; readonly bytes: number }[];
  /** Null while the base pack is not there. */
  readonly summary: ModelSummary | null;
}

export interface OpenContext {
  readonly knowledge: Knowledge;
  /** Where graphs run; absent: on the CPU. */
  readonly session?: SessionOptions;
  /** The folder of an installed pack, to stand on. @throws FlameError MODEL_PACK_MISSING */
  readonly baseFolder: (name: string, version: string) => string;
}

/** Finds the manifest of an installed pack; null when it is not there. */
export type FindPack = (name: string, version: string) => PackManifest | null;

export interface ModelKind {
  /** `format` in manifest.json. */
  readonly format: string;
  /** Reads manifests alone. @throws FlameError MODEL_PACK_CORRUPT */
  describe(folder: string, findPack: FindPack): ModelDescription;
  /** Where it comes from, and its model card where it has one. @throws FlameError MODEL_PACK_CORRUPT */
  details(folder: string): Pick<ModelDetails, 'card' | 'provenance'>;
  /** @throws FlameError MODEL_GATES_FAILED, MODEL_UNMEASURED for a model that may not recommend */
  assertUsable(folder: string): void;
  /** Bytes that an open model takes, from those of its files; absent: as compact packs (model-memory.ts). */
  memoryNeeded?(storedBytes: number): number;
  /** Checks every byte against the manifest, runs nothing. @throws FlameError MODEL_PACK_CORRUPT, MODEL_PACK_MISSING */
  check(folder: string): void;
  /** Checks every byte, opens and warms up. @throws FlameError of the MODEL_PACK family */
  open(folder: string, context: OpenContext): Promise<OpenModel>;
}

const packKind: ModelKind = {
  format: PACK_FORMAT,
  describe: (folder) => {
    const manifest = readManifest(folder);
    const { name, version, createdAt, files } = manifest;
    return { name, version, createdAt, files, base: null, summary: summaryOf(manifest) };
  },
  details: (folder) => {
    const { createdAt, knowledgeVersion, interactionVersion, training } = readManifest(folder);
    const { corpus, split, visits, hardware, seconds } = training;
    return {
      card: readCard(folder),
      provenance: [
        { what: 'created', value: createdAt },
        { what: 'corpus', value: corpus },
        { what: 'split', value: split },
        { what: 'visits', value: String(visits) },
        { what: 'knowledge', value: knowledgeVersion },
        { what: 'interactions', value: interactionVersion },
        { what: 'hardware', value: hardware },
        { what: 'duration', value: String(seconds) },
      ],
    };
  },
  assertUsable: () => undefined, // a whole pack carries no gates
  check: (folder) => {
    readModelPack(folder);
  },
  open: (folder, { knowledge, session }) => openModel(dirname(folder), basename(folder), knowledge, session),
};

const MODEL_KINDS: readonly ModelKind[] = [packKind, localKind, textKind];

/** @throws FlameError MODEL_PACK_MISSING without a manifest, MODEL_PACK_CORRUPT when it is none that Flame knows */
export function kindOf(folder: string): ModelKind {
  const pack = basename(folder);
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw new FlameError('MODEL_PACK_MISSING', { pack });
  let format: unknown;
  try {
    format = (JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown } | null)?.format;
  } catch (cause) {
    throw new FlameError('MODEL_PACK_CORRUPT', { pack, problem: 'manifest.json cannot be read' }, { cause });
  }
  const kind = MODEL_KINDS.find((known) => known.format === format);
  if (kind) return kind;
  const problem = `its format is ${JSON.stringify(format ?? null).slice(0, 60)}, which this version of Flame does not know`;
  throw new FlameError('MODEL_PACK_CORRUPT', { pack, problem });
}
