/** Shapes of the calls about accounts and sessions. Judges no passphrase. */

import { z } from 'zod';
import { LOCK_CHOICES } from '../../shared/accounts-api.ts';
import { asId, type DecisionId } from '../../shared/ids.ts';
import { LONGEST_PASSPHRASE } from '../../shared/passphrase.ts';
import { ROLES } from '../../shared/roles.ts';

const identifier = z.string().min(1).max(200);
/** A name stands in the audit log beside roles and id in angle brackets. */
const plainLine = z
  .string()
  .trim()
  .max(100)
  .regex(/^[^<>\p{Cc}]*$/u, 'holds < or > or a control character');
const secret = z
  .string()
  .min(1, 'is empty')
  .max(LONGEST_PASSPHRASE * 4);
const form = {
  name: plainLine.min(1, 'is empty'),
  title: plainLine,
  roles: z
    .array(z.enum(ROLES))
    .min(1, 'is empty: an account needs a role')
    .max(ROLES.length)
    .transform((roles) => ROLES.filter((role) => roles.includes(role))),
};

export const ACCOUNTS_PARAMETERS = {
  'accounts.setUp': z.strictObject({ ...form, passphrase: secret, present: secret.optional() }),
  'accounts.list': z.strictObject({}),
  'accounts.add': z.strictObject({ ...form, passphrase: secret }),
  'accounts.change': z.strictObject({ ...form, id: identifier }),
  'accounts.resetPassphrase': z.strictObject({ id: identifier, passphrase: secret }),
  'accounts.remove': z.strictObject({ id: identifier }),
  'accounts.unlock': z.strictObject({ id: identifier }),
  'accounts.newCode': z.strictObject({ kind: z.enum(['recovery', 'emergency']) }),
  'accounts.lockAfter': z.strictObject({ minutes: z.literal(LOCK_CHOICES) }),
  'accounts.rekey': z.strictObject({}),
  'accounts.changePassphrase': z.strictObject({ present: secret, passphrase: secret }),
  'session.signIn': z.strictObject({ account: identifier, passphrase: secret }),
  'session.lock': z.strictObject({}),
  'session.confirm': z.strictObject({
    passphrase: secret,
    decisionId: identifier.transform((text) => asId<DecisionId>(text)),
  }),
  'session.recover': z.strictObject({ code: secret, account: identifier, passphrase: secret }),
  'session.emergency': z.strictObject({
    code: secret,
    name: plainLine.min(1, 'is empty'),
    reason: z.string().trim().min(1, 'is empty').max(2000),
  }),
  'session.idle': z.strictObject({ seconds: z.number().min(0) }),
  'session.away': z.strictObject({}),
} as const;
