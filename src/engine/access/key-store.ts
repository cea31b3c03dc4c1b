/**
 * Lets the operating system's key store open the database of a profile without accounts, besides its passphrase: the file
 * key-store.json holds the database's key under a random secret, and that secret as only the key store can read it. Neither
 * the shell nor the key store ever sees the database's key. Takes no passphrase's place.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import type {
  KeyStoreAnswer,
  KeyStoreRefusal,
  KeyStoreWanted,
  KeyStoreWish,
} from '../../shared/key-store-api.ts';
import { decrypt, encrypt, hex, KEY_BYTES, SALT_BYTES, type StoreKey } from './key-seal.ts';
import { draftsOf, replaceFile, shredFile } from '../publish.ts';

/** The boundary to the system's key store. */
export interface KeyStore {
  /** Never rejects. */
  ask(wish: KeyStoreWish): Promise<KeyStoreAnswer>;
}

/** Of a process without a shell, e.g. the command line. */
export const NO_KEY_STORE: KeyStore = {
  ask: () => Promise.resolve({ ok: false, refusal: 'no-shell', store: null }),
};

/** A keyring may ask its user to unlock it; the passphrase must not wait for that for ever. */
const LIMIT_MS = 60_000;

/** Asks the shell, which alone knows Electron. */
export class ShellKeyStore implements KeyStore {
  readonly #send: (message: KeyStoreWanted) => void;
  readonly #limitMs: number;
  readonly #waiting = new Map<number, (answer: KeyStoreAnswer) => void>();
  #last = 0;

  constructor(send: (message: KeyStoreWanted) => void, limitMs: number = LIMIT_MS) {
    this.#send = send;
    this.#limitMs = limitMs;
  }

  ask(wish: KeyStoreWish): Promise<KeyStoreAnswer> {
    const id = (this.#last += 1);
    return new Promise((resolve) => {
      const limit = setTimeout(
        () => this.take(id, { ok: false, refusal: 'not-available', store: null }),
        this.#limitMs,
      );
      this.#waiting.set(id, (answer) => {
        clearTimeout(limit);
        resolve(answer);
      });
      this.#send({ type: 'key-store-wanted', id, wish });
    });
  }

  /** The shell's answer. */
  take(id: number, answer: KeyStoreAnswer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

const Kept = z.strictObject({
  format: z.literal(1),
  /** Base64, as the key store made it. */
  secret: z.base64().min(1).max(10_000),
  nonce: hex(12),
  key: hex(KEY_BYTES + SALT_BYTES),
  tag: hex(16),
});

const ABOUT = 'flame key store 1';
const keptFile = (folder: string): string => join(folder, 'key-store.json');

export function hasKeptKey(folder: string): boolean {
  return existsSync(keptFile(folder));
}

/** @throws FlameError KEY_STORE_REFUSED, STORE_UNAVAILABLE when the file cannot be written */
export async function keepKey(folder: string, key: StoreKey, store: KeyStore): Promise<void> {
  const secret = randomBytes(KEY_BYTES);
  const answer = await store.ask({ do: 'seal', text: secret.toString('hex') });
  if (!answer.ok) throw new FlameError('KEY_STORE_REFUSED', { reason: answer.refusal });
  const box = encrypt(secret, Buffer.concat([key.bytes, key.salt]), ABOUT);
  const kept = Kept.parse({ format: 1, secret: answer.value, ...box });
  try {
    replaceFile(keptFile(folder), `${JSON.stringify(kept, null, 1)}\n`);
  } catch (cause) {
    throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
  }
}

export type KeptKey =
  | { readonly key: StoreKey; readonly refusal: null }
  | { readonly key: null; readonly refusal: KeyStoreRefusal };

/** The key that is kept. A file that cannot be read, or was made elsewhere, is one that the key store does not know. */
export async function readKeptKey(folder: string, store: KeyStore): Promise<KeptKey> {
  const kept = readKept(folder);
  if (kept === null) return { key: null, refusal: 'other' };
  const answer = await store.ask({ do: 'open', sealed: kept.secret });
  if (!answer.ok) return { key: null, refusal: answer.refusal };
  const secret = Buffer.from(answer.value, 'hex');
  const bytes = secret.length === KEY_BYTES ? decrypt(secret, kept, ABOUT) : null;
  if (bytes === null) return { key: null, refusal: 'other' };
  return {
    key: { bytes: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) },
    refusal: null,
  };
}

/** @returns false where nothing was kept */
export function forgetKey(folder: string): boolean {
  const file = keptFile(folder);
  const found = existsSync(file);
  for (const one of [...(found ? [file] : []), ...draftsOf(file)]) shredFile(one, 0);
  return found;
}

function readKept(folder: string): z.infer<typeof Kept> | null {
  try {
    return Kept.parse(JSON.parse(readFileSync(keptFile(folder), 'utf8')));
  } catch {
    return null;
  }
}
