/**
 * Installs a model from a folder or an archive: format, sizes, hashes, vocabulary and memory are judged before anything
 * stands under a name, then it is run once. What fails on the way leaves nothing behind. Uses no model.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { FlameError, fromWireError, type WireError } from '../../shared/errors.ts';
import { asId, type ModelId } from '../../shared/ids.ts';
import type { ImportedModel, ModelImportProgress } from '../../shared/models-api.ts';
import { openInstalled } from './active-model.ts';
import { describeModel, folderOf, listModels, type ModelFolders } from './installed.ts';
import { kindOf } from './model-kind.ts';
import { memoryNeeded } from './model-memory.ts';
import { openModelSource, type ModelSource } from './model-source.ts';

export interface ImportModelOptions {
  readonly folders: ModelFolders;
  readonly knowledge: Knowledge;
  /** Bytes that may be used; what the system has left unless a test says otherwise. */
  readonly availableMemory?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ModelImportProgress) => void;
}

const MANIFEST = 'manifest.json';
/** What a checkpoint of Hugging Face begins with. */
const CHECKPOINT = 'config.json';
/** The shipped pack's is 6 KB; an evaluation adds a few. */
const LARGEST_MANIFEST = 4 << 20;
const DRAFTS = '.import-';

/**
 * @returns the installed model; its folder is named by what the manifest says
 * @throws FlameError MODEL_FILE_UNUSABLE, MODEL_INSTALLED_ALREADY, MODEL_TOO_LARGE, of the MODEL_PACK family, CANCELLED
 */
export async function importModel(path: string, options: ImportModelOptions): Promise<ImportedModel> {
  const { folders } = options;
  clearDrafts(folders);
  const source = await openModelSource(path);
  const drafts = join(folders.local, `${DRAFTS}${randomUUID()}`);
  try {
    mkdirSync(drafts, { recursive: true, mode: 0o700 });
    return await install(source, basename(path), drafts, options);
  } finally {
    source.close();
    rmSync(drafts, { recursive: true, force: true });
  }
}

async function install(
  source: ModelSource,
  origin: string,
  drafts: string,
  options: ImportModelOptions,
): Promise<ImportedModel> {
  const { folders, knowledge, signal, onProgress } = options;
  const stage = (at: ModelImportProgress['stage'], fraction: number | null = null): void => {
    if (signal?.aborted) throw new FlameError('CANCELLED');
    onProgress?.({ stage: at, fraction });
  };
  stage('reading');
  const manifestFile = source.files.find(({ file }) => file === MANIFEST);
  if (!manifestFile) {
    const isCheckpoint = source.files.some(({ file }) => file === CHECKPOINT);
    throw unusable(
      origin,
      isCheckpoint
        ? 'it is a checkpoint that was not adapted to Flame yet (docs/references/text-backbones.md says how)'
        : `it holds no ${MANIFEST}`,
    );
  }
  if (manifestFile.bytes > LARGEST_MANIFEST) throw unusable(origin, `its ${MANIFEST} is too large`);
  // Read under a name that errors can show: the manifest says another one only once it is readable.
  const draft = join(drafts, 'model');
  mkdirSync(draft, { mode: 0o700 });
  await copy(source, MANIFEST, manifestFile.bytes, draft, origin);
  const drafted: ModelFolders = { ...folders, local: drafts };
  const described = describeModel(drafted, asId<ModelId>('local/model'));
  if (described.problem !== null) throw renamed(fromWireError(described.problem as WireError), origin);
  const { name, version, base } = described;

  const installed = listModels(folders).find((one) => one.name === name && one.version === version);
  if (installed) throw new FlameError('MODEL_INSTALLED_ALREADY', { name, version });
  const kind = kindOf(draft);
  const { files } = kind.describe(draft, () => null);
  const baseModel = base && listModels(folders).find((one) => one.name === base.name && one.version === base.version);
  if (base && !baseModel) throw new FlameError('MODEL_PACK_MISSING', { pack: `${base.name} ${base.version}` });
  const stored = described.bytes + (baseModel?.bytes ?? 0);
  const needed = kind.memoryNeeded?.(stored) ?? memoryNeeded(stored);
  const available = options.availableMemory ?? process.availableMemory();
  if (needed > available)
    throw new FlameError('MODEL_TOO_LARGE', { name, needed: megabytes(needed), available: megabytes(available) });

  let copied = 0;
  for (const { file, bytes, sha256 } of files) {
    stage('copying', described.bytes === 0 ? 1 : copied / described.bytes);
    const found = source.files.find((one) => one.file === file);
    if (!found) throw unusable(origin, `${file} is missing`);
    if (found.bytes !== bytes)
      throw unusable(origin, `${file} has ${found.bytes} bytes; the manifest says ${bytes}`);
    if ((await copy(source, file, bytes, draft, origin)) !== sha256)
      throw unusable(origin, `the sha256 of ${file} is not the manifest's`);
    copied += bytes;
  }
  stage('checking');
  try {
    kind.check(draft);
    const model = await openInstalled(asId<ModelId>('local/model'), { folders: { ...folders, local: drafts }, knowledge });
    await model.close();
    assertKnownDrugs(model.formulary, knowledge, name);
  } catch (thrown) {
    throw renamed(thrown, name);
  }
  stage('storing');
  const id = asId<ModelId>(`local/${folderName(name, version)}`);
  renameSync(draft, folderOf(folders, id));
  return { model: describeModel(folders, id), memory: needed };
}

/** A drug that no table knows would be proposed without a single check. */
function assertKnownDrugs(formulary: readonly string[], { drugs }: Knowledge, pack: string): void {
  const unknown = formulary.filter((drug) => drugs.get(asId(drug)) === null);
  if (unknown.length === 0) return;
  const named = unknown.slice(0, 5).join(', ');
  const problem = `the tables of this Flame do not know ${unknown.length} of its drugs (${named}${unknown.length > 5 ? ', …' : ''})`;
  throw new FlameError('MODEL_PACK_MISMATCH', { pack, problem });
}

/** Copies a file, synced, and refuses a byte too many. @returns its sha256 */
async function copy(
  source: ModelSource,
  file: string,
  bytes: number,
  folder: string,
  origin: string,
): Promise<string> {
  const hash = createHash('sha256');
  const target = await open(join(folder, file), 'wx', 0o600);
  try {
    let written = 0;
    for await (const piece of source.read(file)) {
      written += piece.length;
      if (written > bytes) throw unusable(origin, `${file} holds more than it says`);
      hash.update(piece);
      await target.writeFile(piece);
    }
    if (written !== bytes) throw unusable(origin, `${file} holds less than it says`);
    await target.sync();
  } catch (thrown) {
    throw spaceError(thrown, file);
  } finally {
    await target.close();
  }
  return hash.digest('hex');
}

function spaceError(thrown: unknown, file: string): unknown {
  if (thrown instanceof FlameError || !(thrown instanceof Error) || !('code' in thrown)) return thrown;
  return new FlameError('FILE_NOT_WRITABLE', { file, problem: thrown.message }, { cause: thrown });
}

/** What an import that was killed left behind. */
function clearDrafts({ local }: ModelFolders): void {
  mkdirSync(local, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(local))
    if (name.startsWith(DRAFTS)) rmSync(join(local, name), { recursive: true, force: true });
}

/** A name for people as the name of a folder; the version keeps two of them apart. */
export function folderName(name: string, version: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${plain === '' ? 'model' : plain}-${version}`;
}

/** An error that names the draft, in the words of who handed the model in. */
function renamed(thrown: unknown, pack: string): unknown {
  if (!(thrown instanceof FlameError) || thrown.details['pack'] !== 'model') return thrown;
  return new FlameError(thrown.code, { ...thrown.details, pack }, { cause: thrown });
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}

function unusable(file: string, problem: string): FlameError {
  return new FlameError('MODEL_FILE_UNUSABLE', { file, problem });
}
