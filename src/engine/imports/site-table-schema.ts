/** Shapes of the calls about a site's own interaction table. */

import { z } from 'zod';
import type { ParamsOf } from '../../shared/contract.ts';
import type { SiteTableApi } from '../../shared/site-table-api.ts';

const grant = z.string().min(1).max(200);

export const SITE_TABLE_PARAMETERS = {
  'siteTable.get': z.strictObject({}),
  'siteTable.preview': z.strictObject({ grant }),
  'siteTable.import': z.strictObject({ grant, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  'siteTable.remove': z.strictObject({}),
} as const satisfies { readonly [Name in keyof SiteTableApi]: z.ZodType<ParamsOf<SiteTableApi, Name>> };
