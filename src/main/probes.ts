/**
 * Starts the short-lived process that tries a graphics driver for the engine, and tells how it ended. Engine and probe find
 * CUDA where a site usually installs it. Knows nothing of providers.
 */

import { utilityProcess } from 'electron';
import { existsSync } from 'node:fs';
import { PROBE_VARIABLE, type ProbeAnswer, type ProbeEnd } from '../shared/probe-process.ts';

/** Searched after what the system's own settings say; the documentation lists them. */
const CUDA_FOLDERS = ['/usr/local/cuda/lib64', '/usr/lib/wsl/lib'];

/** The environment of processes that run models. */
export function modelEnvironment(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return { ...process.env };
  const folders = CUDA_FOLDERS.filter((folder) => existsSync(folder));
  if (folders.length === 0) return { ...process.env };
  const before = process.env['LD_LIBRARY_PATH'];
  return { ...process.env, LD_LIBRARY_PATH: [...(before ? [before] : []), ...folders].join(':') };
}

/** Never rejects: a process that does not start has ended, too. */
export function runProbe(entry: string, order: string, limitMs: number): Promise<ProbeEnd> {
  return new Promise((resolve) => {
    const child = utilityProcess.fork(entry, [], {
      serviceName: 'device test',
      env: { ...modelEnvironment(), [PROBE_VARIABLE]: order },
      stdio: 'ignore',
    });
    let answer: ProbeAnswer | null = null;
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      if (child.pid === undefined) child.kill();
      else process.kill(child.pid, 'SIGKILL');
    }, limitMs);
    child.on('message', (message: unknown) => (answer = message as ProbeAnswer));
    child.once('exit', (code) => {
      clearTimeout(limit);
      const ended = answer === null ? `exit status ${code}` : '';
      resolve({ answer, timedOut: timedOut && answer === null, ended });
    });
  });
}
