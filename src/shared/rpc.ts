/** The caller's end of typed calls over a message port: progress, cancellation, and every call settles. Knows no port type and no Electron. */

import type { ParamsOf, ProgressOf, ResultOf } from './contract.ts';
import { FlameError, fromWireError, isErrorCode, type ErrorDetails, type WireError } from './errors.ts';

/** What both ends need of a port. `onClose` fires once, when no more message can come. */
export interface Transport {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

/** Everything that travels over a port. */
export type WireMessage =
  | { readonly kind: 'request'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError };

const KINDS = new Set(['request', 'cancel', 'progress', 'result', 'error']);

/** Recognises the frame of a message; what it carries is checked by whoever uses it. */
export function isWireMessage(message: unknown): message is WireMessage {
  if (typeof message !== 'object' || message === null) return false;
  const { kind, id, method } = message as { kind?: unknown; id?: unknown; method?: unknown };
  if (typeof kind !== 'string' || !KINDS.has(kind) || !Number.isSafeInteger(id)) return false;
  return kind !== 'request' || typeof method === 'string';
}

/** The part of an AbortSignal that a call needs, so that this file needs neither DOM nor Node. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface CallOptions<Progress = never> {
  readonly onProgress?: (value: Progress) => void;
  readonly signal?: CancelSignal;
  /** Without it a call waits as long as the engine lives. */
  readonly timeoutSeconds?: number;
}

export interface Client<Api> {
  /** Settles exactly once; rejects only with FlameError (ENGINE_GONE when the other end dies). */
  readonly call: <Name extends keyof Api & string>(
    method: Name,
    params: ParamsOf<Api, Name>,
    options?: CallOptions<ProgressOf<Api, Name>>,
  ) => Promise<ResultOf<Api, Name>>;
  /** Calls that have not settled. */
  readonly pending: number;
  readonly closed: boolean;
}

interface PendingCall {
  succeed(value: unknown): void;
  fail(error: FlameError): void;
  progress(value: unknown): void;
}

// Present in every runtime Flame uses, but in neither ES2023 nor anything this room may import.
declare function setTimeout(callback: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;

export function createClient<Api>(transport: Transport): Client<Api> {
  const calls = new Map<number, PendingCall>();
  let lastId = 0;
  let closed = false;

  transport.onMessage((message) => {
    if (!isWireMessage(message)) return;
    const call = calls.get(message.id);
    if (call === undefined) return; // already cancelled, or not ours
    if (message.kind === 'progress') call.progress(message.value);
    else if (message.kind === 'result') call.succeed(message.value);
    else if (message.kind === 'error') call.fail(readError(message.error));
  });

  transport.onClose(() => {
    closed = true;
    for (const call of [...calls.values()]) call.fail(new FlameError('ENGINE_GONE'));
  });

  function start(method: string, params: unknown, options: CallOptions<unknown>): Promise<unknown> {
    const { onProgress, signal, timeoutSeconds } = options;
    if (closed) return Promise.reject(new FlameError('ENGINE_GONE'));
    if (signal?.aborted) return Promise.reject(new FlameError('CANCELLED'));
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      const giveUp = (error: FlameError): void => {
        transport.post({ kind: 'cancel', id } satisfies WireMessage);
        fail(error);
      };
      const onAbort = (): void => giveUp(new FlameError('CANCELLED'));
      const timer =
        timeoutSeconds === undefined
          ? undefined
          : setTimeout(
              () => giveUp(new FlameError('TIMEOUT', { seconds: timeoutSeconds })),
              timeoutSeconds * 1000,
            );
      const finish = (): void => {
        calls.delete(id);
        if (timer !== undefined) clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: FlameError): void => {
        finish();
        reject(error);
      };
      calls.set(id, {
        succeed: (value) => {
          finish();
          resolve(value);
        },
        fail,
        progress: (value) => onProgress?.(value),
      });
      signal?.addEventListener('abort', onAbort);
      try {
        transport.post({ kind: 'request', id, method, params } satisfies WireMessage);
      } catch (thrown) {
        // The parameters cannot be copied between processes.
        fail(
          new FlameError(
            'INVALID_INPUT',
            { problem: thrown instanceof Error ? thrown.message : String(thrown) },
            { cause: thrown },
          ),
        );
      }
    });
  }

  return {
    call: (method, params, options = {}) =>
      start(method, params, options as CallOptions<unknown>) as Promise<ResultOf<Api, typeof method>>,
    get pending() {
      return calls.size;
    },
    get closed() {
      return closed;
    },
  };
}

/** An error frame as a FlameError; one from a mismatched build or a broken peer becomes INTERNAL. */
export function readError(error: unknown): FlameError {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: ErrorDetails };
  if (!isErrorCode(code)) return new FlameError('INTERNAL', { problem: String(code) });
  return fromWireError({ code, details: details ?? {} });
}
