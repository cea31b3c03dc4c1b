/** Runs the real `flame` command as a process of its own, as a script would. */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function flame(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): Promise<Ran> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [resolve(root, 'src/cli/main.ts'), ...args],
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      },
    );
    child.stdin?.end(input);
  });
}

/** Runs with --json and reads the one document, whose type the caller names. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names what it expects
export async function flameJson<Document>(
  args: readonly string[],
  options: Parameters<typeof flame>[1] = {},
): Promise<Ran & { readonly document: Document }> {
  const ran = await flame([...args, '--json'], options);
  return { ...ran, document: JSON.parse(ran.stdout) as Document };
}

export interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly details: Readonly<Record<string, string | number>>;
    readonly title: string;
    readonly action: string;
  };
}
