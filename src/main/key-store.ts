/**
 * Asks the operating system's key store (Electron's safeStorage) for the engine. Uses none that hides nothing: on Linux a
 * desktop without a keyring makes Chromium "encrypt" with a password that everybody knows. Stores nothing itself.
 */

/* eslint-disable @typescript-eslint/no-deprecated -- the asynchronous calls in their place are missing in Electron 33, in which Flame is tested */

import { safeStorage } from 'electron';
import type { KeyStoreAnswer, KeyStoreWish } from '../shared/key-store-api.ts';

/** What Chromium puts before a text that a keyring's key encrypted; `v10` stands for the well-known password. */
const BY_KEYRING = 'v11';
const HIDES_NOTHING = ['basic_text', 'unknown'];
const SYSTEM_STORES: Readonly<Record<string, string>> = { win32: 'DPAPI', darwin: 'Keychain' };

/** Never throws. Blocks while the system asks its user to unlock the keyring. */
export function askKeyStore(wish: KeyStoreWish): KeyStoreAnswer {
  const isLinux = process.platform === 'linux';
  const store = isLinux ? safeStorage.getSelectedStorageBackend() : (SYSTEM_STORES[process.platform] ?? '');
  if (store === '' || HIDES_NOTHING.includes(store)) return { ok: false, refusal: 'not-real', store: null };
  try {
    if (!safeStorage.isEncryptionAvailable()) return { ok: false, refusal: 'not-available', store };
    if (wish.do === 'describe') return { ok: true, store, value: '' };
    if (wish.do === 'open') {
      const sealed = Buffer.from(wish.sealed, 'base64');
      if (isLinux && !isByKeyring(sealed)) return { ok: false, refusal: 'other', store };
      return { ok: true, store, value: safeStorage.decryptString(sealed) };
    }
    const sealed = safeStorage.encryptString(wish.text);
    // A keyring that went away meanwhile.
    if (isLinux && !isByKeyring(sealed)) return { ok: false, refusal: 'not-real', store: null };
    return { ok: true, store, value: sealed.toString('base64') };
  } catch {
    return { ok: false, refusal: wish.do === 'open' ? 'other' : 'not-available', store };
  }
}

const isByKeyring = (sealed: Buffer): boolean =>
  sealed.toString('latin1', 0, BY_KEYRING.length) === BY_KEYRING;
