/**
 * A profile folder: the encrypted database and the key that belongs to it. Opens it, and creates both where there is
 * nothing yet. Refuses to make a new key for a database that lost its own, or a new database for a protected key.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FlameError } from '../shared/errors.ts';
import { moveHead } from './audit/audit-head.ts';
import { hasKeptKey, readKeptKey, type KeyStore } from './access/key-store.ts';
import { isUnsettled, readRing, settled, storeKeysOf, writeRing } from './access/key-ring.ts';
import type { StoreKey } from './access/key-seal.ts';
import {
  createKey,
  keyState,
  readKey,
  removeEarlierKeys,
  setPassphrase,
  type KeyState,
} from './access/key.ts';
import { prove, type Credential, type Proved } from './access/sign-in.ts';
import { SignInPauses } from './access/sign-in-pauses.ts';
import type { WritableDb } from './store/handle.ts';
import { createStore, openStore, saltOf, storeExists } from './store/open.ts';

export interface Profile {
  readonly folder: string;
  readonly db: WritableDb;
  readonly key: StoreKey;
  /** Whose secret opened it; null in a profile without accounts. */
  readonly proved: Proved | null;
  /** True when the system's key store opened it, without anybody's passphrase. */
  readonly byKeyStore?: boolean;
}

export interface ProfileOptions {
  readonly folder: string;
  /** Of a profile without accounts. */
  readonly passphrase?: string | null | undefined;
  /** Of a profile with accounts. */
  readonly credential?: Credential | null | undefined;
  /** Where wrong secrets are counted; by default the folder's own file, the wait beginning now. */
  readonly pauses?: SignInPauses | undefined;
  /** May open a profile without accounts whose passphrase is not given, where that was switched on. */
  readonly keyStore?: KeyStore | undefined;
  readonly nativeBinding?: string | undefined;
}

/** Name of the database file in a profile folder. */
export const STORE_FILE = 'flame.db';

/**
 * Opens the profile in `folder`; on the first start it is created there, kept by a device key file.
 * @throws FlameError of the STORE family, see openStore and readKey; with accounts also what `prove` throws
 */
export async function openProfile(options: ProfileOptions): Promise<Profile> {
  const { folder, passphrase = null, keyStore, nativeBinding } = options;
  const file = join(folder, STORE_FILE);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
  }
  const exists = storeExists(file);
  const state = keyState(folder);
  if (state === 'accounts') return await openWithAccount(options, file, exists);
  if (exists && state === 'passphrase' && passphrase === null && keyStore && hasKeptKey(folder))
    return await openByKeyStore(folder, file, keyStore, nativeBinding);
  const key = !exists && state === 'missing' ? createKey(folder) : await readKey(folder, passphrase);
  // Only a database that was open could be protected, so this one was lost.
  if (!exists && state === 'passphrase') throw new FlameError('STORE_CORRUPT', { file, reason: 'missing' });
  // A device key alone is a first start that was interrupted.
  if (!exists) createStore({ file, key, nativeBinding });
  return { folder, db: openStore({ file, key, nativeBinding }), key, proved: null };
}

/** @throws FlameError STORE_LOCKED with the reason, as if there were no key store, and what openStore throws */
async function openByKeyStore(
  folder: string,
  file: string,
  keyStore: KeyStore,
  nativeBinding: string | undefined,
): Promise<Profile> {
  const { key, refusal } = await readKeptKey(folder, keyStore);
  if (key === null) throw new FlameError('STORE_LOCKED', { keyStore: refusal });
  // Kept for another database: its passphrase opens this one.
  if (!saltOf(file).equals(key.salt)) throw new FlameError('STORE_LOCKED', { keyStore: 'other' });
  return { folder, db: openStore({ file, key, nativeBinding }), key, proved: null, byKeyStore: true };
}

async function openWithAccount(
  { folder, credential = null, pauses = new SignInPauses(folder), nativeBinding }: ProfileOptions,
  file: string,
  exists: boolean,
): Promise<Profile> {
  if (!exists) throw new FlameError('STORE_CORRUPT', { file, reason: 'missing' });
  const ring = readRing(folder);
  if (credential === null) throw new FlameError('STORE_LOCKED');
  const proved = await prove(ring, credential, pauses);
  const { present, next } = storeKeysOf(proved.entry, proved.pair);
  const isNext = next !== null && saltOf(file).equals(next.salt);
  const key = isNext ? next : present;
  const db = openStore({ file, key, nativeBinding });
  const profile = { folder, db, key, proved };
  try {
    if (isNext) moveHead(profile, present);
    if (isUnsettled(ring)) writeRing(folder, settled(ring, isNext));
    removeEarlierKeys(folder, key);
  } catch (thrown) {
    db.close();
    throw thrown;
  }
  return profile;
}

/** How the folder's key is kept, without opening anything. */
export function profileProtection(folder: string): KeyState {
  return keyState(folder);
}

/**
 * Protects an open profile without accounts with a passphrase, changes it, or takes it away with null.
 * @throws FlameError INVALID_INPUT where there are accounts
 */
export async function protectProfile(
  profile: Profile,
  passphrase: string | null,
  cost?: number,
): Promise<void> {
  if (keyState(profile.folder) === 'accounts')
    throw new FlameError('INVALID_INPUT', { problem: 'with accounts each has a passphrase of its own' });
  await setPassphrase(profile.folder, profile.key, passphrase, cost);
}
