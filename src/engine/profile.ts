/**
 * A profile folder: the encrypted database and the key that belongs to it. Opens it, and creates both where there is
 * nothing yet. Refuses to make a new key for a database that lost its own, or a new database for a protected key.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FlameError } from '../shared/errors.ts';
import { createKey, keyState, readKey, setPassphrase, type KeyState, type StoreKey } from './key.ts';
import type { WritableDb } from './store/handle.ts';
import { createStore, openStore, storeExists } from './store/open.ts';

export interface Profile {
  readonly folder: string;
  readonly db: WritableDb;
  readonly key: StoreKey;
}

export interface ProfileOptions {
  readonly folder: string;
  readonly passphrase?: string | null | undefined;
  readonly nativeBinding?: string | undefined;
}

/** Name of the database file in a profile folder. */
export const STORE_FILE = 'flame.db';

/**
 * Opens the profile in `folder`; on the first start it is created there, kept by a device key file.
 * @throws FlameError of the STORE family, see openStore and readKey
 */
export async function openProfile({
  folder,
  passphrase = null,
  nativeBinding,
}: ProfileOptions): Promise<Profile> {
  const file = join(folder, STORE_FILE);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
  }
  const exists = storeExists(file);
  const state = keyState(folder);
  const key = !exists && state === 'missing' ? createKey(folder) : await readKey(folder, passphrase);
  // Only a database that was open could be protected, so this one was lost.
  if (!exists && state === 'passphrase') throw new FlameError('STORE_CORRUPT', { file, reason: 'missing' });
  // A device key alone is a first start that was interrupted.
  if (!exists) createStore({ file, key, nativeBinding });
  return { folder, db: openStore({ file, key, nativeBinding }), key };
}

/** How the folder's key is kept, without opening anything. */
export function profileProtection(folder: string): KeyState {
  return keyState(folder);
}

/** Protects an open profile with a passphrase, changes it, or takes it away with null. */
export async function protectProfile(profile: Profile, passphrase: string | null): Promise<void> {
  await setPassphrase(profile.folder, profile.key, passphrase);
}
