/** What Flame is made of: every licence allowed for its use, and the check fails on one that is not. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly licence: string | null;
  readonly shipped: boolean;
}

const root = resolve(import.meta.dirname, '..');
const { BUNDLED, dependencies, refusedLicences } = (await import(
  join(root, 'scripts/lib/dependencies.mjs')
)) as {
  BUNDLED: readonly string[];
  dependencies: () => readonly Dependency[];
  refusedLicences: (all: readonly Dependency[]) => readonly Dependency[];
};

test('every dependency has a licence that is allowed for its use', () => {
  const all = dependencies();
  expect(all.length).toBeGreaterThan(300);
  expect(all.filter(({ shipped }) => shipped).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['better-sqlite3-multiple-ciphers', 'zod', 'svelte', 'd3-force', 'electron']),
  );
  expect(refusedLicences(all)).toEqual([]);
});

test.each([
  [null, false],
  ['GPL-3.0-only', false],
  ['AGPL-3.0-only OR SSPL-1.0', true],
  ['MPL-2.0', true], // a tool may be, what users get may not
  ['SEE LICENSE IN LICENSE', false],
  ['UNLICENSED', false],
  ['MIT AND GPL-2.0-only', false],
])('a dependency under %s (given to users: %s) is refused', (licence, shipped) => {
  expect(refusedLicences([{ name: 'x', version: '1.0.0', licence, shipped }])).toHaveLength(1);
});

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MPL-2.0', false],
])('a dependency under %s (given to users: %s) passes', (licence, shipped) => {
  expect(refusedLicences([{ name: 'x', version: '1.0.0', licence, shipped }])).toEqual([]);
});

test('what the window and the shell import is counted as given to users', () => {
  const imported = new Set<string>();
  for (const room of [
    'renderer',
    'preload',
    'main',
    'shared',
    'engine',
    'nn',
    'flame',
    'knowledge',
    'checks',
    'records',
    'cli',
  ]) {
    const files = readdirSync(join(root, 'src', room), { recursive: true, encoding: 'utf8' });
    for (const file of files) {
      if (!/\.(ts|svelte)$/.test(file) || /\.test\.ts$|\/testing\//.test(file)) continue;
      const text = readFileSync(join(root, 'src', room, file), 'utf8');
      for (const [, specifier] of text.matchAll(/^(?:import|export)(?! type)[^'"]*from '([^'.][^']*)'/gm)) {
        const [first, second] = specifier!.split('/');
        if (!specifier!.startsWith('node:'))
          imported.add(first!.startsWith('@') ? `${first!}/${second!}` : first!);
      }
    }
  }
  const { dependencies: shipped } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const known = new Set([...Object.keys(shipped), ...BUNDLED]);
  expect([...imported].filter((name) => !known.has(name))).toEqual([]);
});
