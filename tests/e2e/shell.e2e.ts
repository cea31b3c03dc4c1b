/** The shell in real Electron: window, engine start, crash and restart, orderly end, one instance. */

import { spawn } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { BridgeReply } from '../../src/shared/bridge.ts';
import type { EngineState, MethodName } from '../../src/shared/contract.ts';
import { ROOT, electronExecutable, enginePid, expect, killEngine, temporaryFolder, test } from './app.ts';

type Watched = Window & { states: EngineState[]; underWay: Promise<BridgeReply> };

function call(page: Page, method: MethodName, params: object = {}): Promise<BridgeReply> {
  return page.evaluate(([name, given]) => window.flame.start(name, given, () => undefined).reply, [
    method,
    params,
  ] as const);
}

async function patientCount(page: Page): Promise<number> {
  const reply = await call(page, 'app.status');
  if (!reply.ok) throw new Error(JSON.stringify(reply.error));
  return (reply.value as { patientCount: number }).patientCount;
}

/** Collects every engine state that the page hears of. */
async function watchStates(page: Page): Promise<() => Promise<EngineState[]>> {
  await page.evaluate(() => {
    const watched = window as unknown as Watched;
    watched.states = [];
    window.flame.onEngineState((state) => watched.states.push(state));
  });
  return () => page.evaluate(() => (window as unknown as Watched).states);
}

/** Runs the built app by itself, without Playwright; returns exit status and output. */
async function runApp(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const child = spawn(electronExecutable(), ['--disable-gpu', ...sandbox, ROOT], {
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

test('opens one window on a private profile folder and answers its calls', async ({ flame }) => {
  const { electron, page, profile } = flame;
  const window = await electron.evaluate(({ BrowserWindow }) => {
    const windows = BrowserWindow.getAllWindows();
    return {
      count: windows.length,
      size: windows[0]!.getSize(),
      minimum: windows[0]!.getMinimumSize(),
    };
  });
  expect(window).toEqual({ count: 1, size: [1280, 800], minimum: [1024, 700] });
  expect(statSync(profile).mode & 0o777).toBe(0o700);
  await expect(page).toHaveTitle(/Flame/);
  await expect(call(page, 'app.status')).resolves.toMatchObject({ ok: true, value: { store: 'open' } });
  await expect(call(page, 'files.grant' as MethodName)).resolves.toMatchObject({
    ok: false,
    error: { code: 'METHOD_UNKNOWN' }, // the shell's methods are not the page's
  });
  await expect
    .poll(() => electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.isVisible()))
    .toBe(true);
  await page.screenshot({ path: 'test-results/window.png' });
  expect(flame.log.filter((line) => /Content Security Policy|Trusted|page error/.test(line))).toEqual([]);
});

test('an engine that dies during a call: the call fails, the engine restarts, nothing is lost', async ({
  flame,
}) => {
  const { page } = flame;
  await call(page, 'demo.load');
  const before = await patientCount(page);
  expect(before).toBeGreaterThan(0);
  const states = await watchStates(page);

  const first = await enginePid(flame);
  process.kill(first!, 'SIGSTOP'); // so that the call is surely under way
  await page.evaluate(() => {
    (window as unknown as Watched).underWay = window.flame.start('app.status', {}, () => undefined).reply;
  });
  await killEngine(flame);
  const reply = await page.evaluate(() => (window as unknown as Watched).underWay);
  expect(reply).toEqual({ ok: false, error: { code: 'ENGINE_GONE', details: {} } });

  expect(await patientCount(page)).toBe(before); // waits for the new engine by itself
  expect(await states()).toEqual(['ready', 'restarting', 'ready']);
  expect(await enginePid(flame)).not.toBe(first);
});

test('an engine that keeps dying is given up, and every call says so', async ({ flame }) => {
  const { page } = flame;
  const states = await watchStates(page);
  await call(page, 'app.status');
  // From inside the shell, so that no restart is missed on a busy machine.
  await flame.electron.evaluate(({ app }) => {
    setInterval(() => {
      const engine = app.getAppMetrics().find(({ name }) => name === 'engine');
      if (engine !== undefined) process.kill(engine.pid, 'SIGKILL');
    }, 20);
  });
  await expect.poll(async () => (await states()).at(-1), { timeout: 60_000 }).toBe('stopped');
  await expect(call(page, 'app.status')).resolves.toMatchObject({
    ok: false,
    error: { code: 'ENGINE_GONE' },
  });
  expect(await flame.close()).toBe(0); // and the app can still be quit
});

test('a reloaded page gets a new port', async ({ flame }) => {
  await call(flame.page, 'app.status');
  await flame.page.reload();
  await expect(call(flame.page, 'app.status')).resolves.toMatchObject({ ok: true });
});

test('quitting closes the database, and reopening finds what was stored', async ({ launch }) => {
  const first = await launch();
  await call(first.page, 'demo.load');
  const stored = await patientCount(first.page);
  expect(await first.close()).toBe(0);
  const files = readdirSync(first.profile);
  expect(files.filter((name) => /-(wal|shm|journal)$/.test(name))).toEqual([]);

  const second = await launch({ profile: first.profile });
  expect(await patientCount(second.page)).toBe(stored);
});

test('a second start on the same profile shows the first window and ends', async ({ flame }) => {
  const heard = flame.electron.evaluate(
    ({ app }) => new Promise<boolean>((resolve) => app.once('second-instance', () => resolve(true))),
  );
  const { code, output } = await runApp({ FLAME_PROFILE: flame.profile });
  expect(code).toBe(0);
  expect(output).toContain('already open');
  expect(await heard).toBe(true);
});

test('the page imports a picked file without ever seeing its path', async ({ launch }) => {
  const file = join(temporaryFolder(), 'picked-visits.jsonl');
  writeFileSync(file, '');
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await call(page, 'app.status');
  const reply = await page.evaluate(() => window.flame.pickImportFile('visits'));
  expect(reply).toEqual({ ok: true, value: { grant: expect.any(String), name: 'picked-visits.jsonl' } });
  await expect(call(page, 'visits.import', { grant: file })).resolves.toMatchObject({ ok: false });
});

test('a script can open the app and have it quit once it is ready', async () => {
  const { code, output } = await runApp({
    FLAME_PROFILE: join(temporaryFolder(), 'profile'),
    FLAME_QUIT_AFTER_READY: '1',
  });
  expect(output).toContain('the window is open and the engine is ready');
  expect(code).toBe(0);
});
