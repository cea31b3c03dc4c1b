/** The engine of a profile for commands that change it: the same handlers as the app's, in this process. Holds no command. */

import { join, resolve } from 'node:path';
import { createHandlers } from '../engine/handlers.ts';
import { STORE_FILE } from '../engine/profile.ts';
import type { CallContext } from '../engine/serve.ts';
import { storeExists } from '../engine/store/open.ts';
import type { EngineApi, MethodName, ParamsOf, ProgressOf, ResultOf } from '../shared/contract.ts';
import { fromWireError, isErrorCode } from '../shared/errors.ts';
import { defaultProfile, PATHS } from './setup.ts';

export interface ProfileEngine {
  call<Name extends MethodName>(
    method: Name,
    params: ParamsOf<EngineApi, Name>,
    options?: { onProgress?: (value: ProgressOf<EngineApi, Name>) => void; signal?: AbortSignal },
  ): Promise<ResultOf<EngineApi, Name>>;
  /** Lets a call use a file, as the app's dialogs do. @returns the grant */
  grant(path: string, purpose: 'read' | 'write'): Promise<string>;
}

export const PROFILE_OPTION = [
  '--profile <folder>',
  'profile folder (default: FLAME_PROFILE, or the app’s own)',
] as const;

export function profileFolder(named: string | undefined): string {
  return named === undefined ? defaultProfile() : resolve(named);
}

export function hasProfile(folder: string): boolean {
  return storeExists(join(folder, STORE_FILE));
}

/**
 * Opens the profile, protected or not, lets `work` use it and closes it in order.
 * @throws FlameError of the STORE family, e.g. STORE_IN_USE while the app is open
 */
export async function withProfileEngine<T>(
  folder: string,
  work: (engine: ProfileEngine) => Promise<T>,
): Promise<T> {
  const handlers = await createHandlers({
    profile: folder,
    resources: PATHS.resources,
    models: PATHS.models,
    sqliteBinding: process.env['FLAME_SQLITE_BINDING'] ?? null,
    appVersion: 'command line',
  });
  let grants = 0;
  const never = new AbortController().signal;
  const engine: ProfileEngine = {
    call: async (method, params, options = {}) => {
      const handler = handlers.engine[method] as (
        params: unknown,
        context: CallContext<unknown>,
      ) => Promise<unknown>;
      const progress = (options.onProgress ?? (() => undefined)) as (value: unknown) => void;
      return (await handler(params, { signal: options.signal ?? never, progress })) as never;
    },
    grant: async (path, purpose) => {
      const grant = `file-${(grants += 1)}`;
      await handlers.shell['files.grant'](
        { grant, path: resolve(path), purpose },
        { signal: never, progress: () => undefined },
      );
      return grant;
    },
  };
  try {
    let status = await engine.call('app.status', {});
    const passphrase = process.env['FLAME_PASSPHRASE'];
    if (status.store === 'locked' && passphrase) status = await engine.call('store.unlock', { passphrase });
    const failed = status.failures.find(({ part }) => part === 'store');
    if (failed && isErrorCode(failed.error.code))
      throw fromWireError({ ...failed.error, code: failed.error.code });
    return await work(engine);
  } finally {
    await handlers.shell['engine.shutdown']({}, { signal: never, progress: () => undefined });
  }
}
