/**
 * A whole session in real Electron (the main job, import, exports, printing, settings), watched in three ways: Chromium's
 * own net log, Node's network modules in the shell and in the engine, and the sockets that Linux lists for every process.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { BridgeReply } from '../../src/shared/bridge.ts';
import type { MethodName } from '../../src/shared/contract.ts';
import { ROOT, enginePid, expect, temporaryFolder, test } from './app.ts';
import { networkSockets, processTree, type OpenSocket } from './sockets.ts';
import { acceptEach, loadDemo, openVisit, recommend, sign } from './workspace.ts';

interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
  readonly events: readonly {
    readonly type: number;
    readonly params?: { readonly url?: string; readonly host?: string };
  }[];
}

const NO_FILTER = { group: null, actor: null, patientId: null, from: null, to: null };

async function ask(page: Page, method: MethodName, params: object = {}): Promise<BridgeReply> {
  const reply = await page.evaluate(
    ([name, given]) => window.flame.start(name, given, () => undefined).reply,
    [method, params] as const,
  );
  expect(reply).toMatchObject({ ok: true });
  return reply;
}

test('a whole session opens no socket and looks nothing up', async ({ launch }) => {
  test.setTimeout(180_000);
  const folder = temporaryFolder();
  const netLog = join(folder, 'net-log.json');
  const sockets = join(folder, 'sockets.txt');
  const visits = join(folder, 'visits.jsonl');
  const record = { visit: 'silent-1', patient: 'silent', name: 'Sil Ent', year: 2020, age: 50, sex: 'F' };
  writeFileSync(
    visits,
    JSON.stringify({ ...record, dx_system: 'ICD-9-CM', dx: ['25000'], drugs: ['metformin'] }),
  );
  const flame = await launch({
    args: [
      '-r',
      join(ROOT, 'tests/e2e/watch-sockets.cjs'),
      `--log-net-log=${netLog}`,
      '--net-log-capture-mode=Everything',
    ],
    env: {
      FLAME_E2E_SOCKETS: sockets,
      FLAME_E2E_IMPORT_FILE: visits,
      FLAME_E2E_SAVE_FILE: join(folder, 'saved.out'),
    },
  });
  const { page, electron } = flame;

  // Playwright drives the app over two ports of its own in the shell's process; they are open before Flame's code runs.
  const shell = electron.process().pid!;
  const driven = new Set(networkSockets([shell]).map(({ local }) => local));
  const found = new Map<string, OpenSocket>();
  let samples = 0;
  const sample = (): void => {
    samples += 1;
    for (const socket of networkSockets(processTree(shell)))
      if (socket.pid !== shell || !driven.has(socket.local)) found.set(JSON.stringify(socket), socket);
  };
  const timer = process.platform === 'linux' ? setInterval(sample, 100) : null;

  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await acceptEach(page);
  await sign(page, 'I will monitor for it');
  const { value: read } = (await page.evaluate(() => window.flame.pickImportFile('visits'))) as {
    value: { grant: string };
  };
  await ask(page, 'visits.import', { grant: read.grant });
  const { value: write } = (await page.evaluate(() =>
    window.flame.pickSaveFile({ kind: 'jsonl', name: 'log.jsonl' }),
  )) as { value: { grant: string } };
  await ask(page, 'audit.open');
  await ask(page, 'audit.verify');
  await ask(page, 'audit.export', { filter: NO_FILTER, format: 'jsonl', grant: write.grant });
  await ask(page, 'overview.get', { from: null, to: null, demo: true });
  await ask(page, 'worklist.get');
  await ask(page, 'patients.list', { query: 'ok', limit: 10, offset: 0 });
  await ask(page, 'drugs.search', { text: 'warf', limit: 10 });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.evaluate(() => window.flame.remember('theme', 'dark'));
  await electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]!
      .webContents.printToPDF({})
      .then(({ length }) => length),
  );
  await page.waitForTimeout(2000); // what Chromium does on its own comes in the first seconds
  expect(await enginePid(flame)).not.toBeNull();
  if (timer !== null) clearInterval(timer);

  expect([...found.values()]).toEqual([]);
  if (timer !== null) expect(samples).toBeGreaterThan(20);
  const seen = (): string[] => [...new Set(readFileSync(sockets, 'utf8').trim().split('\n'))].sort();
  expect(seen()).toEqual(['browser is watched', 'utility is watched']);

  // Both watches see a socket when there is one.
  await electron.evaluate(() => {
    process.getBuiltinModule('node:net').createServer().listen(0, '127.0.0.1');
  });
  expect(seen()).toContain('browser listen: 0 127.0.0.1');
  if (timer !== null) await expect.poll(() => (sample(), found.size)).toBe(1);
  await flame.close();
  expect(existsSync(join(folder, 'saved.out'))).toBe(true);

  const log = JSON.parse(readFileSync(netLog, 'utf8')) as NetLog;
  const names = new Map(Object.entries(log.constants.logEventTypes).map(([name, id]) => [id, name]));
  expect(log.events.length).toBeGreaterThan(0);
  const addresses = log.events.map(({ params }) => params?.url ?? params?.host ?? '');
  expect(addresses.filter((address) => /^(https?|wss?|ftp):/.test(address))).toEqual([]);
  const traffic = log.events
    .map(({ type }) => names.get(type) ?? '')
    .filter((name) =>
      /^(UDP_CONNECT|TCP_CONNECT|SOCKET_BYTES_SENT|UDP_BYTES_SENT|HOST_RESOLVER_DNS_TASK|HOST_RESOLVER_SYSTEM_TASK)$/.test(
        name,
      ),
    );
  expect(traffic).toEqual([]);
});
