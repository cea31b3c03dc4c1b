/** Starts training processes for the engine and ends them with it. Knows nothing of what is trained. */

import { MessageChannelMain, utilityProcess, type UtilityProcess } from 'electron';
import type { TrainerPort, TrainerWanted } from '../shared/trainer-process.ts';

export class TrainerHost {
  readonly #entry: string;
  readonly #running = new Set<UtilityProcess>();

  constructor(entry: string) {
    this.#entry = entry;
  }

  /** Gives the engine one end of a line to a fresh training process; the line closes when the process is gone. */
  start({ id }: TrainerWanted, engine: UtilityProcess): void {
    const child = utilityProcess.fork(this.#entry, [], { serviceName: 'trainer', stdio: 'pipe' });
    child.stderr?.pipe(process.stderr, { end: false });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    const { port1, port2 } = new MessageChannelMain();
    child.postMessage({ type: 'line' }, [port1]);
    engine.postMessage({ type: 'trainer', id } satisfies TrainerPort, [port2]);
  }

  /** The engine is gone: nobody would take a result. */
  stop(): void {
    for (const child of this.#running) child.kill();
  }
}
