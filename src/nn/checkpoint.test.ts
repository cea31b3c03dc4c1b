import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { emptyTensor } from './dtype.ts';
import { saveSafetensors } from './safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Trains in a process of its own, as after a restart of the application. */
function train(...args: string[]): { losses: number[] } {
  const script = new URL('./fixtures/train-tiny.ts', import.meta.url).pathname;
  return JSON.parse(execFileSync(process.execPath, [script, ...args], { encoding: 'utf8' })) as {
    losses: number[];
  };
}

it('ten steps, a new process, ten more: the same bits as twenty in one go', () => {
  const [whole, half, resumed] = ['whole', 'half', 'resumed'].map((name) => join(folder, name));
  const uninterrupted = train('--steps', '20', '--save', whole!);
  const first = train('--steps', '10', '--save', half!);
  const second = train('--steps', '10', '--load', half!, '--save', resumed!);
  expect([...first.losses, ...second.losses]).toEqual(uninterrupted.losses);
  expect(readFileSync(resumed!).equals(readFileSync(whole!))).toBe(true);
});

it('keeps step, random states and notes', () => {
  const path = join(folder, 'notes');
  const group = new Map([['w', emptyTensor('float32', [2])]]);
  const state = { step: 7, parameters: group, moments: group, squares: group };
  saveCheckpoint(path, { state, random: { batches: [1, 2, 3, 2 ** 32 - 1] }, extra: { epoch: 3 } });
  expect(loadCheckpoint(path)).toEqual({
    state,
    random: { batches: [1, 2, 3, 2 ** 32 - 1] },
    extra: { epoch: 3 },
  });
});

it('refuses damaged files and files that are no checkpoint', () => {
  const path = join(folder, 'damaged');
  const group = new Map([['w', emptyTensor('float32', [200])]]);
  saveCheckpoint(path, {
    state: { step: 1, parameters: group, moments: group, squares: group },
    random: {},
    extra: null,
  });
  truncateSync(path, 1500);
  expect(() => loadCheckpoint(path)).toThrow(expect.objectContaining({ code: 'weights-corrupt' }));
  saveSafetensors(path, group);
  expect(() => loadCheckpoint(path)).toThrow(expect.objectContaining({ code: 'weights-mismatch' }));
  const bad = (metadata: Record<string, string>) => {
    saveSafetensors(path, group, {
      metadata: { format: 'flame-checkpoint-1', step: '1', random: '{}', extra: 'null', ...metadata },
    });
    return () => loadCheckpoint(path);
  };
  expect(bad({})).not.toThrow();
  for (const metadata of [
    { step: '-1' },
    { step: 'x' },
    { random: '{"a":[1]}' },
    { random: '' },
    { extra: '{' },
  ])
    expect(bad(metadata)).toThrow(expect.objectContaining({ code: 'weights-corrupt' }));
  writeFileSync(path, '');
  expect(() => loadCheckpoint(path)).toThrow(expect.objectContaining({ code: 'weights-corrupt' }));
});
