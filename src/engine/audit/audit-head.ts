/**
 * Keeps number and hash of the newest audit entry in a file beside the database, so that a log whose end was cut off, or
 * an older copy of the database, is found. Signed with a key made of the store's key: who has that key can make both
 * anew (docs/decisions/0016-audit-and-overview.md).
 */

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AuditHeadState } from '../../shared/audit.ts';
import type { StoreKey } from '../access/key-seal.ts';
import type { Profile } from '../profile.ts';
import { replaceFile } from '../publish.ts';
import { lastAudit } from '../store/audit.ts';
import type { ReadableDb } from '../store/handle.ts';

const HEAD_FILE = 'audit-head.json';
/** The longest that the file may stay behind the log while Flame runs. */
const DELAY_MS = 250;

const Head = z.strictObject({
  format: z.literal(1),
  entries: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  mac: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface HeadReport {
  readonly state: AuditHeadState;
  /** What the file names; null where it cannot tell. */
  readonly entries: number | null;
}

/** Compares the head file of a profile with its log. Changes neither. */
export function checkHead({ folder, db, key }: Pick<Profile, 'folder' | 'db' | 'key'>): HeadReport {
  let text: string;
  try {
    text = readFileSync(join(folder, HEAD_FILE), 'utf8');
  } catch {
    return { state: 'missing', entries: null };
  }
  const head = parseHead(text, key);
  if (head === null) return { state: 'damaged', entries: null };
  const row = db.get<{ hash: string }>('SELECT hash FROM audit_entries WHERE sequence = ?', head.entries);
  return { state: row?.hash === head.hash ? 'matches' : 'cut', entries: head.entries };
}

function parseHead(text: string, key: StoreKey): { entries: number; hash: string } | null {
  try {
    const { entries, hash, mac } = Head.parse(JSON.parse(text));
    return timingSafeEqual(Buffer.from(mac, 'hex'), macOf(key, entries, hash)) ? { entries, hash } : null;
  } catch {
    return null;
  }
}

function macOf(key: StoreKey, entries: number, hash: string): Buffer {
  const secret = Buffer.from(hkdfSync('sha256', key.bytes, key.salt, 'flame audit head', 32));
  return createHmac('sha256', secret).update(`${entries}:${hash}`).digest();
}

/** Writes the head file for the log as it is now. */
export function writeHead({
  folder,
  db,
  key,
}: Pick<Profile, 'folder' | 'key'> & { readonly db: ReadableDb }): string | null {
  const last = lastAudit(db);
  if (last === null) return null;
  const { sequence: entries, hash } = last;
  const head = { format: 1, entries, hash, mac: macOf(key, entries, hash).toString('hex') };
  replaceFile(join(folder, HEAD_FILE), `${JSON.stringify(head)}\n`);
  return hash;
}

/** Signs the head file with the key of a database that was encrypted anew, if it was right under the key before. */
export function moveHead(profile: Pick<Profile, 'folder' | 'db' | 'key'>, before: StoreKey): void {
  if (checkHead({ ...profile, key: before }).state === 'matches') writeHead(profile);
}

/** Writes the head file a moment after each stored change. A write that fails is tried again with the next change. */
export class AuditHeadKeeper {
  readonly #profile: Pick<Profile, 'folder' | 'key'> & { readonly db: ReadableDb };
  #written: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(profile: Profile) {
    this.#profile = profile;
    profile.db.onCommit(() => this.#soon());
    // At once: a crash a moment after the first opening must not look like a head file that somebody removed.
    this.flush();
  }

  /** Brings the file up to the log now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    try {
      if (lastAudit(this.#profile.db)?.hash === this.#written) return;
      this.#written = writeHead(this.#profile);
    } catch {
      // A full disk or a folder taken away: the file stays behind, which accuses nobody.
    }
  }

  /** Before the database is closed. */
  stop(): void {
    this.flush();
    this.#stopped = true;
  }

  #soon(): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = setTimeout(() => this.flush(), DELAY_MS);
    this.#timer.unref();
  }
}
