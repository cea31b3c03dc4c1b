/** `npm run test:e2e`: builds Flame and runs its end-to-end tests in real Electron. Arguments go to Playwright. */
import { build } from './lib/build.mjs';
import { openDisplay } from './lib/display.mjs';
import { run, say, tool } from './lib/process.mjs';
import { findRuntime } from './lib/runtime.mjs';
import { ensureLibraries } from './lib/system.mjs';

/** Tests that run at once; the files are shared out among them. */
const WORKERS = process.platform === 'linux' ? 2 : 1;

async function testEndToEnd(args) {
  const runtime = await findRuntime();
  await ensureLibraries(runtime.executable);
  if (args.includes('--no-build')) args.splice(args.indexOf('--no-build'), 1);
  else await build();
  const displays = [];
  for (let worker = 0; worker < WORKERS; worker += 1)
    displays.push(await openDisplay({ alwaysVirtual: true }));
  const [first] = displays;
  const env = { ...process.env, ...first.env, FLAME_ELECTRON: runtime.executable };
  env.FLAME_E2E_WORKERS = String(WORKERS);
  // A window takes the keyboard from every other on its screen: each worker has a screen of its own.
  env.FLAME_E2E_DISPLAYS = displays.map((display) => display.env.DISPLAY ?? '').join(',');
  if (runtime.sqliteBinding !== null) env.FLAME_SQLITE_BINDING = runtime.sqliteBinding;
  delete env.FLAME_PROFILE;
  say(`testing in Electron ${runtime.version} (${runtime.kind})`);
  try {
    return await run([...tool('@playwright/test', 'cli.js'), 'test', ...args], { env });
  } finally {
    for (const display of displays) display.close();
  }
}

try {
  process.exitCode = await testEndToEnd(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
