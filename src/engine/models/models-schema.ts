/** The parameters of the calls about models, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { asId, type ModelId } from '../../shared/ids.ts';

const modelId = z
  .string()
  .max(120)
  .regex(/^(shipped|local)\/[^/\\]+$/)
  .transform((text) => asId<ModelId>(text));

const grant = z.string().min(1).max(200);

export const MODELS_PARAMETERS = {
  'models.list': z.strictObject({}),
  'models.use': z.strictObject({ model: modelId }),
  'models.rollBack': z.strictObject({}),
  'models.details': z.strictObject({ model: modelId }),
  'models.verify': z.strictObject({ model: modelId }),
  'models.import': z.strictObject({ grant }),
  'models.export': z.strictObject({ model: modelId, grant }),
  'models.remove': z.strictObject({ model: modelId }),
} as const;
