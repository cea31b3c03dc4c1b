/** Asks for the passphrase once more while the database is open, and writes a wrong one down. Knows no accounts. */

import { FlameError } from '../../shared/errors.ts';
import { keyState, readKey } from './key.ts';
import type { StoreKey } from './key-seal.ts';
import { appendAudit } from '../store/audit.ts';
import type { WritableDb } from '../store/handle.ts';

/**
 * The key of the open profile in `folder`, when the passphrase opens it.
 * @throws FlameError STORE_LOCKED without a passphrase, STORE_KEY_WRONG for a wrong one
 */
export async function confirmPassphrase(
  db: WritableDb,
  folder: string,
  actor: string,
  passphrase: string | null,
): Promise<StoreKey> {
  try {
    return await readKey(folder, passphrase);
  } catch (thrown) {
    if (thrown instanceof FlameError && thrown.code === 'STORE_KEY_WRONG')
      appendAudit(db, { actor, action: 'store.unlock-failed', subject: 'profile', content: {} });
    throw thrown;
  }
}

/**
 * Before the protection of an open profile changes: asks for its passphrase where it has one. With accounts, and without any
 * protection, there is nothing to ask.
 * @throws FlameError STORE_LOCKED, STORE_KEY_WRONG
 */
export async function confirmProtection(
  db: WritableDb,
  folder: string,
  actor: string,
  present: string | undefined,
): Promise<void> {
  if (keyState(folder) === 'passphrase') await confirmPassphrase(db, folder, actor, present ?? null);
}
