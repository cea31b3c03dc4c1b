/**
 * The file keys.json of a profile with accounts: one entry a person, and one for each code, by which the store's key is
 * found. Replaced whole or not at all. Says nothing of roles: those stand in the database.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import {
  hex,
  Lock,
  lock,
  newKeyPair,
  publicOf,
  Seal,
  seal,
  unlock,
  unseal,
  type KeyPair,
  type StoreKey,
} from './key-seal.ts';
import { draftsOf, replaceFile, shredFile } from '../publish.ts';

export const ENTRY_KINDS = ['account', 'recovery', 'emergency'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

const Entry = z.strictObject({
  id: z.string().min(1).max(100),
  kind: z.enum(ENTRY_KINDS),
  /** By which one signs in; empty for a code. */
  name: z.string().max(200),
  publicKey: hex(32),
  lock: Lock,
  sealed: Seal,
  /** The key of a database that is being encrypted anew. Which of the two holds is told by the file's salt. */
  next: Seal.nullable(),
});
export type Entry = z.infer<typeof Entry>;

const Ring = z.strictObject({ format: z.literal(2), entries: z.array(Entry).min(1).max(1000) });
export type KeyRing = z.infer<typeof Ring>;

const ringFile = (folder: string): string => join(folder, 'keys.json');

export function hasRing(folder: string): boolean {
  return existsSync(ringFile(folder));
}

/** @throws FlameError STORE_KEY_WRONG for a damaged file, STORE_UNAVAILABLE for one that cannot be read */
export function readRing(folder: string): KeyRing {
  let text: string;
  try {
    text = readFileSync(ringFile(folder), 'utf8');
  } catch (cause) {
    throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
  }
  return parseRing(text);
}

/** @throws FlameError STORE_KEY_WRONG */
export function parseRing(text: string): KeyRing {
  try {
    return Ring.parse(JSON.parse(text));
  } catch (cause) {
    throw new FlameError('STORE_KEY_WRONG', { reason: 'key-file-damaged' }, { cause });
  }
}

export function ringText(ring: KeyRing): string {
  return `${JSON.stringify(ring, null, 1)}\n`;
}

/** A crash leaves the old file or the new one. @throws FlameError STORE_UNAVAILABLE */
export function writeRing(folder: string, ring: KeyRing): void {
  try {
    replaceFile(ringFile(folder), ringText(Ring.parse(ring)));
    for (const draft of draftsOf(ringFile(folder))) shredFile(draft, 0);
  } catch (cause) {
    throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
  }
}

/** Whoever writes about an entry binds it to this, so that no part of one entry works in another. */
const about = ({ id, kind }: Pick<Entry, 'id' | 'kind'>): string => `flame key ring 2 ${kind} ${id}`;

/** An entry that `secret` opens. */
export async function makeEntry(
  named: Pick<Entry, 'id' | 'kind' | 'name'>,
  secret: string,
  key: StoreKey,
  cost: number,
): Promise<Entry> {
  const { publicKey, privateKey } = newKeyPair();
  return {
    ...named,
    publicKey,
    lock: await lock(privateKey, secret, about(named), cost),
    sealed: seal(key, publicKey, about(named)),
    next: null,
  };
}

/** The entry's key pair; null for a wrong secret. */
export async function openEntry(entry: Entry, secret: string): Promise<KeyPair | null> {
  const privateKey = await unlock(entry.lock, secret, about(entry));
  return privateKey && { privateKey, publicKey: publicOf(privateKey) };
}

export interface StoreKeys {
  readonly present: StoreKey;
  /** The key of an interrupted re-encryption: the one that holds is told by the salt of the database file. */
  readonly next: StoreKey | null;
}

/** @throws FlameError STORE_KEY_WRONG when the entry was changed */
export function storeKeysOf(entry: Entry, pair: KeyPair): StoreKeys {
  const present = unseal(entry.sealed, pair, about(entry));
  if (present === null) throw new FlameError('STORE_KEY_WRONG', { reason: 'key-file-damaged' });
  return { present, next: entry.next && unseal(entry.next, pair, about(entry)) };
}

/** The entry with the key that is to come sealed beside the present one. */
export function withNext(entry: Entry, key: StoreKey): Entry {
  return { ...entry, next: seal(key, entry.publicKey, about(entry)) };
}

/** The opened entry under another secret, its key pair the same. */
export async function withSecret(entry: Entry, pair: KeyPair, secret: string, cost: number): Promise<Entry> {
  return { ...entry, lock: await lock(pair.privateKey, secret, about(entry), cost) };
}

/** After a re-encryption that was done, or was not: with one key again. */
export function settled(ring: KeyRing, done: boolean): KeyRing {
  const entries = ring.entries.map((entry) => ({
    ...entry,
    sealed: done && entry.next !== null ? entry.next : entry.sealed,
    next: null,
  }));
  return { ...ring, entries };
}

/** True while a re-encryption may be under way. */
export function isUnsettled(ring: KeyRing): boolean {
  return ring.entries.some(({ next }) => next !== null);
}

export function entryOf(ring: KeyRing, id: string): Entry | null {
  return ring.entries.find((entry) => entry.id === id) ?? null;
}

/** By id or by the name that one signs in with. */
export function accountEntry(ring: KeyRing, account: string): Entry | null {
  const wanted = foldName(account);
  const accounts = ring.entries.filter(({ kind }) => kind === 'account');
  return (
    accounts.find(({ id }) => id === account) ??
    accounts.find(({ name }) => foldName(name) === wanted) ??
    null
  );
}

/** Names that look the same are the same. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
