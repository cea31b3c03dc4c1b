import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// The order of float32 sums differs between CPUs (AVX2, AVX-512, NEON), and 50 steps amplify it. Written on an AVX-512
// machine; there the trajectory repeats bit by bit. A wrong gradient, constant or initial value shows within ten steps.
const EARLY = 1e-4; // for the first ten steps
const LATE = 2e-2; // for all

it('fifty steps follow the committed trajectory', () => {
  const script = new URL('./fixtures/train-tiny.ts', import.meta.url).pathname;
  const { losses } = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as {
    losses: number[];
  };
  const committed = JSON.parse(
    readFileSync(new URL('./fixtures/trajectory.json', import.meta.url), 'utf8'),
  ) as {
    losses: number[];
  };
  expect(losses.length).toBe(50);
  expect(committed.losses.length).toBe(50);
  losses.forEach((loss, i) => {
    const expected = committed.losses[i]!;
    expect(Math.abs(loss - expected) / expected, `step ${i + 1}: ${loss}`).toBeLessThan(
      i < 10 ? EARLY : LATE,
    );
  });
});
