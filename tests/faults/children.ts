/** Starts the child processes of the fault tests and reads what they say. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

export type Said = Readonly<Record<string, string | number>>;

export interface Child {
  readonly process: ChildProcess;
  /** Everything it has said so far. */
  readonly said: Said[];
  /** Resolves with the first message that `test` accepts; rejects when the child ends before. */
  until(test: (message: Said) => boolean): Promise<Said>;
  /** Resolves when it has ended and all it said was read. */
  readonly ended: Promise<void>;
}

export interface ChildOptions {
  readonly uid?: number;
  /** Largest file the child may write, in KiB. */
  readonly fileLimit?: number;
}

/** Runs `tests/faults/children/<name>.ts`. */
export function startChild(name: string, parameters: readonly string[], options: ChildOptions = {}): Child {
  const script = join(import.meta.dirname, 'children', `${name}.ts`);
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', script, ...parameters];
  const limited = ['bash', '-c', `ulimit -f ${options.fileLimit ?? 0}; exec "$@"`, 'limited', ...node];
  const [command, ...rest] = options.fileLimit === undefined ? node : limited;
  const child = spawn(command!, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const said: Said[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (!line.endsWith('}')) return; // Cut off by the kill: not acknowledged.
    said.push(JSON.parse(line) as Said);
    for (const check of waiting) check();
  });
  const ended = new Promise<void>((resolve) => {
    lines.once('close', () => {
      over = true;
      for (const check of waiting) check();
      resolve();
    });
  });
  return {
    process: child,
    said,
    ended,
    until: (test) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = said.find(test);
          if (found === undefined && !over) return;
          waiting.delete(check);
          if (found !== undefined) resolve(found);
          else reject(new Error(`${name} ended without it`));
        };
        waiting.add(check);
        check();
      }),
  };
}
