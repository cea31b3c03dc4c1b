/**
 * Encrypts the database anew under a key that no earlier account, code or copy of the key file opens. A copy is made,
 * encrypted and checked; then it takes the place of the database in one step. Killed at any moment, the ring of keys
 * opens whichever of the two is there.
 */

import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { FlameError } from '../../shared/errors.ts';
import { moveHead } from '../audit/audit-head.ts';
import { readRing, settled, withNext, writeRing } from './key-ring.ts';
import { KEY_BYTES, SALT_BYTES, type StoreKey } from './key-seal.ts';
import type { Profile } from '../profile.ts';
import { syncFolder } from '../publish.ts';
import { findCode, listAccounts } from '../store/accounts.ts';
import { copyStore } from '../store/copy.ts';
import { openStore } from '../store/open.ts';

/**
 * Makes the copy and the ring that opens both. Nothing has changed for anybody when it throws.
 * @returns what closes the present database, puts the copy in its place, and opens that
 * @throws FlameError STORE_UNAVAILABLE, LAST_ADMINISTRATOR when no administrator's key is the one on record
 */
export function prepareRekey(profile: Profile, nativeBinding?: string): () => Profile {
  const { folder, db, key: before } = profile;
  const key: StoreKey = { bytes: randomBytes(KEY_BYTES), salt: randomBytes(SALT_BYTES) };
  const { file } = db;
  const draft = `${file}.new`;
  const ring = readRing(folder);
  const accounts = listAccounts(db);
  const administrators = new Set(
    accounts.filter(({ roles }) => roles.includes('administrator')).map(({ id }) => id),
  );
  const known = new Map<string, string>([
    ...accounts.map(({ id, publicKey }): [string, string] => [id, publicKey]),
    ...(['recovery', 'emergency'] as const).flatMap((kind): [string, string][] => {
      const code = findCode(db, kind);
      return code ? [[code.id, code.publicKey]] : [];
    }),
  ]);
  // Sealed only to keys that the database names: an entry that somebody put into the file gets nothing.
  const entries = ring.entries.filter(({ id, publicKey }) => known.get(id) === publicKey);
  if (!entries.some(({ id }) => administrators.has(id))) throw new FlameError('LAST_ADMINISTRATOR');
  rmSync(draft, { force: true });
  try {
    copyStore(db, before, { file: draft, key, nativeBinding });
    writeRing(folder, { ...ring, entries: entries.map((entry) => withNext(entry, key)) });
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
  return () => {
    db.close();
    renameSync(draft, file);
    syncFolder(dirname(file));
    const next = { ...profile, db: openStore({ file, key, nativeBinding }), key };
    moveHead(next, before);
    writeRing(folder, settled(readRing(folder), true));
    return next;
  };
}
