/** Shapes and limits of the calls that export records. */

import { z } from 'zod';
import type { ParamsOf } from '../../shared/contract.ts';
import { EXPORT_FORMAT_NAMES, SHORTEST_EXPORT_PASSPHRASE, type ExportApi } from '../../shared/export-api.ts';
import { asId, type PatientId } from '../../shared/ids.ts';

const date = z.iso.date();
const scope = {
  from: date.nullable(),
  to: date.nullable(),
  demo: z.boolean(),
  patientId: z
    .string()
    .min(1)
    .max(200)
    .transform((text) => asId<PatientId>(text))
    .nullable(),
};

export const EXPORT_PARAMETERS = {
  'exports.count': z.strictObject(scope),
  'exports.write': z.strictObject({
    ...scope,
    format: z.enum(EXPORT_FORMAT_NAMES),
    passphrase: z
      .string()
      .min(SHORTEST_EXPORT_PASSPHRASE, `is shorter than ${SHORTEST_EXPORT_PASSPHRASE} characters`)
      .max(1024)
      .nullable(),
    grant: z.string().min(1).max(200),
  }),
} as const satisfies { readonly [Name in keyof ExportApi]: z.ZodType<ParamsOf<ExportApi, Name>> };
