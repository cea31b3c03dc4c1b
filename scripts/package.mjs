/**
 * `npm run package`: builds the app into release/ as a folder, reads its fuses back, then starts it once from there. On upstream's Electron
 * the result is for users; on the registry's it is only a proof that packaging works, and says so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { checkPackage } from './lib/check-package.mjs';
import { openDisplay } from './lib/display.mjs';
import { ROOT, run, say, tool } from './lib/process.mjs';
import { findRuntime } from './lib/runtime.mjs';
import { ensureLibraries } from './lib/system.mjs';

async function makePackage() {
  const runtime = await findRuntime();
  await build();
  // Hard links would let the package's changes (fuses, database binary) reach back into node_modules and .cache.
  const env = { ...process.env, USE_HARD_LINKS: 'false' };
  const overrides = [];
  if (runtime.kind === 'registry') {
    say('this package is built on the registry runtime: for testing only, not to be given to anyone');
    overrides.push(`-c.electronDist=${runtime.folder}`, `-c.electronVersion=${runtime.version}`);
    env.FLAME_SQLITE_BINDING = runtime.sqliteBinding;
  }
  const builder = tool('electron-builder', 'cli.js');
  const status = await run([...builder, '--dir', '--publish', 'never', ...overrides], { env });
  if (status !== 0) throw new Error(`electron-builder failed (exit status ${status})`);
  if (process.platform !== 'linux') return;
  const wrong = await checkPackage(join(ROOT, 'release/linux-unpacked'), 'flame');
  if (wrong.length > 0) throw new Error(`the package is not as it should be: ${wrong.join('; ')}`);
  say('the fuses of the package are as electron-builder.yml sets them');
  await checkStart(runtime);
}

/** The packaged app opens its window, starts its engine and ends in order; and refuses to be driven from outside. */
async function checkStart(runtime) {
  await ensureLibraries(runtime.executable);
  const executable = join(ROOT, 'release/linux-unpacked/flame');
  const profile = mkdtempSync(join(tmpdir(), 'flame-package-'));
  const display = await openDisplay({ alwaysVirtual: true });
  const args = [...display.args, ...(process.getuid() === 0 ? ['--no-sandbox'] : [])];
  const env = { ...process.env, ...display.env, FLAME_PROFILE: profile, FLAME_QUIT_AFTER_READY: '1' };
  delete env.FLAME_SQLITE_BINDING;
  try {
    const started = await run([executable, ...args], { env, timeout: 120_000 });
    if (started !== 0) throw new Error(`the packaged app did not start (exit status ${started})`);
    const driven = await run([executable, ...args, '--remote-debugging-port=0'], {
      env,
      stdio: ['ignore', 'ignore', 'ignore'],
      timeout: 120_000,
    });
    if (driven === 0) throw new Error('the packaged app lets itself be driven by remote debugging');
    say(`the packaged app starts: ${executable}`);
  } finally {
    display.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

try {
  await makePackage();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
