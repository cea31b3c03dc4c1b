/** Failures of every kind, each at a place of its own: what reaches the page names files, and no folder of this computer. */

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MethodName } from '../../src/shared/contract.ts';
import type { FlameError } from '../../src/shared/errors.ts';
import { CHEAP, startEngine, TestFolders, type TestEngine } from './engine.ts';

let folders: TestFolders;
let app: TestEngine | null = null;
beforeEach(() => {
  folders = new TestFolders();
});
afterEach(async () => {
  await app?.stop();
  app = null;
  folders.remove();
});

/** Codes that were met, each with no folder in it. */
const met = new Set<string>();
function look(reply: unknown): void {
  const text = JSON.stringify(reply);
  expect(text).not.toContain(basename(folders.base));
  for (const [, code] of text.matchAll(/"code":"([A-Z_]+)"/g)) met.add(code!);
}
const start = async (options: Parameters<typeof startEngine>[1] = {}): Promise<TestEngine> => {
  app = await startEngine(folders, { ...CHEAP, ...options });
  look(await app.engine.call('app.status', {}));
  return app;
};
async function refused(method: MethodName, params: object): Promise<void> {
  const failure = await app!.engine.call(method, params as never).then(
    () => null,
    (thrown: unknown) => {
      const { code, details } = thrown as FlameError;
      return { code, details };
    },
  );
  expect(failure).not.toBeNull();
  look(failure);
}
let grants = 0;
async function granted(path: string, purpose: 'read' | 'write' = 'read'): Promise<string> {
  const grant = `grant-${(grants += 1)}`;
  await app!.shell.call('files.grant', { grant, path, purpose });
  return grant;
}
async function restart(damage: () => void): Promise<void> {
  await app!.stop();
  damage();
  await start();
}

it('of a profile', async () => {
  const list = { query: '', limit: 1, offset: 0 };
  // A file stands where the folder should be.
  writeFileSync(folders.profile, '');
  await start();
  await refused('patients.list', list);
  await restart(() => rmSync(folders.profile));
  await app!.engine.call('demo.load', {});
  const key = join(folders.profile, 'device.key');
  await restart(() => chmodSync(key, 0o644));
  await refused('patients.list', list);
  await restart(() => {
    chmodSync(key, 0o600);
    truncateSync(join(folders.profile, 'flame.db'), 50_000);
  });
  await refused('patients.list', list);
  await restart(() => {
    rmSync(join(folders.profile, 'flame.db'));
    mkdirSync(join(folders.profile, 'flame.db'));
  });
  await refused('patients.list', list);
  expect([...met]).toEqual(
    expect.arrayContaining(['STORE_UNAVAILABLE', 'STORE_KEY_UNSAFE', 'STORE_CORRUPT']),
  );
});

it('of what ships with Flame, and of models', async () => {
  const [models, resources] = [folders.copyOf('models'), folders.copyOf('resources')];
  for (const name of readdirSync(models)) writeFileSync(join(models, name, 'manifest.json'), '{');
  writeFileSync(join(resources, 'demo/manifest.json'), '{');
  await start({ models, resources });
  look(await app!.engine.call('models.list', {}));
  await refused('demo.load', {});
  await app!.stop();
  rmSync(models, { recursive: true });
  rmSync(join(resources, 'knowledge'), { recursive: true });
  await start({ models, resources });
  look(await app!.engine.call('models.list', {}));
  await refused('interactions.among', { drugs: [] });
  expect([...met]).toEqual(
    expect.arrayContaining(['MODEL_PACK_CORRUPT', 'DEMO_CORRUPT', 'KNOWLEDGE_CORRUPT']),
  );
});

it('of files that are read and written', async () => {
  await start();
  const lost = join(folders.base, 'gone away/some file');
  const folder = join(folders.base, 'a folder');
  mkdirSync(folder);
  for (const path of [lost, folder, `${folder}/none.zip`]) {
    await refused('visits.import', { grant: await granted(path) });
    await refused('imports.inspect', { grant: await granted(path) });
    await refused('mappings.import', { grant: await granted(path) });
    await refused('siteTable.preview', { grant: await granted(path) });
    await refused('models.import', { grant: await granted(path) });
  }
  await app!.engine.call('demo.load', {});
  await app!.engine.call('store.setPassphrase', { passphrase: 'a violet tractor sings' });
  for (const path of [lost, folder, '/dev/full/x']) {
    await refused('mappings.export', { grant: await granted(path, 'write') });
    const filter = { group: null, actor: null, patientId: null, from: null, to: null };
    await refused('audit.export', { filter, format: 'csv', grant: await granted(path, 'write') });
    await refused('exports.write', { format: 'json', grant: await granted(path, 'write') });
  }
  await refused('backups.setFolder', { grant: await granted(lost, 'write') });
  await refused('backups.openers', { source: { grant: await granted(lost) } });
  await app!.engine.call('backups.setFolder', { grant: await granted(folder, 'write') });
  rmSync(folder, { recursive: true });
  await refused('backups.make', {});
  const { failure, folderProblem } = await app!.engine.call('backups.get', {});
  look([failure, folderProblem]);
  expect(existsSync(lost)).toBe(false);
  expect([...met]).toEqual(
    expect.arrayContaining(['FILE_NOT_READABLE', 'FILE_NOT_WRITABLE', 'BACKUP_FOLDER_UNUSABLE']),
  );
});
