/** Which provider is used, from what a test showed and what a person chose. Pure; runs and stores nothing. */

import {
  DEVICE_TOLERANCE,
  WORTHWHILE_SPEEDUP,
  type DeviceChoice,
  type DeviceReason,
  type DeviceResult,
  type ProviderName,
} from '../../shared/devices-api.ts';
import type { ProbeEnd } from '../../shared/probe-process.ts';

export interface Chosen {
  readonly inUse: ProviderName;
  readonly reason: DeviceReason;
  readonly detail: string;
}

const NOTHING_MEASURED = {
  probabilityError: null,
  logitError: null,
  gradientError: null,
  scoreMs: null,
  listMs: null,
  trainingRows: null,
  openMs: null,
} as const;

/** How a probe's end counts. */
export function resultOf(provider: ProviderName, { answer, timedOut, ended }: ProbeEnd): DeviceResult {
  if (answer === null) {
    const outcome = timedOut ? 'too-slow' : 'crashed';
    return { provider, outcome, reason: timedOut ? '' : ended, ...NOTHING_MEASURED };
  }
  if (!answer.ok)
    return { provider, outcome: 'unavailable', reason: firstLine(answer.reason), ...NOTHING_MEASURED };
  const { probabilityError, logitError, gradientError } = answer.report;
  const within = (value: number | null, limit: number): boolean => value !== null && value <= limit;
  const same =
    within(probabilityError, DEVICE_TOLERANCE.probability) &&
    within(logitError, DEVICE_TOLERANCE.logit) &&
    within(gradientError, DEVICE_TOLERANCE.gradient);
  return { ...answer.report, provider, outcome: same ? 'same' : 'different', reason: '' };
}

/** @param results of a test that still holds; empty without one */
export function chooseDevice(choice: DeviceChoice, results: readonly DeviceResult[]): Chosen {
  const usable = results.filter(({ outcome }) => outcome === 'same');
  if (choice === 'cpu') return { inUse: 'cpu', reason: 'chosen', detail: '' };
  if (results.length === 0) return { inUse: 'cpu', reason: 'not-tested', detail: '' };
  if (choice !== 'automatic') {
    if (usable.some(({ provider }) => provider === choice))
      return { inUse: choice, reason: 'chosen', detail: '' };
    const failed = results.find(({ provider }) => provider === choice);
    return { inUse: 'cpu', reason: 'chosen-unusable', detail: failed?.reason ?? '' };
  }
  const timeOn = (result: DeviceResult): number => (result.scoreMs ?? Infinity) + (result.listMs ?? 0);
  const cpu = usable.find(({ provider }) => provider === 'cpu');
  const others = usable.filter(({ provider }) => provider !== 'cpu').sort((a, b) => timeOn(a) - timeOn(b));
  const [best] = others;
  if (!best) return { inUse: 'cpu', reason: 'only-one', detail: '' };
  const worthwhile = cpu !== undefined && timeOn(cpu) / timeOn(best) >= WORTHWHILE_SPEEDUP;
  return { inUse: worthwhile ? best.provider : 'cpu', reason: 'fastest', detail: '' };
}

/** Which provider trains: a person's choice, else the one with clearly the most visits a second among those with the same gradients. */
export function chooseTrainingDevice(choice: DeviceChoice, results: readonly DeviceResult[]): ProviderName {
  const usable = results.filter(({ outcome }) => outcome === 'same');
  if (choice !== 'automatic') return usable.some(({ provider }) => provider === choice) ? choice : 'cpu';
  const speed = ({ trainingRows }: DeviceResult): number => trainingRows ?? 0;
  const cpu = usable.find(({ provider }) => provider === 'cpu');
  const best = usable.reduce<DeviceResult | undefined>(
    (fastest, one) => (fastest && speed(fastest) >= speed(one) ? fastest : one),
    cpu,
  );
  return best && cpu && speed(best) >= WORTHWHILE_SPEEDUP * speed(cpu) ? best.provider : 'cpu';
}

function firstLine(text: string): string {
  return (text.split('\n').find((line) => line.trim() !== '') ?? '').trim().slice(0, 400);
}
