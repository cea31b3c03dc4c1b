/**
 * The file of one backup: the encrypted database as it was, followed by the keys of that day and an encrypted
 * description. Whoever has no passphrase and no code of that day reads nothing in it, not even how many patients there are.
 */

import { hkdfSync } from 'node:crypto';
import { appendFileSync, closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import { openWrappedKey } from '../access/key.ts';
import { accountEntry, openEntry, parseRing, storeKeysOf, type KeyRing } from '../access/key-ring.ts';
import { decrypt, encrypt, hex, type StoreKey } from '../access/key-seal.ts';
import { readAccessCode } from '../access/access-code.ts';
import type { Credential } from '../access/sign-in.ts';

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
  /** Null without a visit, and in backups of before it was written down. */
  newestVisit: z.strictObject({ date: z.string(), dateKnown: z.boolean() }).nullable().default(null),
  /** Of the profile that it is a copy of: a restored one has another. Null in backups of before. */
  profileId: z.string().nullable().default(null),
});
export type BackupManifest = z.infer<typeof Manifest>;

/** How the store's key is kept in a backup, as the folder kept it that day. */
const KEPT = { ring: 1, passphrase: 2 } as const;

const Description = z.strictObject({
  format: z.literal([KEPT.ring, KEPT.passphrase]),
  databaseBytes: z.int().min(1),
  /** Text of the ring of keys, or of the key under its passphrase. */
  ring: z.string(),
  manifest: z.strictObject({ nonce: hex(12), key: z.string().regex(/^([0-9a-f]{2})+$/), tag: hex(16) }),
});

export interface KeptKeys {
  readonly kind: keyof typeof KEPT;
  readonly text: string;
}

/** Makes a backup of the copy of a database that lies at `file`, by what is written behind it. */
export function describeCopy(
  file: string,
  { kind, text }: KeptKeys,
  key: StoreKey,
  manifest: BackupManifest,
): void {
  const databaseBytes = statSync(file).size;
  const content = Buffer.from(JSON.stringify(manifest));
  const format = KEPT[kind];
  const sealed = encrypt(manifestKey(key), content, about(format, databaseBytes, text));
  const body = Buffer.from(JSON.stringify({ format, databaseBytes, ring: text, manifest: sealed }));
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32BE(body.length);
  end.write(MAGIC, 4, 'latin1');
  appendFileSync(file, Buffer.concat([body, end]), { flush: true });
}

/** What a backup says to whoever has no secret. */
export interface DescribedBackup {
  readonly keys: KeptKeys;
  /** Null for a key that is no ring. */
  readonly ring: KeyRing | null;
  /** How many bytes at the start of the file are the database. */
  readonly databaseBytes: number;
  /** With the key of its database; null for any other key. */
  manifestUnder(key: StoreKey): BackupManifest | null;
}

export interface OpenedBackup {
  readonly manifest: BackupManifest;
  readonly keys: KeptKeys;
  readonly key: StoreKey;
  readonly databaseBytes: number;
  /** As the ring of that day names them; the kind of secret where it names nobody. */
  readonly openedBy: string;
}

/** An account or a code of the day of the backup; or the passphrase of a profile without accounts. */
export type BackupCredential =
  Credential | { readonly who: { readonly passphrase: true }; readonly secret: string };

/**
 * What a backup holds, for whoever has a passphrase or the recovery code of that day.
 * @throws FlameError BACKUP_DAMAGED, FILE_NOT_READABLE, BACKUP_SECRET_WRONG, CODE_INVALID
 */
export async function openBackup(file: string, credential: BackupCredential): Promise<OpenedBackup> {
  const described = describeBackup(file);
  const { keys, databaseBytes } = described;
  const { openedBy, candidates } = await keysOf(described, credential);
  for (const key of candidates) {
    const manifest = described.manifestUnder(key);
    if (manifest !== null) return { manifest, keys, key, databaseBytes, openedBy };
  }
  throw damaged(file);
}

async function keysOf(
  { ring, keys }: DescribedBackup,
  { who, secret }: BackupCredential,
): Promise<{ readonly openedBy: string; readonly candidates: readonly StoreKey[] }> {
  if ('passphrase' in who || ring === null) {
    if (!('passphrase' in who) || ring !== null) throw new FlameError('BACKUP_SECRET_WRONG');
    try {
      return { openedBy: 'passphrase', candidates: [await openWrappedKey(keys.text, secret)] };
    } catch (cause) {
      throw new FlameError('BACKUP_SECRET_WRONG', {}, { cause });
    }
  }
  const entry =
    'account' in who
      ? accountEntry(ring, who.account)
      : (ring.entries.find(({ kind }) => kind === who.code) ?? null);
  const pair = entry && (await openEntry(entry, 'account' in who ? secret : readAccessCode(secret)));
  if (entry === null || pair === null) throw new FlameError('BACKUP_SECRET_WRONG');
  const { present, next } = storeKeysOf(entry, pair);
  return { openedBy: entry.name || entry.kind, candidates: next === null ? [present] : [present, next] };
}

/** @throws FlameError BACKUP_DAMAGED, FILE_NOT_READABLE */
export function describeBackup(file: string): DescribedBackup {
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
    const { format, databaseBytes, ring: text, manifest } = Description.parse(JSON.parse(body.toString()));
    if (databaseBytes !== size - END_BYTES - length) throw damaged(file);
    return {
      keys: { kind: format === KEPT.ring ? 'ring' : 'passphrase', text },
      ring: format === KEPT.ring ? parseRing(text) : null,
      databaseBytes,
      manifestUnder: (key) => {
        const content = decrypt(manifestKey(key), manifest, about(format, databaseBytes, text));
        return content === null ? null : Manifest.parse(JSON.parse(content.toString()));
      },
    };
  } catch (cause) {
    if (cause instanceof FlameError && cause.code === 'BACKUP_DAMAGED') throw cause;
    throw damaged(file, cause);
  } finally {
    closeSync(descriptor);
  }
}

/** The keys cannot be exchanged, nor the database cut, without its being found. */
const about = (format: number, databaseBytes: number, keys: string): string =>
  JSON.stringify([`flame backup ${format}`, databaseBytes, keys]);

function manifestKey({ bytes, salt }: StoreKey): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, salt, 'flame backup description', 32));
}

function damaged(file: string, cause?: unknown): FlameError {
  return new FlameError('BACKUP_DAMAGED', { file: basename(file) }, { cause });
}
