import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FlameError } from '../../src/shared/errors.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

/** Enough that storing them takes several turns of the engine. */
const PEOPLE = 3000;
let folders: TestFolders;
let app: TestEngine;

beforeEach(async () => {
  folders = new TestFolders();
  app = await startEngine(folders);
  const lines = Array.from({ length: PEOPLE }, (_, n) =>
    JSON.stringify({
      visit: `v${n}`,
      patient: `p${n}`,
      name: `Quince ${n}`,
      year: 2020,
      age: 50,
      sex: 'F',
      drugs: [],
    }),
  );
  const path = join(folders.base, 'visits.jsonl');
  writeFileSync(path, lines.join('\n'));
  await app.shell.call('files.grant', { grant: 'g', path });
});
afterEach(async () => {
  await app.stop();
  folders.remove();
});

const search = async (query = 'quince') => {
  const { total, waiting } = await app.engine.call('patients.list', { query, limit: 1, offset: 0 });
  return { total, waiting };
};

test('during an import each search says whom it may miss, and misses nobody afterwards', async () => {
  let running = true;
  const importing = app.engine.call('visits.import', { grant: 'g' }).finally(() => (running = false));
  const seen: { total: number; waiting: number }[] = [];
  while (running) seen.push(await search());
  const { visitsCreated } = await importing;
  expect(visitsCreated).toBe(PEOPLE);
  expect(seen.some(({ waiting }) => waiting > 0)).toBe(true);
  // Found, or counted as perhaps missed: nobody that is stored is passed over in silence, and the sum only grows.
  const sums = seen.map(({ total, waiting }) => total + waiting);
  expect(sums).toEqual(sums.toSorted((a, b) => a - b));
  expect(await search()).toEqual({ total: PEOPLE, waiting: 0 });
  expect(await search('')).toEqual({ total: PEOPLE, waiting: 0 });
});

test('what a cancelled import left is made searchable by itself, and after the next start as well', async () => {
  const stop = new AbortController();
  const importing = app.engine.call(
    'visits.import',
    { grant: 'g' },
    { signal: stop.signal, onProgress: () => stop.abort() },
  );
  const report = await importing.catch((thrown: unknown) => {
    if (!(thrown instanceof FlameError)) throw thrown;
    return null; // The caller that cancels is told so at once; the engine ends its batch.
  });
  expect(report?.cancelled ?? true).toBe(true);
  const stored = async () => (await search('')).total;
  await expect.poll(stored).toBeGreaterThan(0);
  await app.stop();
  app = await startEngine(folders);
  const all = await stored();
  expect(all).toBeLessThan(PEOPLE);
  for (let now = await search(); now.waiting > 0; now = await search()) {
    expect(now.total + now.waiting).toBe(all);
    await pause(5);
  }
  expect(await search()).toEqual({ total: all, waiting: 0 });
});
