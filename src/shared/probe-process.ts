/** How a process that tries one execution provider is asked for, and what it answers. Types and names only. */

import type { DeviceResult } from './devices-api.ts';

/** Holds the order as JSON. */
export const PROBE_VARIABLE = 'FLAME_PROBE_ORDER';

export type ProbeAnswer =
  | { readonly ok: true; readonly report: Omit<DeviceResult, 'outcome' | 'reason'> }
  | { readonly ok: false; readonly reason: string };

/** Engine → shell: a probe is wanted; the engine may start no process of the app itself. */
export interface ProbeWanted {
  readonly type: 'probe-wanted';
  readonly id: number;
  readonly order: string;
  readonly limitMs: number;
}

/** How a probe ended. `answer` is null when it died or was ended because its time was up. */
export interface ProbeEnd {
  readonly answer: ProbeAnswer | null;
  readonly timedOut: boolean;
  /** Exit status or signal, in words; empty when it answered. */
  readonly ended: string;
}

/** Shell → engine. */
export interface ProbeEnded {
  readonly type: 'probe-ended';
  readonly id: number;
  readonly end: ProbeEnd;
}

export function isProbeWanted(message: unknown): message is ProbeWanted {
  return (message as { type?: unknown } | null)?.type === 'probe-wanted';
}

export function isProbeEnded(message: unknown): message is ProbeEnded {
  return (message as { type?: unknown } | null)?.type === 'probe-ended';
}
