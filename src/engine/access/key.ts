/**
 * Keeps the key of the visit database of a profile without accounts: in a device key file of mode 0600, or wrapped by a
 * passphrase. Never writes a database, and never removes the only copy of a key. With accounts see key-ring.ts.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import { hasRing } from './key-ring.ts';
import { forgetKey } from './key-store.ts';
import {
  decrypt,
  encrypt,
  hex,
  KEY_BYTES,
  SALT_BYTES,
  SCRYPT_COST,
  stretch,
  Stretching,
  type StoreKey,
} from './key-seal.ts';
import { createFile, draftsOf, errorCode, replaceFile, shredFile } from '../publish.ts';

/** How the key of a profile folder is kept. `missing` where there is none. */
export type KeyState = 'missing' | 'device' | 'passphrase' | 'accounts';

/** 96 hexadecimal digits and a line end. */
const DEVICE_FILE_BYTES = 2 * (KEY_BYTES + SALT_BYTES) + 1;
/** Where the file system knows no owner and mode, there is nothing to check. */
const HAS_MODES = process.platform !== 'win32';

const WrappedKey = z.strictObject({
  format: z.literal(1),
  ...Stretching,
  cipher: z.literal('aes-256-gcm'),
  nonce: hex(12),
  key: hex(KEY_BYTES + SALT_BYTES),
  tag: hex(16),
});
type WrappedKey = z.infer<typeof WrappedKey>;

export function keyState(folder: string): KeyState {
  // Written once every other way to the key is in it; what else lies there is left over.
  if (hasRing(folder)) return 'accounts';
  // With both files a change was interrupted: the passphrase holds until the change is made again.
  if (existsSync(wrappedFile(folder))) return 'passphrase';
  return existsSync(deviceFile(folder)) ? 'device' : 'missing';
}

/** Makes the key of a new profile and keeps it in the device key file. An existing key is never replaced. */
export function createKey(folder: string): StoreKey {
  const key = { bytes: randomBytes(KEY_BYTES), salt: randomBytes(SALT_BYTES) };
  try {
    if (createFile(deviceFile(folder), deviceText(key))) return key;
  } catch (thrown) {
    throw unavailable(thrown);
  }
  return readDeviceKey(folder);
}

/**
 * The key of an existing profile.
 * @throws FlameError STORE_LOCKED without the passphrase it needs, STORE_KEY_WRONG for a wrong one, a damaged key
 * file or none, STORE_KEY_UNSAFE for a device key file that others can read
 */
export async function readKey(folder: string, passphrase: string | null): Promise<StoreKey> {
  const state = keyState(folder);
  if (state === 'missing') throw new FlameError('STORE_KEY_WRONG', { reason: 'key-missing' });
  if (state === 'device') return readDeviceKey(folder);
  if (passphrase === null) throw new FlameError('STORE_LOCKED');
  const key = await unwrap(readWrapped(folder), passphrase);
  try {
    removeDeviceCopies(folder, key);
  } catch {
    // A folder that cannot be written: opening the database says so in its own words.
  }
  return key;
}

/** Once the ring of keys holds the key: removes the ways to it from before there were accounts. */
export function removeEarlierKeys(folder: string, key: StoreKey): void {
  forgetKey(folder);
  removeDeviceCopies(folder, key);
  for (const file of [wrappedFile(folder), ...draftsOf(wrappedFile(folder))])
    if (existsSync(file)) shredFile(file, 0);
}

/** The key under its passphrase as it stands in the folder; what a backup takes along. @throws FlameError STORE_UNAVAILABLE */
export function wrappedKeyText(folder: string): string {
  readWrapped(folder); // Never hands on what cannot be read again.
  return readFileSync(wrappedFile(folder), 'utf8');
}

/** @throws FlameError STORE_KEY_WRONG for a damaged text or a wrong passphrase */
export async function openWrappedKey(text: string, passphrase: string): Promise<StoreKey> {
  return await unwrap(parseWrapped(text), passphrase);
}

/** Puts a wrapped key into a folder that has none. */
export function writeWrappedKey(folder: string, text: string): void {
  if (!createFile(wrappedFile(folder), text))
    throw new FlameError('STORE_UNAVAILABLE', { problem: 'key.json' });
}

/**
 * Protects the key with a passphrase, changes the passphrase, or takes it away with null. The database is not
 * touched. A crash at any moment leaves the old protection or the new one. The system's key store opens it no more: that
 * was allowed by whoever knew the passphrase before.
 * @param cost of a guess, scrypt's N; tests lower it
 * @throws FlameError INVALID_INPUT for an empty passphrase, STORE_UNAVAILABLE when the files cannot be written
 */
export async function setPassphrase(
  folder: string,
  key: StoreKey,
  passphrase: string | null,
  cost: number = SCRYPT_COST,
): Promise<void> {
  if (passphrase === '') throw new FlameError('INVALID_INPUT', { problem: 'the passphrase is empty' });
  const wrapped = passphrase === null ? null : await wrap(key, passphrase, cost);
  // Set up while the passphrase was stretched: a key file beside the ring would be a way around it.
  if (hasRing(folder))
    throw new FlameError('INVALID_INPUT', { problem: 'with accounts each has a passphrase of its own' });
  try {
    forgetKey(folder);
    if (wrapped !== null) {
      replaceFile(wrappedFile(folder), `${JSON.stringify(wrapped, null, 2)}\n`);
      removeDeviceCopies(folder, key);
    } else {
      replaceFile(deviceFile(folder), deviceText(key));
      shredFile(wrappedFile(folder), 0);
    }
    for (const draft of draftsOf(wrappedFile(folder))) shredFile(draft, 0);
  } catch (thrown) {
    throw unavailable(thrown);
  }
}

const deviceFile = (folder: string): string => join(folder, 'device.key');
const wrappedFile = (folder: string): string => join(folder, 'key.json');
const deviceText = (key: StoreKey): string => `${key.bytes.toString('hex')}${key.salt.toString('hex')}\n`;

function readDeviceKey(folder: string): StoreKey {
  const file = deviceFile(folder);
  const unsafe = (reason: string): FlameError => new FlameError('STORE_KEY_UNSAFE', { file, reason });
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (HAS_MODES ? constants.O_NOFOLLOW : 0));
  } catch (thrown) {
    if (errorCode(thrown) === 'ELOOP') throw unsafe('it is a link');
    throw unavailable(thrown);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw unsafe('it is not a file');
    if (HAS_MODES && (stat.mode & 0o077) !== 0)
      throw unsafe(`its mode is 0${(stat.mode & 0o777).toString(8)}`);
    if (HAS_MODES && stat.uid !== process.getuid?.()) throw unsafe('it belongs to another user');
    const content = Buffer.alloc(DEVICE_FILE_BYTES + 1);
    const key = parseDeviceText(content.toString('latin1', 0, readSync(descriptor, content)));
    if (key === null) throw unsafe('it is not a key');
    return key;
  } finally {
    closeSync(descriptor);
  }
}

function parseDeviceText(text: string): StoreKey | null {
  if (!/^[0-9a-f]{96}\n$/.test(text)) return null;
  const bytes = Buffer.from(text.trim(), 'hex');
  return { bytes: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) };
}

/**
 * Removes what a change of the protection left in clear: the device key file and its drafts. A device key file that
 * holds another key stays: it may be the only copy of that one.
 */
function removeDeviceCopies(folder: string, key: StoreKey): void {
  for (const file of [deviceFile(folder), ...draftsOf(deviceFile(folder))]) {
    let found: StoreKey | null;
    try {
      found = parseDeviceText(readFileSync(file, 'latin1'));
    } catch {
      continue;
    }
    if (found === null || found.bytes.equals(key.bytes)) shredFile(file, DEVICE_FILE_BYTES);
  }
}

function readWrapped(folder: string): WrappedKey {
  let text: string;
  try {
    text = readFileSync(wrappedFile(folder), 'utf8');
  } catch (thrown) {
    throw unavailable(thrown);
  }
  return parseWrapped(text);
}

function parseWrapped(text: string): WrappedKey {
  try {
    return WrappedKey.parse(JSON.parse(text));
  } catch (cause) {
    throw new FlameError('STORE_KEY_WRONG', { reason: 'key-file-damaged' }, { cause });
  }
}

async function wrap(key: StoreKey, passphrase: string, N: number): Promise<WrappedKey> {
  const salt = randomBytes(16);
  const stretching = { kdf: 'scrypt', N, r: 8, p: 1, salt: salt.toString('hex') } as const;
  const head = { format: 1, ...stretching, cipher: 'aes-256-gcm' } as const;
  const content = Buffer.concat([key.bytes, key.salt]);
  return { ...head, ...encrypt(await stretch(passphrase, salt, N), content, JSON.stringify(head)) };
}

async function unwrap(wrapped: WrappedKey, passphrase: string): Promise<StoreKey> {
  const { format, kdf, N, r, p, salt, cipher } = wrapped;
  const secret = await stretch(passphrase, Buffer.from(salt, 'hex'), N);
  const bytes = decrypt(secret, wrapped, JSON.stringify({ format, kdf, N, r, p, salt, cipher }));
  if (bytes === null) throw new FlameError('STORE_KEY_WRONG', { reason: 'passphrase' });
  return { bytes: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) };
}

function unavailable(thrown: unknown): FlameError {
  if (thrown instanceof FlameError) return thrown;
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return new FlameError('STORE_UNAVAILABLE', { problem }, { cause: thrown });
}
