/**
 * `npm start`: builds Flame and opens its window, preparing whatever runtime, library or display is missing and
 * saying so. `npm run dev` (--dev) runs it from the development server instead. Further arguments go to the app.
 */
import { build, dev } from './lib/build.mjs';
import { openDisplay } from './lib/display.mjs';
import { ROOT, run, say } from './lib/process.mjs';
import { findRuntime } from './lib/runtime.mjs';
import { ensureLibraries } from './lib/system.mjs';

async function start(args) {
  const isDev = args.includes('--dev');
  const appArgs = args.filter((arg) => arg !== '--dev');
  const runtime = await findRuntime();
  await ensureLibraries(runtime.executable);
  if (!isDev) await build();
  const display = await openDisplay();
  appArgs.unshift(...display.args);
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    say(
      "running as root: Chromium's process sandbox is off (--no-sandbox). Use an ordinary user for real work",
    );
    appArgs.unshift('--no-sandbox');
  }
  const env = { ...process.env, ...display.env };
  if (runtime.sqliteBinding !== null) env.FLAME_SQLITE_BINDING = runtime.sqliteBinding;
  try {
    if (isDev) return await dev(runtime, appArgs, env);
    say(`opening the window (Electron ${runtime.version})`);
    return await run([runtime.executable, ROOT, ...appArgs], { env });
  } finally {
    display.close();
  }
}

try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
