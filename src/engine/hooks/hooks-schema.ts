/** Shapes of the calls about the on-site service. */

import { z } from 'zod';
import type { ParamsOf } from '../../shared/contract.ts';
import type { HooksApi } from '../../shared/hooks-api.ts';

export const HOOKS_PARAMETERS = {
  'hooks.get': z.strictObject({}),
  'hooks.feedback': z.strictObject({ from: z.iso.date().nullable(), to: z.iso.date().nullable() }),
  'hooks.set': z.strictObject({ enabled: z.boolean(), port: z.int().min(1024).max(65_535) }),
  'hooks.token': z.strictObject({}),
} as const satisfies { readonly [Name in keyof HooksApi]: z.ZodType<ParamsOf<HooksApi, Name>> };
