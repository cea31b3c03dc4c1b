import { chmodSync, chownSync, cpSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { startChild, type ChildOptions, type Said } from './children.ts';

// Root may write everywhere, so as root the children run as `nobody`.
const isRoot = process.getuid?.() === 0;
const user = isRoot ? 65_534 : undefined;
const as: ChildOptions = user === undefined ? {} : { uid: user };
const canRun =
  user === undefined ||
  spawnSync(process.execPath, [import.meta.filename, '--check'], { uid: user, gid: user }).error ===
    undefined;

const root = temporaryFolder();
const made = join(root.path, 'made');
beforeAll(async () => {
  if (process.platform !== 'win32') chmodSync(root.path, 0o755);
  (await openProfile({ folder: made })).db.close();
});
afterAll(() => root.remove());

function copyFor(name: string): string {
  const folder = join(root.path, name);
  cpSync(made, folder, { recursive: true });
  if (user !== undefined) {
    for (const path of [folder, join(folder, 'flame.db'), join(folder, 'device.key')])
      chownSync(path, user, user);
  }
  return folder;
}

async function run(folder: string, patients: number, options: ChildOptions): Promise<Said> {
  const child = startChild('open', [folder, String(patients)], options);
  await child.ended;
  return child.said.at(-1) ?? {};
}

describe.skipIf(process.platform === 'win32' || !canRun)('a place that cannot be written', () => {
  test('an empty read-only folder', async () => {
    const folder = join(root.path, 'empty');
    mkdirSync(folder, { mode: 0o555 });
    expect(await run(folder, 1, as)).toEqual({ code: 'STORE_UNAVAILABLE', stored: 0 });
  });

  test('a database in a read-only folder', async () => {
    const folder = copyFor('folder');
    chmodSync(folder, 0o500);
    expect(await run(folder, 1, as)).toEqual({ code: 'STORE_UNAVAILABLE', stored: 0 });
    chmodSync(folder, 0o700);
    expect(await run(folder, 1, as)).toEqual({ code: 'none', stored: 1 });
  });

  test('a read-only database file', async () => {
    const folder = copyFor('file');
    chmodSync(join(folder, 'flame.db'), 0o400);
    expect(await run(folder, 1, as)).toEqual({ code: 'STORE_UNAVAILABLE', stored: 0 });
  });

  test('a folder that cannot be made', async () => {
    const folder = join(copyFor('parent'), 'device.key', 'profile');
    expect(await run(folder, 1, as)).toEqual({ code: 'STORE_UNAVAILABLE', stored: 0 });
  });
});

test.skipIf(process.platform === 'win32')(
  'a disk that takes no more: what was stored before stays',
  async () => {
    const folder = join(root.path, 'full');
    cpSync(made, folder, { recursive: true });
    const result = await run(folder, 5000, { fileLimit: 1024 });
    expect(result['code']).toBe('STORE_UNAVAILABLE');
    expect(result['stored']).toBeGreaterThan(10);
    const { db } = await openProfile({ folder });
    expect(countPatients(db)).toBe(result['stored']);
    expect(db.get('SELECT count(*) AS n FROM patient_search')).toEqual({ n: result['stored'] });
    db.close();
  },
);

/** A disk of its own, two megabytes large; null where this user may not mount one. */
function smallDisk(): { folder: string; grow: () => void; unmount: () => void } | null {
  const folder = join(root.path, 'disk');
  mkdirSync(folder);
  const mount = (...options: string[]): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', ...options, 'tmpfs', folder]).status === 0;
  if (process.platform !== 'linux' || !mount('size=2m')) return null;
  return {
    folder,
    grow: () => expect(mount('remount,size=20m')).toBe(true),
    unmount: () => void spawnSync('umount', [folder]),
  };
}

// Where no disk can be mounted, the limit on the file's size above stands for it.
test('a full disk: a clear code, nothing lost, and work goes on once there is room', async () => {
  const disk = smallDisk();
  if (disk === null) {
    console.warn('no small disk could be mounted here: the size limit of the test above stands for it');
    return;
  }
  try {
    const folder = join(disk.folder, 'profile');
    cpSync(made, folder, { recursive: true });
    const saving = await run(folder, 5000, {});
    expect(saving['code']).toBe('STORE_UNAVAILABLE');
    expect(saving['stored']).toBeGreaterThan(10);

    const file = join(root.path, 'many.jsonl');
    const record = {
      year: 2020,
      age: 50,
      sex: 'F',
      dx_system: 'ICD-9-CM',
      dx: ['25000'],
      drugs: ['metformin'],
    };
    const lines = Array.from({ length: 6000 }, (_, index) =>
      JSON.stringify({ visit: `v${index}`, ...record }),
    );
    writeFileSync(file, lines.join('\n'));
    const importing = startChild('write', [folder, 'import', file]);
    await importing.ended;
    expect(importing.said.at(-1)).toEqual({ code: 'STORE_UNAVAILABLE' });
    expect(statfsSync(disk.folder).bavail).toBeLessThan(64);

    disk.grow();
    const again = await openProfile({ folder });
    expect(countPatients(again.db) - countVisits(again.db)).toBe(saving['stored']);
    expect(countVisits(again.db) % 500).toBe(0);
    expect(again.db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    again.db.close();
    const repeat = startChild('write', [folder, 'import', file]);
    await repeat.ended;
    const { db } = await openProfile({ folder });
    expect(countVisits(db)).toBe(lines.length);
    db.close();
  } finally {
    disk.unmount();
  }
});
