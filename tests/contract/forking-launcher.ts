/** Training processes as children of the test, in place of those that the shell starts. */

import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import type { TrainerLauncher } from '../../src/engine/finetune/launcher.ts';
import type { FromTrainer } from '../../src/shared/trainer-process.ts';

/** A child process of plain Node. `pid` is told to tests that kill it. */
export function forkingLauncher(onPid: (pid: number) => void = () => undefined): TrainerLauncher {
  return {
    launch: () => {
      const entry = resolve(import.meta.dirname, '../../src/trainer/index.ts');
      const child = fork(entry, [], {
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      if (child.pid !== undefined) onPid(child.pid);
      return Promise.resolve({
        post: (message) => {
          if (child.connected) child.send(message);
        },
        onMessage: (listener) => child.on('message', (message) => listener(message as FromTrainer)),
        onClose: (listener) => {
          child.once('exit', listener);
          child.once('error', listener);
        },
        kill: () => {
          child.kill('SIGKILL');
        },
      });
    },
  };
}
