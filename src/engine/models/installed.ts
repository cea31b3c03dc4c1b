/**
 * The models that are installed: those shipped with Flame and those in the profile's models folder. Reads manifests;
 * opens, chooses and changes none.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PACK_FORMAT, type PackManifest, readManifest, SHIPPED_PACK } from '../../flame/model-pack.ts';
import { FlameError, toWireError } from '../../shared/errors.ts';
import { asId, type ModelId } from '../../shared/ids.ts';
import type { InstalledModel } from '../../shared/models-api.ts';
import { kindOf } from './model-kind.ts';

export interface ModelFolders {
  /** Comes with Flame; nothing is ever written there. */
  readonly shipped: string;
  /** In the profile: imported packs and what was trained here. May not exist yet. */
  readonly local: string;
}

/** Name of the folder of local models in a profile. */
export const LOCAL_MODELS = 'models';

/** The model that Flame starts with and falls back to. */
export const SHIPPED_MODEL = asId<ModelId>(`shipped/${SHIPPED_PACK}`);

/** Also keeps a folder's name from leading anywhere else. */
const MODEL_ID = /^(shipped|local)\/([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/;

export function modelFolders(options: { readonly models: string; readonly profile: string }): ModelFolders {
  return { shipped: options.models, local: join(options.profile, LOCAL_MODELS) };
}

/** @throws FlameError MODEL_PACK_MISSING for what names no model folder */
export function folderOf(folders: ModelFolders, id: ModelId): string {
  const [, origin, name] = MODEL_ID.exec(id) ?? [];
  if (origin === undefined || name === undefined) throw new FlameError('MODEL_PACK_MISSING', { pack: id });
  return join(folders[origin as keyof ModelFolders], name);
}

export function isInstalled(folders: ModelFolders, id: ModelId): boolean {
  return MODEL_ID.test(id) && existsSync(join(folderOf(folders, id), 'manifest.json'));
}

/** The shipped model first, then by place and folder. A folder without a manifest is none. */
export function listModels(folders: ModelFolders): InstalledModel[] {
  const found = (['shipped', 'local'] as const).flatMap((origin) =>
    namesIn(folders[origin]).map((name) => asId<ModelId>(`${origin}/${name}`)),
  );
  const [first, rest] = [found.filter((id) => id === SHIPPED_MODEL), found.filter((id) => id !== SHIPPED_MODEL)];
  return [...first, ...rest].map((id) => describeModel(folders, id));
}

/** What the manifest says, or what is wrong with it. Fails never. */
export function describeModel(folders: ModelFolders, id: ModelId): InstalledModel {
  const origin = id.startsWith('shipped/') ? 'shipped' : 'local';
  try {
    const folder = folderOf(folders, id);
    const kind = kindOf(folder);
    const { files, ...described } = kind.describe(folder, (name, version) => packNamed(folders, name, version)?.manifest ?? null);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { id, origin, format: kind.format, bytes, problem: null, ...described };
  } catch (thrown) {
    const name = id.slice(id.indexOf('/') + 1);
    const nothing = { version: '', format: null, base: null, createdAt: null, bytes: 0, summary: null };
    return { id, origin, name, ...nothing, problem: toWireError(thrown) };
  }
}

/** The folder of an installed pack by what its manifest says. @throws FlameError MODEL_PACK_MISSING */
export function baseFolder(folders: ModelFolders, name: string, version: string): string {
  const pack = packNamed(folders, name, version);
  if (!pack) throw new FlameError('MODEL_PACK_MISSING', { pack: `${name} ${version}` });
  return pack.folder;
}

function packNamed(folders: ModelFolders, name: string, version: string): { folder: string; manifest: PackManifest } | null {
  for (const origin of [folders.shipped, folders.local]) {
    for (const folder of namesIn(origin).map((one) => join(origin, one))) {
      try {
        if (kindOf(folder).format !== PACK_FORMAT) continue;
        const manifest = readManifest(folder);
        if (manifest.name === name && manifest.version === version) return { folder, manifest };
      } catch {
        // A folder that cannot be read is no base; where models are listed, it says so itself.
      }
    }
  }
  return null;
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'manifest.json')))
    .map(({ name }) => name)
    .filter((name) => MODEL_ID.test(`local/${name}`))
    .sort();
}
