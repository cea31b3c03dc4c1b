import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FlameError } from '../../shared/errors.ts';
import { newAccessCode, readAccessCode } from './access-code.ts';
import {
  accountEntry,
  makeEntry,
  openEntry,
  readRing,
  settled,
  storeKeysOf,
  withNext,
  withSecret,
  writeRing,
  type Entry,
} from './key-ring.ts';
import { MOST_FAILURES, SignInPauses, waitAfter } from './sign-in-pauses.ts';
import { temporaryFolder } from '../store/testing.ts';

const CHEAP = 2 ** 10;
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

const newKey = () => ({ bytes: randomBytes(32), salt: randomBytes(16) });
const ADA = { id: 'a', kind: 'account', name: 'Ada  Éxample' } as const;
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'done';
  } catch (thrown) {
    return thrown instanceof FlameError ? thrown.code : thrown;
  }
};

describe('the ring of keys', () => {
  test('an entry gives its key to its secret alone, and a new key reaches it without the secret', async () => {
    const [key, next] = [newKey(), newKey()];
    const entry = await makeEntry(ADA, 'café', key, CHEAP);
    expect(await openEntry(entry, 'cafe')).toBeNull();
    const pair = (await openEntry(entry, 'cafe\u0301'))!;
    expect(storeKeysOf(entry, pair)).toEqual({ present: key, next: null });
    const moving = withNext(entry, next);
    expect(storeKeysOf(moving, pair)).toEqual({ present: key, next });
    const done = settled({ format: 2, entries: [moving] }, true).entries[0]!;
    expect(storeKeysOf(done, pair)).toEqual({ present: next, next: null });
    const undone = settled({ format: 2, entries: [moving] }, false).entries[0]!;
    expect(storeKeysOf(undone, pair)).toEqual({ present: key, next: null });
    const changed = await withSecret(entry, pair, 'another', CHEAP);
    expect(await openEntry(changed, 'café')).toBeNull();
    expect(await openEntry(changed, 'another')).toEqual(pair);
  });

  test('no part of an entry works in another one, and nothing that was changed opens', async () => {
    const key = newKey();
    const [a, b] = [
      await makeEntry(ADA, 's', key, CHEAP),
      await makeEntry({ ...ADA, id: 'b' }, 's', key, CHEAP),
    ];
    expect(await openEntry({ ...b, lock: a.lock }, 's')).toBeNull();
    const pair = (await openEntry(a, 's'))!;
    expect(codeOf(() => storeKeysOf({ ...a, sealed: b.sealed }, pair))).toBe('STORE_KEY_WRONG');
    expect(codeOf(() => storeKeysOf({ ...a, kind: 'recovery' }, pair))).toBe('STORE_KEY_WRONG');
    const flip = (text: string): string => (text.startsWith('0') ? '1' : '0') + text.slice(1);
    for (const field of ['ephemeral', 'nonce', 'key', 'tag'] as const) {
      const sealed = { ...a.sealed, [field]: flip(a.sealed[field]) };
      expect(
        codeOf(() => storeKeysOf({ ...a, sealed }, pair)),
        field,
      ).toBe('STORE_KEY_WRONG');
    }
    for (const field of ['salt', 'nonce', 'key', 'tag'] as const) {
      const lock = { ...a.lock, [field]: flip(a.lock[field]) };
      expect(await openEntry({ ...a, lock }, 's'), field).toBeNull();
    }
  });

  test('is found by a name however it is typed, holds no secret in clear, and a damaged file says so', async () => {
    const key = newKey();
    const entry = await makeEntry(ADA, 'a secret phrase', key, CHEAP);
    writeRing(folder.path, { format: 2, entries: [entry] });
    const file = join(folder.path, 'keys.json');
    const text = readFileSync(file, 'utf8');
    for (const bytes of [key.bytes, key.salt]) expect(text).not.toContain(bytes.toString('hex'));
    const ring = readRing(folder.path);
    for (const name of ['a', 'ADA éxample', 'ada e\u0301xample '])
      expect(accountEntry(ring, name)?.id, name).toBe('a');
    expect(accountEntry(ring, 'ada')).toBeNull();
    for (const bad of ['', '{', text.slice(0, -40), text.replace('"format": 2', '"format": 3')]) {
      writeFileSync(file, bad);
      expect(codeOf(() => readRing(folder.path))).toBe('STORE_KEY_WRONG');
    }
    expect(codeOf(() => writeRing(folder.path, { format: 2, entries: [{} as Entry] }))).not.toBe('done');
  });
});

describe('codes', () => {
  test('are read back however they are typed, and one wrong sign is found', () => {
    fc.assert(
      fc.property(fc.nat(31), fc.nat(31), (at, other) => {
        const code = newAccessCode();
        const typed = code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
        expect(readAccessCode(` ${typed} `)).toBe(code);
        const digits = Array.from(code.replaceAll('-', ''));
        const wrong = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[other]!;
        if (digits[at] === wrong) return;
        digits[at] = wrong;
        // Two check digits: one slip in 1,024 is not found here, and then opens nothing.
        caught += codeOf(() => readAccessCode(digits.join(''))) === 'CODE_INVALID' ? 1 : 0;
        tried += 1;
      }),
      { numRuns: 500 },
    );
    expect(caught / tried).toBeGreaterThan(0.97);
    for (const text of ['', 'U'.repeat(32), '0'.repeat(31), '💊'.repeat(32)])
      expect(codeOf(() => readAccessCode(text))).toBe('CODE_INVALID');
  });
  let caught = 0;
  let tried = 0;
});

describe('pauses after wrong tries', () => {
  test('grow to a quarter of an hour, and end in a lock', () => {
    expect([0, 4, 5, 6, 7, 9, 10, 50, MOST_FAILURES - 1].map(waitAfter)).toEqual([
      0, 0, 30, 60, 120, 480, 900, 900, 900,
    ]);
    expect(waitAfter(MOST_FAILURES)).toBeNull();
  });

  test('count before the try is judged, run by the time that Flame runs, and begin anew with a restart', () => {
    let now = 1000;
    const pauses = new SignInPauses(folder.path, () => now);
    for (let tries = 0; tries < 5; tries++) pauses.begin('ada');
    expect(readFileSync(join(folder.path, 'sign-in.json'), 'utf8')).toContain('"ada":5');
    expect(codeOf(() => pauses.begin('ada'))).toBe('SIGN_IN_PAUSED');
    expect(pauses.wait('ben')).toBe(0);
    now += 29;
    expect(pauses.wait('ada')).toBe(1);
    const restarted = new SignInPauses(folder.path, () => now);
    expect(restarted.wait('ada')).toBe(30);
    now += 30;
    restarted.begin('ada');
    expect(restarted.wait('ada')).toBe(60);
    restarted.forget('ada');
    expect(new SignInPauses(folder.path).wait('ada')).toBe(0);
  });

  test('a file that cannot be read counts nothing; one that cannot be written allows nothing', () => {
    writeFileSync(join(folder.path, 'sign-in.json'), '{"format":1,"failures":{"ada":"many"}}');
    expect(new SignInPauses(folder.path).wait('ada')).toBe(0);
    const missing = join(folder.path, 'missing');
    expect(existsSync(missing)).toBe(false);
    expect(codeOf(() => new SignInPauses(missing).begin('ada'))).toBe('STORE_UNAVAILABLE');
  });
});
