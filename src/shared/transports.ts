/** Makes a Transport of each kind of message port Flame meets, known here only by shape. Carries messages, never reads them. */

import type { Transport } from './rpc.ts';

/** A DOM MessagePort (preload) and a worker_threads MessagePort (tests). */
export interface EventTargetPort {
  postMessage(message: unknown): void;
  addEventListener(
    type: 'message' | 'close',
    listener: (event: { type: string; data?: unknown }) => void,
  ): void;
  start(): void;
  close(): void;
}

/** Electron's MessagePortMain (main process and engine). */
export interface EmitterPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start(): void;
  close(): void;
}

export function eventTargetTransport(port: EventTargetPort): Transport {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.addEventListener('message', (event) => listener(event.data));
      port.start();
    },
    onClose: (listener) => port.addEventListener('close', () => listener()),
    close: () => port.close(),
  };
}

export function emitterTransport(port: EmitterPort): Transport {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.on('message', (event) => listener(event.data));
      port.start();
    },
    onClose: (listener) => port.on('close', listener),
    close: () => port.close(),
  };
}
