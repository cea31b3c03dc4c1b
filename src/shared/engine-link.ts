/** Keeps one way to the engine over its restarts: waits for the next port, settles every call. Knows no Electron. */

import type { BridgeReply, FlameBridge } from './bridge.ts';
import type { EngineApi, EngineState, MethodName } from './contract.ts';
import { FlameError, toWireError } from './errors.ts';
import { createClient, type CancelSignal, type Client, type Transport } from './rpc.ts';

// In every runtime Flame uses, but not in the library this room compiles with.
declare class AbortController {
  readonly signal: CancelSignal;
  abort(): void;
}

export interface EngineLink extends Pick<FlameBridge, 'start' | 'onEngineState'> {
  /** Takes the port to a newly started engine. */
  readonly attach: (transport: Transport) => void;
  readonly setState: (state: EngineState) => void;
}

export function createEngineLink(): EngineLink {
  let client: Client<EngineApi> | null = null;
  let state: EngineState = 'starting';
  const waiting = new Set<() => void>();
  const listeners = new Set<(state: EngineState) => void>();

  const wakeAll = (): void => {
    for (const wake of [...waiting]) wake();
  };

  /** The client of a living engine, waiting for a restart where needed; rejects when none will come. */
  async function connected(signal: CancelSignal): Promise<Client<EngineApi>> {
    for (;;) {
      if (signal.aborted) throw new FlameError('CANCELLED');
      if (client !== null && !client.closed) return client;
      if (state === 'stopped') throw new FlameError('ENGINE_GONE');
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  async function answer(
    method: string,
    params: unknown,
    onProgress: (value: unknown) => void,
    signal: CancelSignal,
  ): Promise<BridgeReply> {
    try {
      const engine = await connected(signal);
      // The engine refuses names and parameters it does not know; here they only pass through.
      const value: unknown = await engine.call(method as MethodName, params as never, { onProgress, signal });
      return { ok: true, value };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  }

  return {
    start: (method, params, onProgress) => {
      const abort = new AbortController();
      return { reply: answer(method, params, onProgress, abort.signal), cancel: () => abort.abort() };
    },
    onEngineState: (listener) => {
      listeners.add(listener);
      listener(state);
      return () => void listeners.delete(listener);
    },
    attach: (transport) => {
      client = createClient<EngineApi>(transport);
      wakeAll();
    },
    setState: (next) => {
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener(state);
      if (state === 'stopped') wakeAll();
    },
  };
}
