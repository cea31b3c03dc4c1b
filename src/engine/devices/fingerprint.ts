/** What test results of devices hold for: driver, system, ONNX Runtime, the pack. When any of it changes, they are stale. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '../../flame/model-pack.ts';

/** Folders in which Vulkan finds its drivers. */
const VULKAN_DRIVERS = ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
const NVIDIA_DRIVER = '/proc/driver/nvidia/version';

/** @param pack folder of the pack that devices are tested with */
export function deviceFingerprint(pack: string): string {
  const facts = [
    process.platform,
    process.arch,
    release(),
    runtimeVersion(),
    packVersion(pack),
    textOf(NVIDIA_DRIVER),
    process.env['VK_ICD_FILENAMES'] ?? '',
    process.env['VK_DRIVER_FILES'] ?? '',
    ...VULKAN_DRIVERS.flatMap(filesOf),
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}

function runtimeVersion(): string {
  try {
    return (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;
  } catch {
    return '';
  }
}

function packVersion(pack: string): string {
  try {
    return readManifest(pack).version;
  } catch {
    return '';
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`);
}
