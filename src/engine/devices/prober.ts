/** Starts a probe process and waits for its end: through the shell under Electron, as a child elsewhere. Judges nothing. */

// eslint-disable-next-line flame/no-network -- starts Flame's own probe and nothing else; under Electron the shell does
import { fork } from 'node:child_process';
import { join } from 'node:path';
import {
  PROBE_VARIABLE,
  type ProbeAnswer,
  type ProbeEnd,
  type ProbeWanted,
} from '../../shared/probe-process.ts';
import type { ParityOrder } from './parity.ts';

export interface Prober {
  /** Settles when the process is gone. Never rejects. */
  probe(order: ParityOrder, limitMs: number): Promise<ProbeEnd>;
}

/** A child of plain Node. @param onPid hears of each process, for tests that kill it */
export function forkingProber(
  environment: Readonly<Record<string, string>> = {},
  onPid: (pid: number) => void = () => undefined,
): Prober {
  return {
    probe: (order, limitMs) =>
      new Promise((resolve) => {
        const child = fork(join(import.meta.dirname, 'probe.ts'), [], {
          env: { ...process.env, ...environment, [PROBE_VARIABLE]: JSON.stringify(order) },
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        });
        if (child.pid !== undefined) onPid(child.pid);
        let answer: ProbeAnswer | null = null;
        let timedOut = false;
        const limit = setTimeout(() => {
          timedOut = true;
          child.kill('SIGKILL');
        }, limitMs);
        const settle = (ended: string): void => {
          clearTimeout(limit);
          resolve({ answer, timedOut: timedOut && answer === null, ended: answer === null ? ended : '' });
        };
        child.on('message', (message) => (answer = message as ProbeAnswer));
        child.once('error', (error) => settle(error.message));
        child.once('exit', (code, signal) => settle(signal ?? `exit status ${code}`));
      }),
  };
}

/** Asks the shell, which alone may start processes of the app. */
export class ShellProber implements Prober {
  readonly #ask: (message: ProbeWanted) => void;
  readonly #waiting = new Map<number, (end: ProbeEnd) => void>();
  #last = 0;

  constructor(ask: (message: ProbeWanted) => void) {
    this.#ask = ask;
  }

  probe(order: ParityOrder, limitMs: number): Promise<ProbeEnd> {
    const id = (this.#last += 1);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#ask({ type: 'probe-wanted', id, order: JSON.stringify(order), limitMs });
    });
  }

  /** The shell's answer. */
  take(id: number, end: ProbeEnd): void {
    this.#waiting.get(id)?.(end);
    this.#waiting.delete(id);
  }
}
