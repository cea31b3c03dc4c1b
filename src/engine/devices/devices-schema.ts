/** The parameters of the calls about devices, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { PROVIDERS } from '../../shared/devices-api.ts';

export const DEVICES_PARAMETERS = {
  'devices.list': z.strictObject({}),
  'devices.test': z.strictObject({}),
  'devices.choose': z.strictObject({ choice: z.enum(['automatic', ...PROVIDERS]) }),
} as const;
