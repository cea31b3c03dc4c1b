/**
 * A software Vulkan driver for tests of WebGPU: the SwiftShader that comes with every Electron for Linux. Where there is
 * none, tests are skipped and say why.
 */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

function candidates(): string[] {
  const cache = join(ROOT, '.cache');
  const electron = process.env['FLAME_ELECTRON'];
  return [
    ...(electron ? [dirname(electron)] : []),
    join(ROOT, 'node_modules/electron/dist'),
    ...(existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name)) : []),
  ];
}

/** Environment under which a new process finds the driver; null where there is none. */
export function softwareVulkan(): Record<string, string> | null {
  const folder = candidates().find((one) => existsSync(join(one, 'vk_swiftshader_icd.json')));
  if (folder === undefined || process.platform !== 'linux') {
    console.warn(
      'SKIPPED: WebGPU is not tested, because no SwiftShader was found. Run npm run prepare-electron, which brings it.',
    );
    return null;
  }
  return { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json') };
}
