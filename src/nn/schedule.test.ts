import { expect, it } from 'vitest';
import { warmupCosine } from './schedule.ts';

it('rises in a line, falls by a cosine, and stays at its floor', () => {
  const schedule = { peak: 2, warmupSteps: 4, totalSteps: 12, floor: 0.25 };
  expect([0, 1, 2, 3].map((step) => warmupCosine(schedule, step))).toEqual([0.5, 1, 1.5, 2]);
  expect(warmupCosine(schedule, 4)).toBe(2);
  expect(warmupCosine(schedule, 8)).toBeCloseTo(2 * (0.25 + 0.75 * 0.5), 12);
  expect(warmupCosine(schedule, 12)).toBeCloseTo(0.5, 12);
  expect(warmupCosine(schedule, 99)).toBeCloseTo(0.5, 12);
  expect(warmupCosine({ peak: 1, warmupSteps: 0, totalSteps: 10 }, 0)).toBe(1);
});
