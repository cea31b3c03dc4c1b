import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FlameError } from '../../shared/errors.ts';
import { createKey, keyState, readKey, setPassphrase } from './key.ts';
import { temporaryFolder } from '../store/testing.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

/** scrypt's cost for tests that are not about it. */
const CHEAP = 2 ** 10;

const path = (name: string): string => join(folder.path, name);
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof FlameError ? thrown.code : thrown),
  );

describe('device key file', () => {
  test('is made once, readable by its owner only, and read back', async () => {
    expect(keyState(folder.path)).toBe('missing');
    const key = createKey(folder.path);
    expect(keyState(folder.path)).toBe('device');
    expect(statSync(path('device.key')).mode & 0o777).toBe(0o600);
    expect(await readKey(folder.path, null)).toEqual(key);
    expect(createKey(folder.path)).toEqual(key);
    expect(readdirSync(folder.path)).toEqual(['device.key']);
    expect([key.bytes.length, key.salt.length]).toEqual([32, 16]);
  });

  test.each([0o644, 0o640, 0o604, 0o660])('with mode %o is refused', async (mode) => {
    createKey(folder.path);
    chmodSync(path('device.key'), mode);
    expect(await codeOf(readKey(folder.path, null))).toBe('STORE_KEY_UNSAFE');
  });

  test('that is no key is refused: empty, short, long, not hexadecimal, a folder, a link', async () => {
    createKey(folder.path);
    const good = readFileSync(path('device.key'), 'utf8');
    for (const text of ['', good.slice(2), good.trim(), `${good}0`, `x${good.slice(1)}`, '0'.repeat(64)]) {
      writeFileSync(path('device.key'), text);
      expect(await codeOf(readKey(folder.path, null))).toBe('STORE_KEY_UNSAFE');
    }
    writeFileSync(path('device.key'), good);
    renameSync(path('device.key'), path('elsewhere'));
    symlinkSync(path('elsewhere'), path('device.key'));
    expect(await codeOf(readKey(folder.path, null))).toBe('STORE_KEY_UNSAFE');
  });

  test('that is missing is a wrong key, never a new one', async () => {
    expect(await codeOf(readKey(folder.path, null))).toBe('STORE_KEY_WRONG');
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe('passphrase', () => {
  test('costs 128 MiB a guess unless a test says otherwise', async () => {
    const key = createKey(folder.path);
    await setPassphrase(folder.path, key, 'p');
    expect(JSON.parse(readFileSync(path('key.json'), 'utf8'))).toMatchObject({ N: 2 ** 17, r: 8, p: 1 });
    expect(await readKey(folder.path, 'p')).toEqual(key);
  });

  test('set, changed and removed: always the same key, the device key file gone while it holds', async () => {
    const key = createKey(folder.path);
    await setPassphrase(folder.path, key, 'café au lait', CHEAP);
    expect(readdirSync(folder.path)).toEqual(['key.json']);
    expect(statSync(path('key.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(path('key.json'), 'utf8')).not.toContain(key.bytes.toString('hex'));
    expect(await codeOf(readKey(folder.path, null))).toBe('STORE_LOCKED');
    expect(await codeOf(readKey(folder.path, 'cafe au lait'))).toBe('STORE_KEY_WRONG');
    expect(await readKey(folder.path, 'cafe\u0301 au lait')).toEqual(key);

    await setPassphrase(folder.path, key, 'another', CHEAP);
    expect(await codeOf(readKey(folder.path, 'café au lait'))).toBe('STORE_KEY_WRONG');
    expect(await readKey(folder.path, 'another')).toEqual(key);

    await setPassphrase(folder.path, key, null);
    expect(readdirSync(folder.path)).toEqual(['device.key']);
    expect(await readKey(folder.path, null)).toEqual(key);
    expect(await codeOf(setPassphrase(folder.path, key, ''))).toBe('INVALID_INPUT');
  });

  test('a damaged key.json is a wrong key and stays as it is', async () => {
    const key = createKey(folder.path);
    await setPassphrase(folder.path, key, 'p', CHEAP);
    const good = readFileSync(path('key.json'), 'utf8');
    const parsed = JSON.parse(good) as { key: string; tag: string };
    const flipped = JSON.stringify({
      ...parsed,
      key: `${parsed.key.startsWith('0') ? '1' : '0'}${parsed.key.slice(1)}`,
    });
    const cheap = JSON.stringify({ ...parsed, N: 2048 });
    const shortTag = JSON.stringify({ ...parsed, tag: parsed.tag.slice(0, 8) });
    for (const text of ['', good.slice(0, 50), '{}', flipped, cheap, shortTag]) {
      writeFileSync(path('key.json'), text);
      expect(await codeOf(readKey(folder.path, 'p'))).toBe('STORE_KEY_WRONG');
      expect(readFileSync(path('key.json'), 'utf8')).toBe(text);
    }
  });

  test('every state in which a crash can leave a change opens with the key it had', async () => {
    const key = createKey(folder.path);
    const device = readFileSync(path('device.key'), 'utf8');
    await setPassphrase(folder.path, key, 'p', CHEAP);
    const wrapped = readFileSync(path('key.json'), 'utf8');
    const files = (contents: Record<string, string>): void => {
      for (const name of readdirSync(folder.path)) rmSync(path(name));
      for (const [name, text] of Object.entries(contents)) writeFileSync(path(name), text, { mode: 0o600 });
    };
    // Setting it, in the order of its steps: draft half, draft whole, renamed, device file overwritten, removed.
    files({ 'device.key': device, 'key.json.draft-0': wrapped.slice(0, 9) });
    expect(await readKey(folder.path, null)).toEqual(key);
    files({ 'device.key': device, 'key.json.draft-0': wrapped });
    expect(await readKey(folder.path, null)).toEqual(key);
    for (const leftover of [device, '\0'.repeat(device.length), '']) {
      files({ 'device.key': leftover, 'key.json': wrapped });
      expect(await codeOf(readKey(folder.path, null))).toBe('STORE_LOCKED');
      expect(await readKey(folder.path, 'p')).toEqual(key);
      expect(readdirSync(folder.path)).toEqual(['key.json']); // The change is completed.
    }
    // Taking it away: the plain key's draft beside the wrapped one is removed again.
    files({ 'device.key.draft-0': device, 'key.json': wrapped });
    expect(await readKey(folder.path, 'p')).toEqual(key);
    expect(readdirSync(folder.path)).toEqual(['key.json']);
    // A device key file with another key may be the only copy of that one: it stays.
    files({ 'device.key': `${'ab'.repeat(48)}\n`, 'key.json': wrapped });
    expect(await readKey(folder.path, 'p')).toEqual(key);
    expect(existsSync(path('device.key'))).toBe(true);
  });
});
