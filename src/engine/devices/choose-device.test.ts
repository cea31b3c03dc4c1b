import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICE_TOLERANCE, PROVIDERS, type DeviceResult } from '../../shared/devices-api.ts';
import type { ProbeEnd } from '../../shared/probe-process.ts';
import { chooseDevice, chooseTrainingDevice, resultOf } from './choose-device.ts';

const REPORT = {
  provider: 'webgpu' as const,
  probabilityError: 1e-6,
  logitError: 1e-4,
  gradientError: 1e-6,
  scoreMs: 2,
  listMs: 2,
  trainingRows: 1000,
  openMs: 100,
};
const ended = (end: Partial<ProbeEnd>): ProbeEnd => ({ answer: null, timedOut: false, ended: '', ...end });
const shown = (
  provider: DeviceResult['provider'],
  ms: number,
  outcome: DeviceResult['outcome'] = 'same',
) => ({
  ...REPORT,
  provider,
  outcome,
  reason: '',
  scoreMs: ms,
  listMs: ms,
});

describe('what a probe showed', () => {
  it('is the same within the tolerance of each figure, and different beyond any one of them', () => {
    expect(resultOf('webgpu', ended({ answer: { ok: true, report: REPORT } })).outcome).toBe('same');
    for (const [figure, limit] of [
      ['probabilityError', DEVICE_TOLERANCE.probability],
      ['logitError', DEVICE_TOLERANCE.logit],
      ['gradientError', DEVICE_TOLERANCE.gradient],
    ] as const) {
      for (const value of [limit * 1.01, Infinity, NaN]) {
        const report = { ...REPORT, [figure]: value };
        expect(resultOf('webgpu', ended({ answer: { ok: true, report } })).outcome, figure).toBe('different');
      }
    }
  });

  it('tells a process that died from one that was too slow and from a driver that is not there', () => {
    expect(resultOf('cuda', ended({ ended: 'SIGABRT' }))).toMatchObject({
      outcome: 'crashed',
      reason: 'SIGABRT',
    });
    expect(resultOf('cuda', ended({ timedOut: true })).outcome).toBe('too-slow');
    expect(
      resultOf('cuda', ended({ answer: { ok: false, reason: '\nFailed to load shared library\n at x' } })),
    ).toMatchObject({ outcome: 'unavailable', reason: 'Failed to load shared library' });
  });
});

describe('the provider in use', () => {
  it('is the fastest with the same answers, and the CPU where the gain is small', () => {
    const results = [shown('cpu', 10), shown('webgpu', 4), shown('cuda', 1, 'different')];
    expect(chooseDevice('automatic', results)).toMatchObject({ inUse: 'webgpu', reason: 'fastest' });
    expect(chooseDevice('automatic', [shown('cpu', 10), shown('webgpu', 9)]).inUse).toBe('cpu');
    expect(chooseDevice('automatic', [shown('cpu', 10), shown('cuda', 1, 'crashed')])).toMatchObject({
      inUse: 'cpu',
      reason: 'only-one',
    });
    expect(chooseDevice('automatic', [])).toMatchObject({ inUse: 'cpu', reason: 'not-tested' });
  });

  it('is what a person chose while it passes its test', () => {
    const results = [shown('cpu', 1), shown('webgpu', 100)];
    expect(chooseDevice('webgpu', results)).toMatchObject({ inUse: 'webgpu', reason: 'chosen' });
    expect(chooseDevice('cuda', results)).toMatchObject({ inUse: 'cpu', reason: 'chosen-unusable' });
    expect(chooseDevice('webgpu', [])).toMatchObject({ inUse: 'cpu', reason: 'not-tested' });
  });

  it('never is one whose answers differ, whatever was found and chosen', () => {
    const result = fc.record({
      provider: fc.constantFrom(...PROVIDERS),
      outcome: fc.constantFrom('same', 'different', 'unavailable', 'crashed', 'too-slow'),
      ms: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(result, { selector: ({ provider }) => provider }),
        fc.constantFrom('automatic' as const, ...PROVIDERS),
        (found, choice) => {
          const results = found.map(({ provider, outcome, ms }) => shown(provider, ms, outcome as 'same'));
          const { inUse } = chooseDevice(choice, results);
          expect(
            inUse === 'cpu' || results.find(({ provider }) => provider === inUse)?.outcome === 'same',
          ).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

it('only clearly faster training moves it off the CPU, and a person has the last word', () => {
  const of = (provider: 'cpu' | 'webgpu', trainingRows: number, outcome: 'same' | 'different' = 'same') => ({
    ...{ provider, outcome, trainingRows, reason: '', probabilityError: 0, logitError: 0, gradientError: 0 },
    ...{ scoreMs: 1, listMs: 1, openMs: 1 },
  });
  expect(chooseTrainingDevice('automatic', [of('cpu', 100), of('webgpu', 119)])).toBe('cpu');
  expect(chooseTrainingDevice('automatic', [of('cpu', 100), of('webgpu', 121)])).toBe('webgpu');
  expect(chooseTrainingDevice('automatic', [of('cpu', 100), of('webgpu', 900, 'different')])).toBe('cpu');
  expect(chooseTrainingDevice('cpu', [of('cpu', 100), of('webgpu', 900)])).toBe('cpu');
  expect(chooseTrainingDevice('webgpu', [of('cpu', 100), of('webgpu', 1)])).toBe('webgpu');
  expect(chooseTrainingDevice('automatic', [])).toBe('cpu');
});
