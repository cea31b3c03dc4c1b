/** Proves a passphrase or a code against the ring of keys, with pauses after wrong ones. Opens no database. */

import { randomBytes } from 'node:crypto';
import { FlameError } from '../../shared/errors.ts';
import { accountEntry, openEntry, type Entry, type EntryKind, type KeyRing } from './key-ring.ts';
import { SCRYPT_COST, stretch, type KeyPair } from './key-seal.ts';
import type { SignInPauses } from './sign-in-pauses.ts';

export interface Credential {
  /** An account by id or name; without one it is a code of this kind. */
  readonly who: { readonly account: string } | { readonly code: Exclude<EntryKind, 'account'> };
  readonly secret: string;
}

export interface Proved {
  readonly entry: Entry;
  readonly pair: KeyPair;
}

/**
 * @throws FlameError SIGN_IN_FAILED for an unknown account and a wrong secret alike, SIGN_IN_PAUSED and ACCOUNT_LOCKED
 * after too many of them
 */
export async function prove(
  ring: KeyRing,
  { who, secret }: Credential,
  pauses: SignInPauses,
): Promise<Proved> {
  const entry =
    'account' in who
      ? accountEntry(ring, who.account)
      : (ring.entries.find(({ kind }) => kind === who.code) ?? null);
  if (entry === null) {
    // As slow as a wrong passphrase, so that names cannot be tried out by the time it takes.
    await stretch(secret, randomBytes(16), ring.entries[0]?.lock.N ?? SCRYPT_COST);
    throw new FlameError('SIGN_IN_FAILED');
  }
  pauses.begin(entry.id);
  const pair = await openEntry(entry, secret);
  if (pair === null) throw new FlameError('SIGN_IN_FAILED');
  pauses.forget(entry.id);
  return { entry, pair };
}
