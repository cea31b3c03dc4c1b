import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { FlameError } from '../shared/errors.ts';
import { createClient, isWireMessage, type Client, type Transport } from '../shared/rpc.ts';
import { eventTargetTransport } from '../shared/transports.ts';
import { serve, type Handlers } from './serve.ts';

interface TestApi {
  double: { params: { value: number }; result: { value: number }; progress: never };
  count: { params: { to: number }; result: { counted: number }; progress: { at: number } };
  wait: { params: Record<string, never>; result: Record<string, never>; progress: never };
  refuse: { params: Record<string, never>; result: never; progress: never };
  crash: { params: Record<string, never>; result: never; progress: never };
  unclonable: { params: Record<string, never>; result: unknown; progress: never };
  hidden: { params: Record<string, never>; result: { reached: true }; progress: never };
}

/** `hidden` has a handler but is not on the list that the port serves. */
const METHODS = {
  double: true,
  count: true,
  wait: true,
  refuse: true,
  crash: true,
  unclonable: true,
} as const;

function makeHandlers(aborted: string[] = []): Handlers<TestApi> {
  return {
    double: ({ value }) => ({ value: value * 2 }),
    count: ({ to }, { progress }) => {
      for (let at = 1; at <= to; at++) progress({ at });
      return { counted: to };
    },
    wait: (_params, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.push('wait');
          reject(new FlameError('CANCELLED'));
        });
      }),
    refuse: () => {
      throw new FlameError('NOT_FOUND', { what: 'visit' });
    },
    crash: () => {
      throw new TypeError('x is not a function');
    },
    unclonable: () => ({ call: () => 1 }),
    hidden: () => ({ reached: true }),
  };
}

describe('calls over real message ports', () => {
  const channels: MessageChannel[] = [];
  afterEach(() => {
    for (const channel of channels.splice(0)) channel.port1.close();
  });

  function connect(handlers = makeHandlers(), defects: string[] = []) {
    const channel = new MessageChannel();
    channels.push(channel);
    serve<TestApi>(
      eventTargetTransport(channel.port2),
      METHODS as unknown as Record<keyof TestApi, true>,
      handlers,
      { onDefect: (method) => defects.push(method) },
    );
    return { client: createClient<TestApi>(eventTargetTransport(channel.port1)), channel, defects };
  }

  it('returns the result of the method that was called', async () => {
    const { client } = connect();
    const results = await Promise.all([1, 2, 3].map((value) => client.call('double', { value })));
    expect(results).toEqual([{ value: 2 }, { value: 4 }, { value: 6 }]);
    expect(client.pending).toBe(0);
  });

  it('types parameters, results and progress by the contract', () => {
    const { client } = connect();
    expectTypeOf<ReturnType<typeof client.call<'double'>>>().resolves.toEqualTypeOf<{ value: number }>();
    expectTypeOf(client.call<'count'>)
      .parameter(1)
      .toEqualTypeOf<{ to: number }>();
    // @ts-expect-error a method that the contract does not have
    const unknown = client.call('nothing', {});
    return expect(unknown).rejects.toMatchObject({ code: 'METHOD_UNKNOWN', details: { method: 'nothing' } });
  });

  it('delivers progress in order and before the result', async () => {
    const { client } = connect();
    const seen: number[] = [];
    await client.call('count', { to: 5 }, { onProgress: ({ at }) => seen.push(at) });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('carries an error as its code and details', async () => {
    const { client, defects } = connect();
    const error: unknown = await client.call('refuse', {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FlameError);
    expect(error).toMatchObject({ code: 'NOT_FOUND', details: { what: 'visit' } });
    expect((error as FlameError).message).toBe('The visit was not found.');
    expect(defects).toEqual([]);
  });

  it('turns a defect into INTERNAL, reports it, and goes on serving', async () => {
    const { client, defects } = connect();
    await expect(client.call('crash', {})).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(client.call('unclonable', {})).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(defects).toEqual(['crash', 'unclonable']);
    await expect(client.call('double', { value: 4 })).resolves.toEqual({ value: 8 });
  });

  it('refuses what is not on the list of methods, even where a handler or a prototype has it', async () => {
    const { client } = connect();
    await expect(client.call('hidden', {})).rejects.toMatchObject({ code: 'METHOD_UNKNOWN' });
    for (const method of ['toString', '__proto__', 'constructor']) {
      await expect(client.call(method as 'wait', {})).rejects.toMatchObject({ code: 'METHOD_UNKNOWN' });
    }
  });

  it('refuses parameters that cannot be copied, without leaving a call behind', async () => {
    const { client } = connect();
    const params = { value: (() => 1) as unknown as number };
    await expect(client.call('double', params)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(client.pending).toBe(0);
  });

  it('cancels: the caller is told at once and the handler hears of it', async () => {
    const aborted: string[] = [];
    const { client } = connect(makeHandlers(aborted));
    const abort = new AbortController();
    const call = client.call('wait', {}, { signal: abort.signal });
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    await client.call('double', { value: 1 }); // ports keep order, so the cancel has arrived
    expect(aborted).toEqual(['wait']);
    await expect(client.call('wait', {}, { signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('gives up after the time limit that the caller set', async () => {
    const { client } = connect();
    const call = client.call('wait', {}, { timeoutSeconds: 0.02 });
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT', details: { seconds: 0.02 } });
    expect(client.pending).toBe(0);
  });

  it('rejects every pending and every later call when the other end closes, and aborts its handlers', async () => {
    const aborted: string[] = [];
    const { client, channel } = connect(makeHandlers(aborted));
    const calls = [client.call('wait', {}), client.call('wait', {})];
    await client.call('double', { value: 1 });
    channel.port2.close();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'ENGINE_GONE' });
    await expect(client.call('double', { value: 1 })).rejects.toMatchObject({ code: 'ENGINE_GONE' });
    expect(client).toMatchObject({ closed: true, pending: 0 });
    await expect.poll(() => aborted).toEqual(['wait', 'wait']);
  });

  it('ignores messages that are not of the protocol', async () => {
    const { client, channel } = connect();
    for (const junk of [null, 7, 'x', {}, { kind: 'request', id: 1 }, { kind: 'result', id: 'a' }, []]) {
      channel.port1.postMessage(junk);
      channel.port2.postMessage(junk);
    }
    await expect(client.call('double', { value: 2 })).resolves.toEqual({ value: 4 });
  });
});

describe('isWireMessage', () => {
  it('answers for any value without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(typeof isWireMessage(value)).toBe('boolean');
      }),
    );
  });
});

/** Two ends whose messages wait in queues until the test delivers them, in whatever order it likes between the two. */
function manualChannel() {
  const queues: { client: unknown[]; server: unknown[] } = { client: [], server: [] };
  const listeners: { client?: (message: unknown) => void; server?: (message: unknown) => void } = {};
  const closers: (() => void)[] = [];
  let open = true;
  const end = (own: 'client' | 'server', other: 'client' | 'server'): Transport => ({
    post: (message) => {
      if (open) queues[other].push(structuredClone(message));
    },
    onMessage: (listener) => void (listeners[own] = listener),
    onClose: (listener) => void closers.push(listener),
    close: () => close(),
  });
  const close = (): void => {
    if (!open) return;
    open = false;
    for (const closer of closers) closer();
  };
  const deliver = (to: 'client' | 'server'): void => {
    if (open && queues[to].length > 0) listeners[to]?.(queues[to].shift());
  };
  return { client: end('client', 'server'), server: end('server', 'client'), deliver, close, queues };
}

type Step =
  | { do: 'call'; method: 'double' | 'count' | 'wait' | 'refuse' | 'crash' }
  | { do: 'cancel'; call: number }
  | { do: 'deliver'; to: 'client' | 'server' }
  | { do: 'release' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      method: fc.constantFrom('double', 'count', 'wait', 'refuse', 'crash'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), call: fc.nat({ max: 12 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), to: fc.constantFrom('client', 'server') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
);

const PARAMS = { double: { value: 21 }, count: { to: 3 }, wait: {}, refuse: {}, crash: {} };

describe('under any interleaving', () => {
  it('settles each call exactly once and with an outcome that its method allows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, dies) => {
        const channel = manualChannel();
        const releases: (() => void)[] = [];
        serve<TestApi>(channel.server, METHODS as unknown as Record<keyof TestApi, true>, {
          ...makeHandlers(),
          // Ignores the signal: a handler that does not cooperate must not cost the caller anything.
          wait: () => new Promise((resolve) => releases.push(() => resolve({}))),
        });
        const client: Client<TestApi> = createClient<TestApi>(channel.client);
        const calls: { method: string; abort: AbortController; outcomes: string[]; late: number }[] = [];

        const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
        for (const action of steps) {
          if (action.do === 'call') {
            const call = {
              method: action.method,
              abort: new AbortController(),
              outcomes: [] as string[],
              late: 0,
            };
            calls.push(call);
            client
              .call(action.method, PARAMS[action.method] as never, {
                signal: call.abort.signal,
                onProgress: () => void (call.late += call.outcomes.length),
              })
              .then(
                () => call.outcomes.push('ok'),
                (error: unknown) => call.outcomes.push((error as FlameError).code),
              );
          } else if (action.do === 'cancel') calls[action.call]?.abort.abort();
          else if (action.do === 'release') releases.shift()?.();
          else channel.deliver(action.to);
          await Promise.resolve();
        }
        if (dies) channel.close();
        else {
          // Every message arrives in the end, and every waiting handler is released.
          while (client.pending > 0) {
            channel.deliver('server');
            await settle();
            for (const release of releases.splice(0)) release();
            await settle();
            channel.deliver('client');
          }
        }
        await settle();

        const allowed: Record<string, string[]> = {
          double: ['ok'],
          count: ['ok'],
          wait: ['ok'],
          refuse: ['NOT_FOUND'],
          crash: ['INTERNAL'],
        };
        for (const call of calls) {
          expect(call.outcomes).toHaveLength(1);
          const possible = [...allowed[call.method]!];
          if (call.abort.signal.aborted) possible.push('CANCELLED');
          if (dies) possible.push('ENGINE_GONE');
          expect(possible).toContain(call.outcomes[0]);
          expect(call.late).toBe(0);
        }
        expect(client.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
