/**
 * Encrypts a stream by a passphrase in the age format (age-encryption.org/v1), which `age -d` and `flame decrypt` open.
 * Keeps nothing in clear outside memory, and stretches the passphrase without holding up other calls.
 */

import { randomBytes, scrypt } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { Decrypter, Encrypter, Stanza, type Recipient } from 'age-encryption';
import { FlameError } from '../../shared/errors.ts';

/** Cost 2^18 and block 8, what the age command writes: 256 MiB and about a second a guess. */
const WORK_FACTOR = 18;
const LABEL = 'age-encryption.org/v1/scrypt';
const MEMORY = 2 ** 30;

/** @param workFactor binary logarithm of scrypt's cost; tests lower it */
export async function encryptedByPassphrase(
  chunks: AsyncIterable<Uint8Array>,
  passphrase: string,
  workFactor = WORK_FACTOR,
): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(new PassphraseRecipient(passphrase, workFactor));
  const stream = await encrypter.encrypt(ReadableStream.from<Uint8Array>(chunks));
  return stream;
}

/** @throws FlameError INVALID_INPUT for a wrong passphrase or a file that is none or was changed */
export async function* decryptedByPassphrase(
  chunks: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(typed(passphrase));
  try {
    const stream = await decrypter.decrypt(ReadableStream.from<Uint8Array>(chunks));
    yield* stream as unknown as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    const problem = 'the passphrase is wrong, or the file is not an age file or was changed';
    throw new FlameError('INVALID_INPUT', { problem }, { cause });
  }
}

/** The passphrase recipient of the specification; that of the library stretches in one go and stops the process for a second. */
class PassphraseRecipient implements Recipient {
  readonly #passphrase: string;
  readonly #workFactor: number;

  constructor(passphrase: string, workFactor: number) {
    this.#passphrase = typed(passphrase);
    this.#workFactor = workFactor;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(16);
    const key = await stretched(
      this.#passphrase,
      Buffer.concat([Buffer.from(LABEL), salt]),
      2 ** this.#workFactor,
    );
    const body = chacha20poly1305(key, new Uint8Array(12)).encrypt(fileKey);
    const text = salt.toString('base64').replace(/=+$/, '');
    return [new Stanza(['scrypt', text, String(this.#workFactor)], body)];
  }
}

/** The same passphrase typed on another keyboard may arrive in another Unicode form. */
function typed(passphrase: string): string {
  return passphrase.normalize('NFKC');
}

function stretched(passphrase: string, salt: Buffer, N: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, { N, r: 8, p: 1, maxmem: MEMORY }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
