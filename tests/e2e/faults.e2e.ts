/** What goes wrong while real Electron runs: an engine that dies within a transaction, two starts at once, a command beside the window. */

import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { BridgeReply } from '../../src/shared/bridge.ts';
import type { MethodName } from '../../src/shared/contract.ts';
import { ROOT, electronExecutable, enginePid, expect, killEngine, temporaryFolder, test } from './app.ts';

const TOTAL = 6000;
const BATCH = 500;

function visitsFile(): string {
  const file = join(temporaryFolder(), 'visits.jsonl');
  const record = {
    year: 2020,
    age: 50,
    sex: 'F',
    dx_system: 'ICD-9-CM',
    dx: ['25000'],
    drugs: ['metformin'],
  };
  const line = (index: number): string =>
    JSON.stringify({ visit: `v${index}`, patient: `p${index}`, name: `Patient ${index}`, ...record });
  writeFileSync(file, Array.from({ length: TOTAL }, (_, index) => line(index)).join('\n'));
  return file;
}

async function ask<Value>(page: Page, method: MethodName, params: object = {}): Promise<Value> {
  const reply = await page.evaluate(
    ([name, given]) => window.flame.start(name, given, () => undefined).reply,
    [method, params] as const,
  );
  expect(reply).toMatchObject({ ok: true });
  return (reply as { value: Value }).value;
}

const countPatients = async (page: Page): Promise<number> =>
  (await ask<{ patientCount: number }>(page, 'app.status')).patientCount;

type Importing = Window & { stored: number; reply: BridgeReply | null };

async function startImport(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const here = window as unknown as Importing;
    const { value } = (await window.flame.pickImportFile('visits')) as { value: { grant: string } };
    here.stored = 0;
    here.reply = null;
    const call = window.flame.start('visits.import', { grant: value.grant }, (progress) => {
      here.stored = (progress as { visitsStored: number }).visitsStored;
    });
    void call.reply.then((reply) => (here.reply = reply));
  });
}

test('an engine that dies within an import: it is said, whole batches stay, the repeat completes it', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const flame = await launch({ env: { FLAME_E2E_IMPORT_FILE: visitsFile() } });
  const { page } = flame;
  await ask(page, 'app.status');
  await startImport(page);
  await expect.poll(() => page.evaluate(() => (window as unknown as Importing).stored)).toBeGreaterThan(0);
  await killEngine(flame);
  await expect
    .poll(() => page.evaluate(() => (window as unknown as Importing).reply))
    .toEqual({ ok: false, error: { code: 'ENGINE_GONE', details: {} } });
  const acknowledged = await page.evaluate(() => (window as unknown as Importing).stored);

  const stored = await countPatients(page); // waits for the new engine
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
  expect(stored % BATCH).toBe(0);
  expect(stored).toBeLessThan(TOTAL);
  await ask(page, 'audit.open');
  expect(await ask(page, 'audit.verify')).toMatchObject({
    broken: null,
    changedDecisions: [],
    mismatches: [],
  });

  await startImport(page);
  await expect
    .poll(() => page.evaluate(() => (window as unknown as Importing).reply), { timeout: 60_000 })
    // The same import goes on: its report is of the whole, and says where it took it up.
    .toMatchObject({
      ok: true,
      value: { visitsCreated: TOTAL, visitsSkipped: 0, resumedAfter: stored },
    });
  expect(await countPatients(page)).toBe(TOTAL);

  // The audit page tells all of it in words: two parts, and what was found between.
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.reload();
  await page.getByRole('button', { name: 'Audit log' }).click();
  const counted = `visits.jsonl, ${stored.toLocaleString('en')} visits`;
  await expect(page.getByRole('row', { name: /Began to import visits visits\.jsonl/ })).toHaveCount(2);
  await expect(page.getByRole('row', { name: `Found an interrupted import ${counted}` })).toHaveCount(1);
  await expect(page.getByRole('row', { name: /Imported visits visits\.jsonl/ })).toContainText(
    `${TOTAL.toLocaleString('en')} visits, continued after ${stored.toLocaleString('en')} visits`,
  );
  await page.screenshot({ path: 'test-results/audit-import-interrupted.png' });
});

test('two starts at the same moment: one opens, the other says so and ends', async () => {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const profile = join(temporaryFolder(), 'profile');
  const start = (): Promise<{ code: number | null; output: string }> => {
    const child = spawn(electronExecutable(), ['--disable-gpu', ...sandbox, ROOT], {
      env: { ...process.env, FLAME_PROFILE: profile, FLAME_QUIT_AFTER_READY: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (output += data.toString()));
    return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })));
  };
  const both = await Promise.all([start(), start()]);
  const said = (text: string): number => both.filter(({ output }) => output.includes(text)).length;
  expect(said('the engine is ready')).toBe(1);
  expect(said('already open on this profile')).toBe(1);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
});

test('a command beside the open window is refused, and the window goes on', async ({ flame }) => {
  const { page, profile } = flame;
  await ask(page, 'demo.load');
  const before = await countPatients(page);
  const engine = await enginePid(flame);
  const command = spawnSync(
    process.execPath,
    [join(ROOT, 'src/cli/main.ts'), 'import', visitsFile(), '--profile', profile],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  expect(command.status).not.toBe(0);
  expect(command.stderr).toContain('open in another Flame');
  expect(await countPatients(page)).toBe(before);
  expect(await enginePid(flame)).toBe(engine);
});
