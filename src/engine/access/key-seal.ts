/**
 * Locks and seals of the store's key: a secret (passphrase or code) locks a private key, and the store's key is sealed to
 * its public key, so that a new store key reaches everybody without anybody's secret. Reads and writes no file.
 */

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  scrypt,
  type KeyObject,
} from 'node:crypto';
import { z } from 'zod';

/** The random data key, and the salt by which its database is recognised (the salt is no secret). */
export interface StoreKey {
  /** 32 bytes. */
  readonly bytes: Buffer;
  /** 16 bytes. */
  readonly salt: Buffer;
}

export const KEY_BYTES = 32;
export const SALT_BYTES = 16;

/** Cost 2^17, block 8: 128 MiB and about half a second a guess (OWASP password storage, scrypt). */
export const SCRYPT_COST = 2 ** 17;
const SCRYPT_BLOCK = { r: 8, p: 1 } as const;
const SCRYPT_MEMORY = 2 ** 30;

export const hex = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

/** Bytes under AES-256-GCM, everything in hexadecimal digits. */
const box = (bytes: number) => ({ nonce: hex(12), key: hex(bytes), tag: hex(16) });

/** What a secret is stretched with. */
export const Stretching = {
  kdf: z.literal('scrypt'),
  // A power of two within the memory limit. Lowering it in the file helps nobody: the key was wrapped with another.
  N: z
    .int()
    .max(2 ** 19)
    .refine((cost) => cost > 1 && Number.isInteger(Math.log2(cost))),
  r: z.literal(SCRYPT_BLOCK.r),
  p: z.literal(SCRYPT_BLOCK.p),
  salt: hex(16),
};

/** A private key (X25519) under a stretched secret. */
export const Lock = z.strictObject({ ...Stretching, ...box(KEY_BYTES) });
export type Lock = z.infer<typeof Lock>;

/** A store key and its salt, readable with one private key. */
export const Seal = z.strictObject({ ephemeral: hex(32), ...box(KEY_BYTES + SALT_BYTES) });
export type Seal = z.infer<typeof Seal>;

/** What every X25519 key in DER starts with (RFC 8410). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex');

export interface KeyPair {
  /** Hexadecimal digits. */
  readonly publicKey: string;
  /** 32 bytes. */
  readonly privateKey: Buffer;
}

export function newKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: rawPublic(publicKey).toString('hex'),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PRIVATE_HEAD.length),
  };
}

/** @param about what the lock belongs to; a lock moved elsewhere does not open */
export async function lock(privateKey: Buffer, secret: string, about: string, N: number): Promise<Lock> {
  const salt = randomBytes(16);
  const head = { kdf: 'scrypt', N, ...SCRYPT_BLOCK, salt: salt.toString('hex') } as const;
  const found = encrypt(await stretch(secret, salt, N), privateKey, JSON.stringify([about, head]));
  return { ...head, ...found };
}

/** Null for a wrong secret. */
export async function unlock(made: Lock, secret: string, about: string): Promise<Buffer | null> {
  const { kdf, N, r, p, salt } = made;
  const stretched = await stretch(secret, Buffer.from(salt, 'hex'), N);
  return decrypt(stretched, made, JSON.stringify([about, { kdf, N, r, p, salt }]));
}

/** @param publicKey 64 hexadecimal digits */
export function seal(key: StoreKey, publicKey: string, about: string): Seal {
  const { publicKey: ephemeral, privateKey } = newKeyPair();
  const secret = agreed(privateKey, publicKey, ephemeral, publicKey);
  return { ephemeral, ...encrypt(secret, Buffer.concat([key.bytes, key.salt]), about) };
}

/** Null when the seal was made for another key, or changed. */
export function unseal(made: Seal, pair: KeyPair, about: string): StoreKey | null {
  const secret = agreed(pair.privateKey, made.ephemeral, made.ephemeral, pair.publicKey);
  const bytes = decrypt(secret, made, about);
  return bytes && { bytes: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) };
}

/** The public half of a private key, hexadecimal digits. */
export function publicOf(privateKey: Buffer): string {
  return rawPublic(createPublicKey(privateObject(privateKey))).toString('hex');
}

function agreed(privateKey: Buffer, otherPublic: string, ephemeral: string, own: string): Buffer {
  const publicKey = createPublicKey({
    key: Buffer.concat([PUBLIC_HEAD, Buffer.from(otherPublic, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  const shared = diffieHellman({ privateKey: privateObject(privateKey), publicKey });
  return Buffer.from(hkdfSync('sha256', shared, Buffer.from(ephemeral + own, 'hex'), 'flame store key', 32));
}

function privateObject(raw: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, raw]), format: 'der', type: 'pkcs8' });
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_HEAD.length);
}

interface Box {
  readonly nonce: string;
  readonly key: string;
  readonly tag: string;
}

/** AES-256-GCM; `about` is authenticated with it. */
export function encrypt(secret: Buffer, content: Buffer, about: string): Box {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secret, nonce);
  cipher.setAAD(Buffer.from(about));
  const body = Buffer.concat([cipher.update(content), cipher.final()]);
  return {
    nonce: nonce.toString('hex'),
    key: body.toString('hex'),
    tag: cipher.getAuthTag().toString('hex'),
  };
}

/** Null when the secret is another one, or anything was changed. */
export function decrypt(secret: Buffer, { nonce, key, tag }: Box, about: string): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', secret, Buffer.from(nonce, 'hex'), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(about));
  decipher.setAuthTag(Buffer.from(tag, 'hex'));
  try {
    return Buffer.concat([decipher.update(Buffer.from(key, 'hex')), decipher.final()]);
  } catch {
    return null;
  }
}

export function stretch(secret: string, salt: Buffer, N: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same passphrase typed on another keyboard may arrive in another Unicode form.
    const options = { N, ...SCRYPT_BLOCK, maxmem: SCRYPT_MEMORY };
    scrypt(secret.normalize('NFKC'), salt, 32, options, (error, stretched) => {
      if (error) reject(error);
      else resolve(stretched);
    });
  });
}
