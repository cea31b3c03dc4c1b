/** The parameters of the calls about imports and the site's table, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { CSV_FIELDS, IMPORT_FORMATS, MAPPING_KINDS } from '../../shared/import-api.ts';

const grant = z.string().min(1).max(200);
const id = z.string().min(1).max(200);
const kind = z.enum(MAPPING_KINDS);
const written = z.string().trim().min(1).max(300);

export const IMPORTS_PARAMETERS = {
  'imports.unfinished': z.strictObject({}),
  'imports.resume': z.strictObject({ id }),
  'imports.forget': z.strictObject({ id }),
  'imports.inspect': z.strictObject({ grant }),
  'visits.import': z.strictObject({
    grant,
    format: z.enum(IMPORT_FORMATS).exactOptional(),
    dryRun: z.boolean().exactOptional(),
    columns: z.partialRecord(z.enum(CSV_FIELDS), z.string().min(1).max(300)).exactOptional(),
  }),
  'mappings.list': z.strictObject({}),
  'mappings.put': z.strictObject({ kind, written, targets: z.array(z.string().min(1).max(200)).max(50) }),
  'mappings.remove': z.strictObject({ kind, written }),
  'mappings.import': z.strictObject({ grant }),
  'mappings.export': z.strictObject({ grant }),
} as const;
