/** The engine's end of the calls: one port, one list of methods, their handlers. Knows nothing of what a method does. */

import type { EngineApi, ParamsOf, ProgressOf, ResultOf, ShellApi } from '../shared/contract.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import { isWireMessage, type Transport, type WireMessage } from '../shared/rpc.ts';

export interface CallContext<Progress = never> {
  /** Aborts when the caller cancels or its port closes. A handler that stops early throws FlameError('CANCELLED'). */
  readonly signal: AbortSignal;
  readonly progress: (value: Progress) => void;
}

/** One function per method of the contract; a forgotten one fails to compile. Parameters are untrusted: parse them. */
export type Handlers<Api> = {
  readonly [Name in keyof Api]: (
    params: ParamsOf<Api, Name>,
    context: CallContext<ProgressOf<Api, Name>>,
  ) => ResultOf<Api, Name> | Promise<ResultOf<Api, Name>>;
};

type AnyHandler = (params: unknown, context: CallContext<unknown>) => unknown;

export interface ServeOptions {
  /** Hears of every failure that is not a FlameError, hence a defect. */
  readonly onDefect?: (method: string, thrown: unknown) => void;
}

/**
 * Answers the calls that come over `transport`. Only names in `methods` are served (METHOD_UNKNOWN otherwise), so a
 * port can never reach a handler that was not meant for it. When the port closes, what still runs is aborted.
 */
export function serve<Api>(
  transport: Transport,
  methods: Readonly<Record<keyof Api & string, true>>,
  handlers: Handlers<Api>,
  options: ServeOptions = {},
): void {
  const running = new Map<number, AbortController>();
  let open = true;

  const post = (message: WireMessage): void => {
    if (open) transport.post(message);
  };

  async function answer(id: number, method: string, params: unknown): Promise<void> {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      if (!Object.hasOwn(methods, method)) throw new FlameError('METHOD_UNKNOWN', { method });
      const handler = handlers[method as keyof Api] as AnyHandler;
      const value = await handler(params, {
        signal: abort.signal,
        progress: (progress) => {
          if (running.has(id)) post({ kind: 'progress', id, value: progress });
        },
      });
      post({ kind: 'result', id, value });
    } catch (thrown) {
      if (!(thrown instanceof FlameError)) options.onDefect?.(method, thrown);
      post({ kind: 'error', id, error: toWireError(thrown) });
    } finally {
      running.delete(id);
    }
  }

  transport.onMessage((message) => {
    if (!isWireMessage(message)) return;
    if (message.kind === 'cancel') running.get(message.id)?.abort();
    else if (message.kind === 'request' && !running.has(message.id)) {
      void answer(message.id, message.method, message.params);
    }
  });

  transport.onClose(() => {
    open = false;
    for (const abort of running.values()) abort.abort();
  });
}

/** Everything the engine can do, by who may ask; `createHandlers(options)` in handlers.ts makes it. */
export interface EngineHandlers {
  /** For the renderer's port. */
  readonly engine: Handlers<EngineApi>;
  /** For the shell's port only. */
  readonly shell: Handlers<ShellApi>;
}
