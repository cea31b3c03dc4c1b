/**
 * The processors of this computer: tests each in a process of its own, remembers what they showed, says where models run
 * and why. A device that fails in use is not used again until it is tested anew. Opens no model itself.
 */

import type { Provider, SessionOptions } from '../../nn/session.ts';
import type { DeviceChoice, DeviceReason, DevicesState, ProviderName } from '../../shared/devices-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { chooseDevice, chooseTrainingDevice, resultOf, type Chosen } from './choose-device.ts';
import { cudaLibraries } from './cuda-libraries.ts';
import { readDeviceFile, writeDeviceFile, type DeviceFile } from './device-file.ts';
import { deviceFingerprint } from './fingerprint.ts';
import type { Prober } from './prober.ts';

export interface DevicesOptions {
  /** Where the findings are kept; may not exist yet. */
  readonly profile: string;
  /** Folders of the pack that devices are tested with and of the compiled tables. */
  readonly pack: string;
  readonly knowledge: string;
  readonly prober: Prober;
}

/** A device whose driver takes longer is of no use. */
const PROBE_LIMIT_MS = 90_000;
const BENCHMARK_MS = 400;
/** Abrupt ends while a device was in use until it is distrusted: one may be a power cut. */
const TRUSTED_ENDS = 1;

/** What a system could have; the CPU first, with which the others are compared. */
export function providersOf(platform: NodeJS.Platform): readonly ProviderName[] {
  switch (platform) {
    case 'win32':
      return ['cpu', 'dml', 'cuda', 'webgpu'];
    case 'darwin':
      return ['cpu', 'coreml', 'webgpu'];
    default:
      return ['cpu', 'cuda', 'webgpu'];
  }
}

export class Devices {
  readonly #options: DevicesOptions;
  readonly #onLost: () => void;
  #file: DeviceFile;
  #fingerprint: string;
  #lost: { readonly provider: ProviderName; readonly reason: string } | null = null;
  #testing: Promise<void> | null = null;

  /** @param onLost hears that a device failed in use; sessions have moved to the CPU by themselves */
  constructor(options: DevicesOptions, onLost: () => void = () => undefined) {
    this.#options = options;
    this.#onLost = onLost;
    const file = readDeviceFile(options.profile);
    this.#file = file.running === null ? file : { ...file, running: null, abruptEnds: file.abruptEnds + 1 };
    this.#fingerprint = deviceFingerprint(options.pack);
  }

  state(): DevicesState {
    const { choice, test } = this.#file;
    const { inUse, reason, detail } = this.#chosen();
    return {
      choice,
      inUse,
      reason,
      detail,
      testedAt: test?.at ?? null,
      current: this.isTested(),
      results: test?.results ?? [],
      cudaLibraries: cudaLibraries(),
    };
  }

  /** Whether the test's results hold for this computer as it is now. */
  isTested(): boolean {
    return this.#file.test?.fingerprint === this.#fingerprint;
  }

  /** Where sessions run, and who hears when that fails. */
  session(): SessionOptions {
    const { inUse } = this.#chosen();
    if (inUse === 'cpu') return {};
    this.#write({ ...this.#file, running: inUse });
    return {
      providers: [inUse satisfies Provider],
      onDeviceLost: (provider, reason) => {
        if (this.#lost === null) {
          this.#lost = { provider, reason };
          this.#write({ ...this.#file, running: null });
          this.#onLost();
        }
      },
    };
  }

  /** Where training runs: not always where answers are fastest. */
  trainingProvider(): ProviderName {
    if (this.#lost !== null || this.#file.abruptEnds > TRUSTED_ENDS) return 'cpu';
    return chooseTrainingDevice(this.#file.choice, this.#results());
  }

  /** Tries every provider of this system. A second call waits for the first. */
  async test(
    onProgress: (progress: { provider: ProviderName }) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    this.#testing ??= this.#test(onProgress, signal).finally(() => (this.#testing = null));
    await this.#testing;
  }

  async #test(
    onProgress: (progress: { provider: ProviderName }) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const { pack, knowledge, prober } = this.#options;
    const fingerprint = deviceFingerprint(pack);
    const results = [];
    for (const provider of providersOf(process.platform)) {
      if (signal?.aborted) throw new FlameError('CANCELLED');
      onProgress({ provider });
      const order = { provider, pack, knowledge, benchmarkMs: BENCHMARK_MS };
      results.push(resultOf(provider, await prober.probe(order, PROBE_LIMIT_MS)));
    }
    this.#fingerprint = fingerprint;
    this.#lost = null;
    this.#write({
      ...this.#file,
      test: { at: new Date().toISOString(), fingerprint, results },
      abruptEnds: 0,
    });
  }

  /** @throws FlameError DEVICE_UNUSABLE for a provider that did not give the same answers as the CPU in its test */
  choose(choice: DeviceChoice): void {
    if (choice !== 'automatic' && choice !== 'cpu') {
      const result = this.#results().find(({ provider }) => provider === choice);
      if (result?.outcome !== 'same')
        throw new FlameError('DEVICE_UNUSABLE', {
          provider: choice,
          outcome: result?.outcome ?? 'not-tested',
        });
    }
    this.#lost = null;
    this.#write({ ...this.#file, choice, abruptEnds: 0 });
  }

  /** Before an end in order: what is left behind without it counts as an abrupt one. */
  close(): void {
    if (this.#file.running !== null) this.#write({ ...this.#file, running: null });
  }

  #results() {
    return this.isTested() ? (this.#file.test?.results ?? []) : [];
  }

  #chosen(): Chosen {
    const chosen = chooseDevice(this.#file.choice, this.#results());
    if (chosen.inUse === 'cpu') return chosen;
    const onCpu = (reason: DeviceReason, detail: string): Chosen => ({ inUse: 'cpu', reason, detail });
    if (this.#lost !== null)
      return onCpu('lost', `${this.#lost.provider}: ${this.#lost.reason.slice(0, 400)}`);
    if (this.#file.abruptEnds > TRUSTED_ENDS) return onCpu('ended-abruptly', chosen.inUse);
    return chosen;
  }

  #write(file: DeviceFile): void {
    this.#file = file;
    writeDeviceFile(this.#options.profile, file);
  }
}
