/** Writes an installed model as a zip archive that another Flame can import, and removes one. Exports nothing damaged. */

import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ZipFile } from 'yazl';
import { FlameError } from '../../shared/errors.ts';
import type { ModelId } from '../../shared/ids.ts';
import { writeWhole, type WriteOptions } from '../write-whole.ts';
import { folderName } from './import-model.ts';
import { describeModel, folderOf, listModels, type ModelFolders } from './installed.ts';
import { kindOf } from './model-kind.ts';

/**
 * @returns how many bytes the model's files have
 * @throws FlameError of the MODEL_PACK family when it is damaged, FILE_NOT_WRITABLE; no file is left then
 */
export async function exportModel(
  folders: ModelFolders,
  id: ModelId,
  file: string,
  options: WriteOptions,
): Promise<number> {
  const folder = folderOf(folders, id);
  const kind = kindOf(folder);
  kind.check(folder);
  const { name, version, files } = kind.describe(folder, () => null);
  const zip = new ZipFile();
  const inside = folderName(name, version);
  for (const one of ['manifest.json', ...files.map((listed) => listed.file)])
    zip.addFile(join(folder, one), `${inside}/${one}`, { compress: one.endsWith('.json') || one.endsWith('.md') });
  zip.end();
  await writeWhole(file, zip.outputStream as AsyncIterable<Uint8Array>, options);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Removes a local model for good.
 * @param inUse the model that recommends, and the one that was chosen where another stands in
 * @throws FlameError MODEL_NOT_REMOVABLE, MODEL_PACK_MISSING
 */
export function removeModel(folders: ModelFolders, id: ModelId, inUse: readonly (ModelId | null)[]): void {
  const folder = folderOf(folders, id);
  const { name, version, origin } = describeModel(folders, id);
  const refuse = (problem: string): never => {
    throw new FlameError('MODEL_NOT_REMOVABLE', { name, problem });
  };
  if (origin === 'shipped') refuse('it came with Flame');
  if (inUse.includes(id)) refuse('it is in use');
  const standing = listModels(folders).find(({ base }) => base?.name === name && base.version === version);
  if (standing) refuse(`${standing.name} stands on it`);
  // Out of sight first, so that a crash does not leave half a model under its name.
  const gone = join(folders.local, `.import-${randomUUID()}`);
  renameSync(folder, gone);
  rmSync(gone, { recursive: true, force: true });
}
