/** Asks for the passphrase once more while the database is open, and writes a wrong one down. Knows no accounts. */

import { FlameError } from '../shared/errors.ts';
import { readKey } from './key.ts';
import type { StoreKey } from './key-seal.ts';
import { appendAudit } from './store/audit.ts';
import type { WritableDb } from './store/handle.ts';

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
