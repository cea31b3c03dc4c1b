/**
 * The file of one backup: the encrypted database as it was, followed by the ring of keys of that day and an encrypted
 * description. Whoever has no passphrase and no code of that day reads nothing in it, not even how many patients there are.
 */

import { hkdfSync } from 'node:crypto';
import { closeSync, fsyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import { accountEntry, openEntry, parseRing, ringText, storeKeysOf, type KeyRing } from '../key-ring.ts';
import { decrypt, encrypt, hex, type StoreKey } from '../key-seal.ts';
import { readAccessCode } from '../access-code.ts';
import type { Credential } from '../sign-in.ts';

const MAGIC = 'FLAMEBAK';
/** Length of the description before the end, and the magic. */
const END_BYTES = 4 + MAGIC.length;
const LARGEST_DESCRIPTION = 16 * 1024 * 1024;

const Counts = z.strictObject({
  patients: z.int(),
  visits: z.int(),
  decisions: z.int(),
  auditEntries: z.int(),
  auditHash: z.string(),
  schema: z.int(),
});
const Manifest = z.strictObject({
  /** ISO time. */
  madeAt: z.string(),
  madeBy: z.string(),
  appVersion: z.string(),
  counts: Counts,
});
export type BackupManifest = z.infer<typeof Manifest>;

const Description = z.strictObject({
  format: z.literal(1),
  databaseBytes: z.int().min(1),
  ring: z.string(),
  manifest: z.strictObject({ nonce: hex(12), key: z.string().regex(/^([0-9a-f]{2})+$/), tag: hex(16) }),
});

/** Makes a backup of the copy of a database that lies at `file`, by what is written behind it. */
export function describeCopy(file: string, ring: KeyRing, key: StoreKey, manifest: BackupManifest): void {
  const descriptor = openSync(file, 'r+');
  try {
    const databaseBytes = fstatSync(descriptor).size;
    const text = ringText(ring);
    const content = Buffer.from(JSON.stringify(manifest));
    const sealed = encrypt(manifestKey(key), content, about(databaseBytes, text));
    const body = Buffer.from(JSON.stringify({ format: 1, databaseBytes, ring: text, manifest: sealed }));
    const end = Buffer.alloc(END_BYTES);
    end.writeUInt32BE(body.length);
    end.write(MAGIC, 4, 'latin1');
    writeSync(descriptor, Buffer.concat([body, end]), 0, body.length + END_BYTES, databaseBytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export interface OpenedBackup {
  readonly manifest: BackupManifest;
  readonly ring: KeyRing;
  readonly key: StoreKey;
  /** How many bytes at the start of the file are the database. */
  readonly databaseBytes: number;
  /** As the ring of that day names them; the kind of a code where one opened it. */
  readonly openedBy: string;
}

/**
 * What a backup holds, for whoever has a passphrase or the recovery code of that day.
 * @throws FlameError BACKUP_DAMAGED, FILE_NOT_READABLE, SIGN_IN_FAILED, CODE_INVALID
 */
export async function openBackup(file: string, { who, secret }: Credential): Promise<OpenedBackup> {
  const { ring, databaseBytes, manifest: sealed, text } = readDescription(file);
  const entry =
    'account' in who
      ? accountEntry(ring, who.account)
      : (ring.entries.find(({ kind }) => kind === who.code) ?? null);
  const pair = entry && (await openEntry(entry, 'account' in who ? secret : readAccessCode(secret)));
  if (entry === null || pair === null) throw new FlameError('SIGN_IN_FAILED');
  const { present, next } = storeKeysOf(entry, pair);
  for (const key of next === null ? [present] : [present, next]) {
    const content = decrypt(manifestKey(key), sealed, about(databaseBytes, text));
    if (content === null) continue;
    const manifest = Manifest.parse(JSON.parse(content.toString()));
    return { manifest, ring, key, databaseBytes, openedBy: entry.name || entry.kind };
  }
  throw damaged(file);
}

function readDescription(file: string) {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file: basename(file) }, { cause });
  }
  try {
    const { size } = fstatSync(descriptor);
    const end = Buffer.alloc(END_BYTES);
    readSync(descriptor, end, 0, END_BYTES, Math.max(0, size - END_BYTES));
    const length = end.readUInt32BE();
    const isBackup = end.toString('latin1', 4) === MAGIC;
    if (!isBackup || length > LARGEST_DESCRIPTION || length > size - END_BYTES) throw damaged(file);
    const body = Buffer.alloc(length);
    readSync(descriptor, body, 0, length, size - END_BYTES - length);
    const { databaseBytes, ring: text, manifest } = Description.parse(JSON.parse(body.toString()));
    if (databaseBytes !== size - END_BYTES - length) throw damaged(file);
    return { ring: parseRing(text), text, databaseBytes, manifest };
  } catch (cause) {
    if (cause instanceof FlameError && cause.code === 'BACKUP_DAMAGED') throw cause;
    throw damaged(file, cause);
  } finally {
    closeSync(descriptor);
  }
}

/** The ring of keys cannot be exchanged, nor the database cut, without its being found. */
const about = (databaseBytes: number, ring: string): string =>
  JSON.stringify(['flame backup 1', databaseBytes, ring]);

function manifestKey({ bytes, salt }: StoreKey): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, salt, 'flame backup description', 32));
}

function damaged(file: string, cause?: unknown): FlameError {
  return new FlameError('BACKUP_DAMAGED', { file: basename(file) }, { cause });
}
