/**
 * The path of the key through the system's key store, over a stand-in for that store: an encryption whose key this file
 * holds. What a real keyring does is tried in tests/e2e/key-store.e2e.ts, on machines that have one.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FlameError } from '../../shared/errors.ts';
import type { KeyStoreAnswer, KeyStoreWish } from '../../shared/key-store-api.ts';
import { decrypt, encrypt } from './key-seal.ts';
import { hasKeptKey, keepKey, NO_KEY_STORE, readKeptKey, ShellKeyStore, type KeyStore } from './key-store.ts';
import { removeEarlierKeys, setPassphrase } from './key.ts';
import { openProfile, type Profile, type ProfileOptions } from '../profile.ts';
import { temporaryFolder } from '../store/testing.ts';

const CHEAP = 2 ** 10;
const PASSPHRASE = 'a violet tractor sings';

/** Stands in for the keyring of one user of one computer. */
class StandInKeyring implements KeyStore {
  readonly #key = randomBytes(32);
  readonly heard: KeyStoreWish[] = [];

  ask(wish: KeyStoreWish): Promise<KeyStoreAnswer> {
    this.heard.push(wish);
    return Promise.resolve(this.#answer(wish));
  }

  #answer(wish: KeyStoreWish): KeyStoreAnswer {
    const store = 'stand-in';
    if (wish.do === 'describe') return { ok: true, store, value: '' };
    if (wish.do === 'seal') {
      const box = encrypt(this.#key, Buffer.from(wish.text), '');
      return { ok: true, store, value: Buffer.from(JSON.stringify(box)).toString('base64') };
    }
    const opened = this.#open(Buffer.from(wish.sealed, 'base64').toString());
    if (opened === null) return { ok: false, refusal: 'other', store };
    return { ok: true, store, value: opened.toString() };
  }

  #open(sealed: string): Buffer | null {
    if (/[A-F]/.test(sealed)) return null; // Changed: these would be read as the same digits.
    try {
      return decrypt(this.#key, JSON.parse(sealed) as Parameters<typeof decrypt>[1], '');
    } catch {
      return null;
    }
  }
}

let folder: ReturnType<typeof temporaryFolder>;
let open: Profile | null;
let keyring: StandInKeyring;
beforeEach(async () => {
  folder = temporaryFolder();
  keyring = new StandInKeyring();
  open = await openProfile({ folder: profileFolder() });
  await setPassphrase(profileFolder(), open.key, PASSPHRASE, CHEAP);
  await keepKey(profileFolder(), open.key, keyring);
  closeProfile();
});
afterEach(() => {
  closeProfile();
  folder.remove();
});

const profileFolder = (): string => join(folder.path, 'profile');
const keptFile = (): string => join(profileFolder(), 'key-store.json');
function closeProfile(): void {
  open?.db.close();
  open = null;
}
async function reopen(how: Omit<ProfileOptions, 'folder'>): Promise<Profile> {
  closeProfile();
  return (open = await openProfile({ folder: profileFolder(), ...how }));
}
/** What the opening answers: `opened`, or the code with the reason. */
async function outcome(how: Omit<ProfileOptions, 'folder'>): Promise<string> {
  try {
    await reopen(how);
    return 'opened';
  } catch (thrown) {
    if (!(thrown instanceof FlameError)) throw thrown;
    return `${thrown.code} ${String(thrown.details['keyStore'] ?? '')}`.trim();
  }
}

describe('the key store of the system', () => {
  test('opens the database besides the passphrase, and never sees its key', async () => {
    const { key, byKeyStore } = await reopen({ keyStore: keyring });
    expect(byKeyStore).toBe(true);
    expect(await outcome({ keyStore: keyring, passphrase: PASSPHRASE })).toBe('opened');
    expect(await outcome({ passphrase: PASSPHRASE })).toBe('opened');
    expect(open!.byKeyStore).toBeUndefined();

    const heard = JSON.stringify(keyring.heard);
    const kept = readFileSync(keptFile(), 'utf8');
    for (const text of [key.bytes.toString('hex'), key.bytes.toString('base64'), PASSPHRASE]) {
      expect(heard).not.toContain(text);
      expect(kept).not.toContain(text);
    }
    expect(statSync(keptFile()).mode & 0o777).toBe(0o600);
  });

  test('does not open it without the store, for another user, or where the store refuses', async () => {
    expect(await outcome({})).toBe('STORE_LOCKED');
    expect(await outcome({ keyStore: NO_KEY_STORE })).toBe('STORE_LOCKED no-shell');
    expect(await outcome({ keyStore: new StandInKeyring() })).toBe('STORE_LOCKED other');
    const plain: KeyStore = {
      ask: () => Promise.resolve({ ok: false, refusal: 'not-real', store: null }),
    };
    expect(await outcome({ keyStore: plain })).toBe('STORE_LOCKED not-real');
    expect(await outcome({ keyStore: plain, passphrase: PASSPHRASE })).toBe('opened');
  });

  test('keeps nothing where it refuses', async () => {
    const { key } = await reopen({ passphrase: PASSPHRASE });
    const other = join(folder.path, 'other');
    await expect(keepKey(other, key, NO_KEY_STORE)).rejects.toMatchObject({
      code: 'KEY_STORE_REFUSED',
      details: { reason: 'no-shell' },
    });
    expect(existsSync(other)).toBe(false);
  });

  test('a file that was changed anywhere, cut, or made for another database leaves it locked, not broken', async () => {
    const good = readFileSync(keptFile(), 'utf8');
    const changed = (at: number): string => {
      const other = good[at] === '0' ? '1' : '0';
      return good.slice(0, at) + other + good.slice(at + 1);
    };
    const places = Array.from({ length: 24 }, (_, index) => Math.floor(((index + 0.5) * good.length) / 24));
    for (const text of ['', '{}', good.slice(0, good.length / 2), ...places.map(changed)]) {
      writeFileSync(keptFile(), text);
      expect(await outcome({ keyStore: keyring })).toBe('STORE_LOCKED other');
    }
    const stranger = { bytes: randomBytes(32), salt: randomBytes(16) };
    await keepKey(profileFolder(), stranger, keyring);
    expect(await outcome({ keyStore: keyring })).toBe('STORE_LOCKED other');
    expect(await outcome({ keyStore: keyring, passphrase: PASSPHRASE })).toBe('opened');
  });

  test.each(['a new words passphrase', null])('is forgotten when the passphrase becomes %s', async (next) => {
    const { key } = await reopen({ passphrase: PASSPHRASE });
    writeFileSync(`${keptFile()}.draft-0`, readFileSync(keptFile()));
    await setPassphrase(profileFolder(), key, next, CHEAP);
    expect(hasKeptKey(profileFolder())).toBe(false);
    expect(readdirSync(profileFolder()).filter((name) => name.startsWith('key-store'))).toEqual([]);
    expect(await outcome({ keyStore: keyring })).toBe(next === null ? 'opened' : 'STORE_LOCKED');
  });

  test('is forgotten when accounts come, or at their next opening when somebody put it back', async () => {
    const { key } = await reopen({ passphrase: PASSPHRASE });
    removeEarlierKeys(profileFolder(), key);
    expect(hasKeptKey(profileFolder())).toBe(false);
  });

  test('a shell that does not answer is one that is not available', async () => {
    const silent = new ShellKeyStore(() => undefined, 5);
    expect(await readKeptKey(profileFolder(), silent)).toEqual({ key: null, refusal: 'not-available' });
  });
});
