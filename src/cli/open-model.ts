/** Opens what lies in a models folder, of whatever kind it is, for commands. A kind that stands on a pack finds it there. */

import { join } from 'node:path';
import { kindOf } from '../engine/models/model-kind.ts';
import { baseFolder, type ModelFolders } from '../engine/models/installed.ts';
import type { OpenModel } from '../engine/models/model.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { PATHS } from './setup.ts';

const FOLDERS: ModelFolders = { shipped: PATHS.models, local: PATHS.models };

/** @throws FlameError of the MODEL family */
export function openNamed(name: string, knowledge: Knowledge): Promise<OpenModel> {
  const folder = join(PATHS.models, name);
  return kindOf(folder).open(folder, {
    knowledge,
    baseFolder: (base, version) => baseFolder(FOLDERS, base, version),
  });
}
