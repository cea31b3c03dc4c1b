/**
 * Where training steps run: on a device while it works, on the CPU from its first failure on, for this and all later parts
 * of the same training. Chooses no device.
 */

import type { Provider, SessionOptions } from '../../nn/session.ts';

export class TrainingDevice {
  #provider: Provider;
  readonly #onLost: (provider: Provider, reason: string) => void;

  /** @param onLost hears once that the device failed, in ONNX Runtime's words; the step under way was done by the CPU */
  constructor(provider: Provider, onLost: (provider: Provider, reason: string) => void = () => undefined) {
    this.#provider = provider;
    this.#onLost = onLost;
  }

  /** Where it runs now. */
  get provider(): Provider {
    return this.#provider;
  }

  session(): Pick<SessionOptions, 'providers' | 'onDeviceLost'> {
    if (this.#provider === 'cpu') return {};
    return {
      providers: [this.#provider],
      onDeviceLost: (provider, reason) => {
        if (this.#provider === 'cpu') return;
        this.#provider = 'cpu';
        this.#onLost(provider, reason);
      },
    };
  }
}
