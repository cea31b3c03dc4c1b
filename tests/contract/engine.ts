/** Starts the engine's handlers on a fresh profile, behind a real port pair: what a caller gets, the tests get. */

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { createHandlers, type EngineServices } from '../../src/engine/handlers.ts';
import { serve } from '../../src/engine/serve.ts';
import { ENGINE_METHODS, SHELL_METHODS, type EngineApi, type ShellApi } from '../../src/shared/contract.ts';
import type { EngineOptions } from '../../src/shared/engine-process.ts';
import type { VisitId } from '../../src/shared/ids.ts';
import { createClient, type Client } from '../../src/shared/rpc.ts';
import { eventTargetTransport } from '../../src/shared/transports.ts';
import { forkingLauncher } from './forking-launcher.ts';

const root = resolve(import.meta.dirname, '../..');

/** Cheap to start: quick keys, and without the model, for tests that need none. */
export const CHEAP = { scryptCost: 2 ** 10, models: join(import.meta.dirname, 'no-models') };

/** The code that a call fails with; `done` when it does not. */
export const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown as { code: string }).code,
  );

export interface TestEngine {
  readonly engine: Client<EngineApi>;
  readonly shell: Client<ShellApi>;
  /** Shuts down as the shell does; the profile stays. */
  stop(): Promise<void>;
}

export class TestFolders {
  readonly base = mkdtempSync(join(tmpdir(), 'flame-contract-'));
  readonly profile = join(this.base, 'profile');

  /** A private copy of `resources` or `models`, for damaging. */
  copyOf(folder: 'resources' | 'models'): string {
    const target = join(this.base, folder);
    cpSync(join(root, folder), target, { recursive: true });
    return target;
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

export async function startEngine(
  folders: TestFolders,
  options: Partial<EngineOptions> = {},
  onTrainer: (pid: number) => void = () => undefined,
  services: EngineServices = {},
): Promise<TestEngine> {
  const engineOptions: EngineOptions = {
    profile: folders.profile,
    resources: join(root, 'resources'),
    models: join(root, 'models'),
    sqliteBinding: null,
    appVersion: 'test',
    ...options,
  };
  const handlers = await createHandlers(engineOptions, {
    trainers: forkingLauncher(onTrainer),
    ...services,
  });
  const renderer = new MessageChannel();
  const main = new MessageChannel();
  serve<EngineApi>(eventTargetTransport(renderer.port1), ENGINE_METHODS, handlers.engine);
  serve<ShellApi>(eventTargetTransport(main.port1), SHELL_METHODS, handlers.shell);
  const engine = createClient<EngineApi>(eventTargetTransport(renderer.port2));
  const shell = createClient<ShellApi>(eventTargetTransport(main.port2));
  return {
    engine,
    shell,
    stop: async () => {
      await shell.call('engine.shutdown', {});
      for (const channel of [renderer, main]) {
        channel.port1.close();
        channel.port2.close();
      }
    },
  };
}

/** Imports visit records as a user would. @returns the last visit of each patient, by the patient's name */
export async function importRecords(
  { engine, shell }: TestEngine,
  { base }: TestFolders,
  records: readonly object[],
): Promise<Map<string, VisitId>> {
  const path = join(base, 'visits.jsonl');
  writeFileSync(path, records.map((record) => JSON.stringify(record)).join('\n'));
  await shell.call('files.grant', { grant: 'records', path });
  await engine.call('visits.import', { grant: 'records' });
  const { patients } = await engine.call('patients.list', { query: '', limit: 100, offset: 0 });
  return new Map(patients.map(({ patient, lastVisitId }) => [patient.name, lastVisitId!]));
}
