/**
 * Sees to the system libraries and commands that Electron and its tests need on Linux: installs them where it may
 * (root on a Debian-like system), otherwise names the exact command. Changes nothing on other systems.
 */
import { capture, hasCommand, run, say } from './process.mjs';

/** Packages that bring every library Electron links to, the fonts a window needs, and the virtual display. */
const LIBRARY_PACKAGES = ['libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'fonts-dejavu-core'];

/** Makes sure that every library the executable links to can be found. */
export async function ensureLibraries(executable) {
  if (process.platform !== 'linux') return;
  const missing = () =>
    [...(capture(['ldd', executable]) ?? '').matchAll(/^\s*(\S+) => not found$/gm)].map(([, name]) => name);
  const names = missing();
  if (names.length === 0) return;
  await install(LIBRARY_PACKAGES, `Electron lacks the libraries ${names.join(', ')}`);
  const left = missing();
  if (left.length > 0) throw new Error(`these libraries are still missing: ${left.join(', ')}`);
}

/** Makes sure that the commands exist; takes command → Debian package. */
export async function ensureCommands(packages) {
  if (process.platform !== 'linux') return;
  const missing = Object.keys(packages).filter((command) => !hasCommand(command));
  if (missing.length === 0) return;
  await install(
    missing.map((command) => packages[command]),
    `this needs the commands ${missing.join(', ')}`,
  );
}

async function install(packages, reason) {
  const available = packages.map(availableName);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !hasCommand('apt-get')) {
    const command = `sudo apt-get install --no-install-recommends ${available.join(' ')}`;
    throw new Error(`${reason}.\nOn Debian or Ubuntu install them with:\n  ${command}`);
  }
  say(`${reason}: installing ${available.join(' ')} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const aptInstall = (names) =>
    run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  if ((await aptInstall(available)) === 0) return;
  say('refreshing the package lists');
  await run(['apt-get', 'update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if ((await aptInstall(packages.map(availableName))) !== 0)
    throw new Error(`apt-get could not install ${packages.join(' ')}`);
}

/** Newer Debian and Ubuntu releases renamed some libraries with the suffix t64. */
function availableName(name) {
  const renamed = `${name}t64`;
  const policy = capture(['apt-cache', 'policy', renamed]);
  return policy !== null && /Candidate: (?!\(none\))/.test(policy) ? renamed : name;
}
