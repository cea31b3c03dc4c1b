/** Reads what the shell told the engine at its start. Refuses anything incomplete. */

import { z } from 'zod';
import { OPTIONS_VARIABLE, type EngineOptions } from '../shared/engine-process.ts';

const engineOptions = z.object({
  profile: z.string().min(1),
  resources: z.string().min(1),
  models: z.string().min(1),
  sqliteBinding: z.string().min(1).nullable(),
  appVersion: z.string().min(1),
  copyWorker: z.string().min(1).exactOptional(),
}) satisfies z.ZodType<EngineOptions>;

export function readEngineOptions(env: Readonly<Record<string, string | undefined>>): EngineOptions {
  return engineOptions.parse(JSON.parse(env[OPTIONS_VARIABLE] ?? 'null'));
}
