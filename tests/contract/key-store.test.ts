/**
 * The system's key store over real ports: switched on with the passphrase, off, refused, gone with accounts, each in the
 * audit log. The store itself is a stand-in that keeps texts in memory; tests/e2e/key-store.e2e.ts asks the real one.
 */

import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KeyStore } from '../../src/engine/access/key-store.ts';
import { NO_AUDIT_FILTER } from '../../src/shared/audit.ts';
import { CHEAP, startEngine, TestFolders, type TestEngine } from './engine.ts';

const PASSPHRASE = 'a violet tractor sings';
const ADA = { name: 'Ada Quixotesson', title: 'MD', roles: ['clinician', 'administrator'] } as const;

/** Gives out a number for each text, and the text for its number. */
function standIn(): KeyStore {
  const texts: string[] = [];
  return {
    ask: (wish) => {
      if (wish.do === 'seal') {
        const value = Buffer.from(String(texts.push(wish.text) - 1)).toString('base64');
        return Promise.resolve({ ok: true, store: 'stand-in', value });
      }
      if (wish.do === 'describe') return Promise.resolve({ ok: true, store: 'stand-in', value: '' });
      const text = texts[Number(Buffer.from(wish.sealed, 'base64').toString())];
      return Promise.resolve(
        text === undefined
          ? { ok: false, refusal: 'other', store: 'stand-in' }
          : { ok: true, store: 'stand-in', value: text },
      );
    },
  };
}

let folders: TestFolders;
let app: TestEngine;
beforeEach(() => (folders = new TestFolders()));
afterEach(async () => {
  await app.stop();
  folders.remove();
});

const call: TestEngine['engine']['call'] = (method, params, options) =>
  app.engine.call(method, params, options);
const start = async (keyStore?: KeyStore): Promise<void> => {
  app = await startEngine(folders, CHEAP, undefined, keyStore ? { keyStore } : {});
};
const kept = (): string => join(folders.profile, 'key-store.json');
async function audited(): Promise<{ action: string; content: Record<string, unknown> }[]> {
  const { entries } = await call('audit.list', { filter: NO_AUDIT_FILTER, before: null, limit: 500 });
  return entries
    .map(({ action, content }) => ({ action, content: JSON.parse(content) as Record<string, unknown> }))
    .reverse();
}

it('opens the database at the next start, says so, and is switched off again', async () => {
  const keyStore = standIn();
  await start(keyStore);
  expect(await call('keyStore.get', {})).toEqual({ on: false, refusal: 'no-passphrase', store: null });
  await expect(call('keyStore.switchOn', { passphrase: PASSPHRASE })).rejects.toMatchObject({
    code: 'KEY_STORE_REFUSED',
    details: { reason: 'no-passphrase' },
  });
  await call('store.setPassphrase', { passphrase: PASSPHRASE });
  expect(await call('keyStore.get', {})).toEqual({ on: false, refusal: null, store: 'stand-in' });
  await expect(call('keyStore.switchOn', { passphrase: 'wrong' })).rejects.toMatchObject({
    code: 'STORE_KEY_WRONG',
  });
  expect(existsSync(kept())).toBe(false);
  expect(await call('keyStore.switchOn', { passphrase: PASSPHRASE })).toMatchObject({ on: true });

  await app.stop();
  await start(keyStore);
  expect(await call('app.status', {})).toMatchObject({ store: 'open', keyStoreRefusal: null });
  expect((await audited()).slice(-3)).toMatchObject([
    { action: 'store.unlock-failed' },
    { action: 'key-store.switched-on', content: { store: 'stand-in' } },
    { action: 'app.opened', content: { by: 'key-store' } },
  ]);
  expect(await call('keyStore.switchOff', {})).toMatchObject({ on: false });
  await app.stop();
  await start(keyStore);
  expect(await call('app.status', {})).toMatchObject({ store: 'locked', keyStoreRefusal: null });
});

it('leaves the database to its passphrase on another computer, and says why', async () => {
  await start(standIn());
  await call('store.setPassphrase', { passphrase: PASSPHRASE });
  await call('keyStore.switchOn', { passphrase: PASSPHRASE });
  await app.stop();
  await start(standIn());
  expect(await call('app.status', {})).toMatchObject({ store: 'locked', keyStoreRefusal: 'other' });
  expect(await call('store.unlock', { passphrase: PASSPHRASE })).toMatchObject({ store: 'open' });
  expect(await call('keyStore.get', {})).toMatchObject({ on: true, refusal: 'other' });
  expect(await call('keyStore.switchOn', { passphrase: PASSPHRASE })).toMatchObject({
    on: true,
    refusal: null,
  });
});

it.each([
  [
    'another passphrase',
    () => call('store.setPassphrase', { passphrase: 'nine slow kettles hum', present: PASSPHRASE }),
  ],
  ['accounts', () => call('accounts.setUp', { ...ADA, passphrase: PASSPHRASE, present: PASSPHRASE })],
])('is not left on when %s came while the system asked its user', async (_what, meanwhile) => {
  const inner = standIn();
  let asked: Promise<unknown> | null = null;
  await start({
    ask: async (wish) => {
      if (wish.do === 'seal') await (asked ??= meanwhile());
      return await inner.ask(wish);
    },
  });
  await call('store.setPassphrase', { passphrase: PASSPHRASE });
  await expect(call('keyStore.switchOn', { passphrase: PASSPHRASE })).rejects.toMatchObject({
    code: 'STORE_BUSY',
  });
  expect(existsSync(kept())).toBe(false);
});

it('opens nothing where there are accounts, not even from a copy that is put back', async () => {
  const keyStore = standIn();
  await start(keyStore);
  await call('store.setPassphrase', { passphrase: PASSPHRASE });
  await call('keyStore.switchOn', { passphrase: PASSPHRASE });
  const copy = join(folders.base, 'copy');
  copyFileSync(kept(), copy);
  await call('accounts.setUp', { ...ADA, passphrase: PASSPHRASE, present: PASSPHRASE });
  expect(existsSync(kept())).toBe(false);
  expect(await call('keyStore.get', {})).toEqual({ on: false, refusal: 'accounts', store: null });
  await expect(call('keyStore.switchOn', { passphrase: PASSPHRASE })).rejects.toMatchObject({
    details: { reason: 'accounts' },
  });
  await app.stop();

  copyFileSync(copy, kept());
  await start(keyStore);
  expect(await call('app.status', {})).toMatchObject({ store: 'locked', patientCount: 0 });
  for (const method of ['keyStore.get', 'keyStore.switchOff'] as const)
    await expect(call(method, {})).rejects.toMatchObject({ code: 'SESSION_LOCKED' });
  await call('session.signIn', { account: ADA.name, passphrase: PASSPHRASE });
  expect(existsSync(kept())).toBe(false);
  expect(await audited()).toContainEqual({
    action: 'key-store.switched-off',
    content: { because: 'accounts.set-up' },
  });
});
