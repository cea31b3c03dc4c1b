import { expect, test } from 'vitest';
import { followMoved, isDamage, readMoved } from './rescue-api.ts';

test('a folder leads to the last one that is there, and in a circle to none twice', () => {
  const leads = new Map([
    ['a', 'b'],
    ['b', 'c'],
    ['x', 'y'],
    ['y', 'x'],
  ]);
  const nextOf = (folder: string): string | null => leads.get(folder) ?? null;
  expect(['a', 'b', 'c', 'x'].map((folder) => followMoved(folder, nextOf))).toEqual(['c', 'c', 'c', 'y']);
});

test('only a text that names a folder leads anywhere', () => {
  expect(readMoved('{"format":1,"folder":"/media/disk/flame"}')).toBe('/media/disk/flame');
  for (const text of ['', '[]', 'null', '{}', '{"folder":3}', '{"folder":""}', '{broken'])
    expect(readMoved(text)).toBeNull();
});

test('a backup helps against a damaged database and a lost key, not against a full disk or another window', () => {
  expect(['STORE_CORRUPT', 'STORE_KEY_WRONG'].every((code) => isDamage({ code }))).toBe(true);
  for (const code of ['STORE_UNAVAILABLE', 'STORE_IN_USE', 'STORE_NEWER', 'STORE_LOCKED'])
    expect(isDamage({ code })).toBe(false);
});
