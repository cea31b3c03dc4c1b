/** How a long piece of work is paused and cancelled from outside, between two steps. Decides nothing itself. */

import { FlameError } from '../../shared/errors.ts';

export interface TrainingControl {
  /** Waits while the work is paused. @throws FlameError CANCELLED once it was cancelled */
  pass(): Promise<void>;
}

/** Never pauses; cancelled by a signal. */
export function controlOf(signal?: AbortSignal): TrainingControl {
  return {
    pass: () => (signal?.aborted ? Promise.reject(new FlameError('CANCELLED')) : Promise.resolve()),
  };
}

/** A control with handles. */
export class Gate implements TrainingControl {
  #paused: Promise<void> | null = null;
  #release: (() => void) | null = null;
  #cancelled = false;

  async pass(): Promise<void> {
    while (this.#paused && !this.#cancelled) await this.#paused;
    if (this.#cancelled) throw new FlameError('CANCELLED');
  }

  pause(paused: boolean): void {
    if (paused) this.#paused ??= new Promise((resolve) => (this.#release = resolve));
    else this.#open();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#open();
  }

  #open(): void {
    this.#release?.();
    this.#paused = this.#release = null;
  }
}
