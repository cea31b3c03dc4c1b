/** Opens what lies in a models folder, of whatever kind it is, for commands. A kind that stands on a pack finds it there. */

import { join } from 'node:path';
import { kindOf, type ModelDescription } from '../engine/models/model-kind.ts';
import { baseFolder, type ModelFolders } from '../engine/models/installed.ts';
import type { OpenModel } from '../engine/model.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { PATHS } from './setup.ts';

const FOLDERS: ModelFolders = { shipped: PATHS.models, local: PATHS.models };

/** What the manifest of a model says. @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT */
export function describeNamed(name: string): ModelDescription {
  const folder = join(PATHS.models, name);
  return kindOf(folder).describe(folder, () => null);
}

/** @throws FlameError of the MODEL family */
export function openNamed(name: string, knowledge: Knowledge): Promise<OpenModel> {
  const folder = join(PATHS.models, name);
  return kindOf(folder).open(folder, {
    knowledge,
    baseFolder: (base, version) => baseFolder(FOLDERS, base, version),
  });
}

/** Checks every byte of a model and runs it once; its version. @throws FlameError of the MODEL family */
export async function verifyNamed(name: string, knowledge: Knowledge): Promise<string> {
  const folder = join(PATHS.models, name);
  kindOf(folder).check(folder);
  const model = await openNamed(name, knowledge);
  await model.close();
  return model.version;
}
