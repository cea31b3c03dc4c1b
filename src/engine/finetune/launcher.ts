/** How the engine gets a training process: from the shell, which alone starts processes. Sends no order. */

import { FlameError } from '../../shared/errors.ts';
import type { FromTrainer, ToTrainer, TrainerWanted } from '../../shared/trainer-process.ts';
import type { EmitterPort } from '../../shared/transports.ts';

export interface TrainerProcess {
  post(message: ToTrainer): void;
  onMessage(listener: (message: FromTrainer) => void): void;
  /** Fires once, when the process is gone or its line broke. */
  onClose(listener: () => void): void;
  /** Ends the process; what it had not saved is lost. */
  kill(): void;
}

export interface TrainerLauncher {
  launch(): Promise<TrainerProcess>;
}

/** Where no training process can be had: a job waits until the app runs it. */
export const NO_TRAINERS: TrainerLauncher = {
  launch: () => Promise.reject(new FlameError('ENGINE_NOT_READY')),
};

/** Asks the shell, which alone may start processes of the app. */
export class ShellLauncher implements TrainerLauncher {
  readonly #ask: (message: TrainerWanted) => void;
  readonly #waiting = new Map<number, (port: EmitterPort) => void>();
  #last = 0;

  constructor(ask: (message: TrainerWanted) => void) {
    this.#ask = ask;
  }

  /** The shell's answer. */
  take(id: number, port: EmitterPort): void {
    const resolveWaiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (resolveWaiting) resolveWaiting(port);
    else port.close();
  }

  launch(): Promise<TrainerProcess> {
    const id = (this.#last += 1);
    return new Promise((resolvePromise) => {
      this.#waiting.set(id, (port) => {
        resolvePromise({
          post: (message) => port.postMessage(message),
          onMessage: (listener) => port.on('message', ({ data }) => listener(data as FromTrainer)),
          onClose: (listener) => port.on('close', listener),
          kill: () => port.close(),
        });
        port.start();
      });
      this.#ask({ type: 'trainer-wanted', id });
    });
  }
}
