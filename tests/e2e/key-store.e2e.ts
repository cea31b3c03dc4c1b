/**
 * The computer's real key store, through the settings of the built app. A machine without a keyring proves that Flame refuses
 * and says why; one with GNOME Keyring (`gnome-keyring-daemon`, `dbus-run-session`) proves the whole way as well.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, temporaryFolder, test, type LaunchOptions } from './app.ts';
import { seriousFindings } from './axe.ts';

const OWNER_WANTED = [
  '--session',
  '--print-reply',
  '--dest=org.freedesktop.DBus',
  '/org/freedesktop/DBus',
  'org.freedesktop.DBus.NameHasOwner',
  'string:org.freedesktop.secrets',
];

/** A login with GNOME Keyring, of its own session bus and home. */
class KeyringSession {
  readonly #home = temporaryFolder();
  readonly #processes: ChildProcess[] = [];
  #address = '';

  static isPossible(): boolean {
    return ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'].every(
      (name) => spawnSync(name, ['--version']).error === undefined,
    );
  }

  async start(): Promise<void> {
    const bus = this.#spawn('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=1']);
    const [address] = (await once(bus.stdout!, 'data')) as [Buffer];
    this.#address = address.toString().trim();
    const keyring = this.#spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets']);
    keyring.stdin!.end('login password');
    const env = { ...process.env, ...this.#environment() };
    await expect // It says nothing when it is ready; its name on the bus does.
      .poll(() => spawnSync('dbus-send', OWNER_WANTED, { env }).stdout.toString(), { timeout: 20_000 })
      .toContain('boolean true');
  }

  get options(): LaunchOptions {
    return { env: this.#environment(), args: ['--password-store=gnome-libsecret'] };
  }

  stop(): void {
    for (const process of this.#processes.splice(0)) process.kill();
  }

  #environment(): Record<string, string> {
    const home = this.#home;
    return {
      DBUS_SESSION_BUS_ADDRESS: this.#address,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_RUNTIME_DIR: home,
    };
  }

  #spawn(name: string, args: string[]): ChildProcess {
    const child = spawn(name, args, {
      env: { ...process.env, ...this.#environment() },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#processes.push(child);
    return child;
  }
}

const PASSPHRASE = 'a violet tractor sings';

async function openSettings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
}

async function setPassphrase(page: Page): Promise<void> {
  await page.getByLabel(/^Passphrase \(at least/).fill(PASSPHRASE);
  await page.getByLabel('Once more').fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Set the passphrase' }).click();
  await expect(page.getByText('The passphrase is set.')).toBeVisible();
}

test('is not offered where the system has none that hides anything, and the settings say why', async ({
  launch,
}) => {
  const { page, profile } = await launch({ args: ['--password-store=basic'] });
  await openSettings(page);
  await expect(page.getByText('Not offered: Set a passphrase first.')).toBeVisible();
  await setPassphrase(page);
  await expect(
    page.getByText('Not offered: This computer has no key store that hides anything.'),
  ).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  const forced = await page.evaluate(
    (passphrase) => window.flame.start('keyStore.switchOn', { passphrase }, () => undefined).reply,
    PASSPHRASE,
  );
  expect(forced).toMatchObject({
    ok: false,
    error: { code: 'KEY_STORE_REFUSED', details: { reason: 'not-real' } },
  });
  expect(existsSync(join(profile, 'key-store.json'))).toBe(false);
});

test('with a real keyring opens the database by itself, and leaves it to the passphrase in another login', async ({
  launch,
}) => {
  test.skip(!KeyringSession.isPossible(), 'this machine has no GNOME Keyring');
  test.slow();
  const login = new KeyringSession();
  const another = new KeyringSession();
  try {
    await login.start();
    await another.start();
    const first = await launch(login.options);
    const { profile } = first;
    await openSettings(first.page);
    await setPassphrase(first.page);
    await first.page.getByLabel('Passphrase, to switch it on').fill(PASSPHRASE);
    await first.page.getByRole('button', { name: 'Let the key store open the database' }).click();
    await expect(first.page.getByText('It is on (GNOME Keyring)')).toBeVisible();
    expect(await seriousFindings(first.page)).toEqual([]);
    await first.close();

    const elsewhere = await launch({ ...another.options, profile });
    await expect(
      elsewhere.page.getByText('did not open the database. It does not know the key'),
    ).toBeVisible();
    await elsewhere.page.getByLabel('Passphrase').fill(PASSPHRASE);
    await elsewhere.page.getByRole('button', { name: 'Open' }).click();
    await expect(elsewhere.page.getByRole('heading', { name: 'Welcome to Flame' })).toBeVisible();
    await elsewhere.close();

    const { page } = await launch({ ...login.options, profile });
    await expect(page.getByRole('heading', { name: 'Welcome to Flame' })).toBeVisible();
    await openSettings(page);
    await page.getByRole('button', { name: 'Switch off' }).click();
    await expect(page.getByText('It is off: the database opens with its passphrase only.')).toBeVisible();
    expect(existsSync(join(profile, 'key-store.json'))).toBe(false);
  } finally {
    login.stop();
    another.stop();
  }
});
