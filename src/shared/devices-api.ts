/** Where models run: the processors that were tried, what each showed, which one is used and why. Types only, no wording. */

import type { Method } from './contract.ts';

/** `cpu` always works; the others need a driver, and most a graphics card. */
export const PROVIDERS = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** `automatic` takes the fastest that gives the same answers. */
export type DeviceChoice = 'automatic' | ProviderName;

/**
 * What a provider showed when the shipped model ran on it in a process of its own. `different`: its answers are not the
 * CPU's. `crashed`: the process died. `too-slow`: it did not finish in time.
 */
export type DeviceOutcome = 'same' | 'different' | 'unavailable' | 'crashed' | 'too-slow';

export interface DeviceResult {
  readonly provider: ProviderName;
  readonly outcome: DeviceOutcome;
  /** In the words of ONNX Runtime or the system; empty where it worked. */
  readonly reason: string;
  /** Largest difference from the CPU over the visits tried; null where nothing ran. */
  readonly probabilityError: number | null;
  readonly logitError: number | null;
  /** Largest relative difference of a training gradient. */
  readonly gradientError: number | null;
  /** Median milliseconds of scoring a visit and of writing a list, on this provider. */
  readonly scoreMs: number | null;
  readonly listMs: number | null;
  /** Training rows (visits) a second. */
  readonly trainingRows: number | null;
  /** Until the first answer: opening, compiling of shaders. */
  readonly openMs: number | null;
}

/** How far answers may differ from the CPU's and still count as the same. */
export const DEVICE_TOLERANCE = { probability: 1e-4, logit: 1e-2, gradient: 1e-3 } as const;

/** A device has to be this much faster than the CPU to be chosen by itself: noise must not move the model about. */
export const WORTHWHILE_SPEEDUP = 1.2;

/**
 * Why the provider in use is in use. `not-tested`: only the CPU is known to work. `fastest`: of those with the same
 * answers. `only-one`: no other gave the same answers. `chosen`: by a person. `chosen-unusable`: a person chose another one
 * that did not pass its test. `lost`: the device failed in use. `ended-abruptly`: Flame twice ended without warning while
 * the device was in use.
 */
export type DeviceReason =
  'not-tested' | 'fastest' | 'only-one' | 'chosen' | 'chosen-unusable' | 'lost' | 'ended-abruptly';

export interface CudaLibrary {
  readonly name: string;
  /** Folder that it was found in; null when it was not found in any. */
  readonly folder: string | null;
}

export interface DevicesState {
  readonly choice: DeviceChoice;
  readonly inUse: ProviderName;
  readonly reason: DeviceReason;
  /** What `reason` refers to, e.g. the error of the device that was lost; empty for most. */
  readonly detail: string;
  /** ISO time of the test; null before the first one. */
  readonly testedAt: string | null;
  /** False when the driver, the model or Flame changed since the test. */
  readonly current: boolean;
  readonly results: readonly DeviceResult[];
  /** What the site would have to install for CUDA, and what was found; empty on systems without CUDA. */
  readonly cudaLibraries: readonly CudaLibrary[];
}

export interface DevicesApi {
  'devices.list': Method<Record<string, never>, DevicesState>;
  /** Tries every provider of this system in a process of its own, one after the other. */
  'devices.test': Method<Record<string, never>, DevicesState, { readonly provider: ProviderName }>;
  /** Refused for a provider that did not pass its test. */
  'devices.choose': Method<{ choice: DeviceChoice }, DevicesState>;
}

export const DEVICES_METHODS = {
  'devices.list': true,
  'devices.test': true,
  'devices.choose': true,
} as const satisfies Record<keyof DevicesApi, true>;
