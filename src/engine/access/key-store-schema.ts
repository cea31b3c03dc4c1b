/** The parameters of the calls about the system's key store, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';

export const KEY_STORE_PARAMETERS = {
  'keyStore.get': z.strictObject({}),
  'keyStore.switchOn': z.strictObject({ passphrase: z.string().min(1).max(1024) }),
  'keyStore.switchOff': z.strictObject({}),
} as const;
