/** Reads a package back: its fuses, and what must and must not lie in it. Changes nothing. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';

/** As electron-builder.yml sets them; true is enabled. */
const FUSES = {
  RunAsNode: false,
  EnableCookieEncryption: true,
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: false,
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false,
};

/** How the wire holds a fuse: the characters 0 and 1. */
const [OFF, ON] = [0x30, 0x31];

/** What users must find beside the app. */
const NEEDED = ['LICENSE.electron.txt', 'LICENSES.chromium.html', 'resources/LICENSE', 'resources/app.asar'];
/** Sample apps, and what packages need only to download things. */
const UNWANTED = [
  /default_app\.asar$/,
  /app\.asar\.unpacked\/.*\/(adm-zip|global-agent|electron-updater)\//,
  /\.map$/,
];

/** @returns {Promise<string[]>} what is wrong, a line each */
export async function checkPackage(folder, executable) {
  const wire = await getCurrentFuseWire(join(folder, executable));
  const fuses = Object.entries(FUSES)
    .filter(([name, enabled]) => wire[FuseV1Options[name]] !== (enabled ? ON : OFF))
    .map(([name, enabled]) => `the fuse ${name} is not ${enabled ? 'on' : 'off'}`);
  const missing = NEEDED.filter((file) => !existsSync(join(folder, file))).map(
    (file) => `${file} is missing`,
  );
  const files = readdirSync(folder, { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  const unwanted = files.filter((file) => UNWANTED.some((pattern) => pattern.test(file)));
  return [...fuses, ...missing, ...unwanted.map((file) => `${file} does not belong there`)];
}
