/** The parameters of the calls about models, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { asId, type ModelId } from '../shared/ids.ts';

const modelId = z
  .string()
  .max(120)
  .regex(/^(shipped|local)\/[^/\\]+$/)
  .transform((text) => asId<ModelId>(text));

export const MODELS_PARAMETERS = {
  'models.list': z.strictObject({}),
  'models.use': z.strictObject({ model: modelId }),
  'models.rollBack': z.strictObject({}),
} as const;
