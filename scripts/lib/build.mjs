/** Builds main, preload, engine and renderer into out/ with electron-vite. */
import { run, tool } from './process.mjs';

const electronVite = tool('electron-vite', 'bin/electron-vite.js');

export async function build() {
  const status = await run([...electronVite, 'build', '--logLevel', 'warn']);
  if (status !== 0) throw new Error(`the build failed (electron-vite exit status ${status})`);
}

/** Runs the app from electron-vite's development server, which needs to know the runtime. */
export function dev(runtime, args, env) {
  return run([...electronVite, 'dev', '--', ...args], {
    env: { ...env, ELECTRON_EXEC_PATH: runtime.executable },
  });
}
