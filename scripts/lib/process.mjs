/** Runs child processes for the developer scripts: output passed through or captured, failures as errors. */
import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Says something to the person at the console; stdout stays free for results. */
export function say(text) {
  process.stderr.write(`flame: ${text}\n`);
}

/** A tool that npm installed, as [command, first argument], run by this Node. */
export function tool(name, script) {
  return [process.execPath, resolve(ROOT, 'node_modules', name, script)];
}

/** Runs to the end with inherited output and returns the exit status; passes SIGINT and SIGTERM on. */
export function run(
  [command, ...args],
  { env = process.env, cwd = ROOT, stdio = 'inherit', timeout = undefined } = {},
) {
  return new Promise((resolveRun, reject) => {
    const child = spawn(command, args, { env, cwd, stdio, timeout });
    const pass = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, pass);
      resolveRun(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs and returns stdout; null when the command is missing or fails. */
export function capture([command, ...args], options = {}) {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: ROOT,
      ...options,
    });
  } catch {
    return null;
  }
}

export function hasCommand(name) {
  return capture(['sh', '-c', `command -v ${name}`]) !== null;
}
