/** Looks where a site would have installed what CUDA needs. Loads nothing and downloads nothing, ever. */

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import type { CudaLibrary } from '../../shared/devices-api.ts';

const PER_PLATFORM: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['libonnxruntime_providers_cuda.so', 'libcudart.so', 'libcublas.so', 'libcudnn.so'],
  win32: ['onnxruntime_providers_cuda.dll', 'cudart64', 'cublas64', 'cudnn64'],
};

/** Folders in the order that they are searched; docs/references/devices.md lists them. */
function searchedFolders(): readonly string[] {
  const { env } = process;
  const listed = (variable: string): string[] =>
    (env[variable] ?? '').split(delimiter).filter((one) => one !== '');
  const roots = [env['CUDA_PATH'], env['CUDA_HOME']].filter((one): one is string => !!one);
  if (process.platform === 'win32') return [...roots.map((root) => join(root, 'bin')), ...listed('PATH')];
  return [
    ...listed('LD_LIBRARY_PATH'),
    ...roots.map((root) => join(root, 'lib64')),
    '/usr/local/cuda/lib64',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/wsl/lib',
    '/usr/lib64',
  ];
}

/** Where ONNX Runtime's own library lies: it looks for its providers nowhere else. */
function runtimeFolder(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
    const folder = join(dirname(dirname(entry)), 'bin', 'napi-v6', process.platform, process.arch);
    return folder.replace('app.asar', 'app.asar.unpacked');
  } catch {
    return null;
  }
}

/** Each library that CUDA needs with the folder that holds it. Empty on systems without CUDA. */
export function cudaLibraries(): CudaLibrary[] {
  const runtime = runtimeFolder();
  return (PER_PLATFORM[process.platform] ?? []).map((name) => {
    const folders = name.includes('onnxruntime') ? (runtime === null ? [] : [runtime]) : searchedFolders();
    return { name, folder: folders.find((folder) => holds(folder, name)) ?? null };
  });
}

function holds(folder: string, name: string): boolean {
  if (existsSync(join(folder, name))) return true;
  try {
    return readdirSync(folder).some((file) => file.startsWith(name));
  } catch {
    return false;
  }
}
