/** Gives a process a screen: the one that is there, or a virtual one (Xvfb) for as long as it runs. Linux only. */
import { spawn } from 'node:child_process';
import { say } from './process.mjs';
import { ensureCommands } from './system.mjs';

/**
 * Returns environment variables and arguments for an app that opens windows, and how to stop what was started.
 * @param {{ alwaysVirtual?: boolean }} options tests want a virtual screen even where a real one exists
 */
export async function openDisplay({ alwaysVirtual = false } = {}) {
  const hasScreen = Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
  if (process.platform !== 'linux' || (hasScreen && !alwaysVirtual)) {
    return { env: {}, args: [], close: () => undefined };
  }
  await ensureCommands({ Xvfb: 'xvfb' });
  if (!hasScreen) say('no display here: using a virtual one (Xvfb)');
  const args = ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp', '-noreset'];
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const close = () => server.kill();
  process.once('exit', close);
  const number = await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb stopped with exit status ${code}`)));
    let text = '';
    server.stdio[3].on('data', (chunk) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(text.trim());
    });
  });
  return {
    env: { DISPLAY: `:${number}`, DBUS_SESSION_BUS_ADDRESS: 'disabled:' },
    // No graphics card and no message bus behind a virtual screen: spare the console Chromium's complaints.
    args: ['--disable-gpu', '--log-level=3'],
    close,
  };
}
