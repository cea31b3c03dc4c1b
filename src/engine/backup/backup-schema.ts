/** Shapes of the calls about backups. Knows no file. */

import { z } from 'zod';
import { hour, retention } from './backup-settings.ts';

const grant = z.string().min(1).max(200);
const name = z.string().min(1).max(200);
const text = z.string().min(1, 'is empty').max(1024);
const source = z.union([z.strictObject({ name }), z.strictObject({ grant })]);
const secret = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('account'), account: z.string().min(1).max(200), secret: text }),
  z.strictObject({ kind: z.literal('recovery'), secret: text }),
  z.strictObject({ kind: z.literal('passphrase'), secret: text }),
]);

export const BACKUPS_PARAMETERS = {
  'backups.get': z.strictObject({}),
  'backups.set': z.strictObject({ hour, keep: retention }),
  'backups.setFolder': z.strictObject({ grant }),
  'backups.make': z.strictObject({}),
  'backups.verify': z.strictObject({ name }),
  'backups.openers': z.strictObject({ source }),
  'backups.preview': z.strictObject({ source, secret }),
  'backups.restore': z.strictObject({ source, secret, grant }),
  'rescue.backups': z.strictObject({}),
  'rescue.openers': z.strictObject({ source }),
  'rescue.preview': z.strictObject({ source, secret }),
  'rescue.restore': z.strictObject({ source, secret, grant }),
  'rescue.adopt': z.strictObject({}),
} as const;
