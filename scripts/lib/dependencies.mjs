/** Reads from package-lock.json what Flame is made of, and judges licences. Asks no registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import satisfies from 'spdx-satisfies';
import { ROOT } from './process.mjs';

/** Development dependencies whose code is bundled into the window, or that are shipped as they are. */
export const BUNDLED = ['svelte', 'd3', 'bits-ui', 'i18next', 'electron'];

/** Licences of what users get: no duty beyond keeping the notice. */
const FOR_USERS = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
];
/** Licences of tools, which only this repository's developers run. */
const FOR_TOOLS = [...FOR_USERS, 'MPL-2.0', 'Python-2.0', 'CC-BY-3.0', 'CC-BY-4.0', 'WTFPL'];

/** Packages that state their licence elsewhere than in package.json, by name and version. */
const STATED_ELSEWHERE = { 'svelte-toolbelt@0.10.7': 'MIT' }; // its file LICENSE

/**
 * @typedef {{ name: string, version: string, licence: string | null, shipped: boolean }} Dependency
 */

/** Every package of the lock, with whether its code reaches users. @returns {Dependency[]} */
export function dependencies(lock = readLock()) {
  const { '': root, ...packages } = lock.packages;
  const shipped = closure(packages, [...Object.keys(root.dependencies ?? {}), ...BUNDLED]);
  return Object.entries(packages).map(([path, entry]) => {
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = entry.license ?? STATED_ELSEWHERE[`${name}@${entry.version}`] ?? null;
    return { name, version: entry.version, licence, shipped: shipped.has(path) };
  });
}

/** Those whose licence is not allowed for their use. @param {Dependency[]} all */
export function refusedLicences(all) {
  return all.filter(({ licence, shipped }) => licence === null || !isAllowed(licence, shipped));
}

function isAllowed(licence, shipped) {
  try {
    return satisfies(licence, shipped ? FOR_USERS : FOR_TOOLS);
  } catch {
    return false; // no SPDX expression
  }
}

/** Paths of the packages that these names need, found as Node finds them. */
function closure(packages, names) {
  const found = new Set();
  const visit = (name, from) => {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
      const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
      const entry = packages[path];
      if (entry !== undefined) {
        if (found.has(path)) return;
        found.add(path);
        const needed = { ...entry.dependencies, ...entry.optionalDependencies };
        for (const next of Object.keys(needed)) visit(next, path);
        return;
      }
      if (folder === '') return; // optional and not installed, or of another platform
    }
  };
  for (const name of names) visit(name, '');
  return found;
}

function readLock() {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
}
