/** Opens the built app in real Electron on a profile of its own, for end-to-end tests. Run them through `npm run test:e2e`. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, test as base, type ElectronApplication, type Page } from '@playwright/test';

export const ROOT = resolve(import.meta.dirname, '../..');

/** The Electron to test, as scripts/e2e.mjs found it. */
export function electronExecutable(): string {
  const path = process.env['FLAME_ELECTRON'];
  if (!path) throw new Error('FLAME_ELECTRON is not set: run the end-to-end tests with npm run test:e2e');
  return path;
}

export interface LaunchOptions {
  /** Profile folder; use one twice to reopen the app on the same data. A new temporary one by default. */
  readonly profile?: string;
  /** Further environment, e.g. FLAME_E2E_IMPORT_FILE: the file that the import dialog "picks". */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Folder of the built app; this checkout by default. */
  readonly root?: string;
}

export interface FlameApp {
  readonly electron: ElectronApplication;
  readonly page: Page;
  readonly profile: string;
  /** Everything the page and the processes wrote to their consoles so far. */
  readonly log: readonly string[];
  /** Quits in order, as a user would; the database is closed. Returns the exit status. */
  close(): Promise<number | null>;
}

/** Temporary folders of this run, removed with `removeTemporaryFolders`. */
const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flame-e2e-'));
  folders.push(folder);
  return folder;
}

export function removeTemporaryFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Starts Flame and waits for its window; the engine may still be starting. */
export async function launchFlame(options: LaunchOptions = {}): Promise<FlameApp> {
  const profile = options.profile ?? join(temporaryFolder(), 'profile');
  const holdReady = ['-r', join(ROOT, 'tests/e2e/hold-ready.cjs')];
  const args = [...holdReady, '--disable-gpu', '--force-color-profile=srgb', ...(options.args ?? [])];
  const electron = await _electron.launch({
    executablePath: electronExecutable(),
    args: [...args, options.root ?? ROOT], // Playwright adds --no-sandbox where Chromium's sandbox cannot work
    cwd: ROOT,
    env: { ...inheritedEnv(), ...ownDisplay(), LANG: 'en_US.UTF-8', FLAME_PROFILE: profile, ...options.env },
  });
  const log: string[] = [];
  const process = electron.process();
  process.stdout?.on('data', (data: Buffer) => log.push(data.toString()));
  process.stderr?.on('data', (data: Buffer) => log.push(data.toString()));
  const exit = new Promise<number | null>((settle) => process.once('exit', (code) => settle(code)));
  const page = await electron.firstWindow();
  page.on('console', (message) => log.push(`page: ${message.text()}`));
  page.on('pageerror', (error) => log.push(`page error: ${error.message}`));
  await page.waitForLoadState('domcontentloaded');
  return {
    electron,
    page,
    profile,
    log,
    close: async () => {
      await electron.close();
      return await exit;
    },
  };
}

/** The engine's process id; null while there is none. */
export async function enginePid({ electron }: FlameApp): Promise<number | null> {
  return await electron.evaluate(
    ({ app }) => app.getAppMetrics().find(({ name }) => name === 'engine')?.pid ?? null,
  );
}

/** Kills the engine at once, as a crash would; the shell restarts it. */
export async function killEngine(flame: FlameApp): Promise<number> {
  const pid = await enginePid(flame);
  if (pid === null) throw new Error('no engine process to kill');
  process.kill(pid, 'SIGKILL');
  return pid;
}

/** The screen of this worker, where scripts/e2e.mjs opened one for each. */
function ownDisplay(): Record<string, string> {
  const displays = (process.env['FLAME_E2E_DISPLAYS'] ?? '').split(',');
  const display = displays[Number(process.env['TEST_PARALLEL_INDEX'] ?? 0)];
  return display ? { DISPLAY: display } : {};
}

function inheritedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

interface Fixtures {
  /** Opens the app as often as a test likes; whatever is left open at its end is closed. */
  readonly launch: (options?: LaunchOptions) => Promise<FlameApp>;
  /** The app, open on an empty profile. */
  readonly flame: FlameApp;
}

/** Playwright's `test` with Flame: import it instead of Playwright's own. A failed test attaches log and screenshot. */
export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern
  launch: async ({}, use, testInfo) => {
    const open: FlameApp[] = [];
    await use(async (options) => {
      const flame = await launchFlame(options);
      open.push(flame);
      return flame;
    });
    for (const [index, flame] of open.entries()) {
      if (testInfo.status !== testInfo.expectedStatus) {
        await testInfo.attach(`log-${index}.txt`, { body: flame.log.join(''), contentType: 'text/plain' });
        const shot = await flame.page.screenshot({ timeout: 5000 }).catch(() => null);
        if (shot !== null)
          await testInfo.attach(`screen-${index}.png`, { body: shot, contentType: 'image/png' });
      }
      await flame.close().catch(() => undefined); // already closed by the test
    }
    removeTemporaryFolders();
  },
  flame: async ({ launch }, use) => {
    await use(await launch());
  },
});

export { expect } from '@playwright/test';
