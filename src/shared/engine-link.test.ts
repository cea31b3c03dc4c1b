import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectEngine, type Engine, type FlameBridge } from './bridge.ts';
import type { EngineState } from './contract.ts';
import { createEngineLink, type EngineLink } from './engine-link.ts';
import { isWireMessage } from './rpc.ts';
import { eventTargetTransport } from './transports.ts';

let link: EngineLink;
let engine: Engine;
const ports: MessagePort[] = [];

beforeEach(() => {
  link = createEngineLink();
  const bridge: FlameBridge = {
    start: link.start,
    onEngineState: link.onEngineState,
    onLocked: () => () => undefined,
    pickImportFile: () => Promise.resolve({ ok: true, value: { grant: 'g', name: 'visits.jsonl' } }),
    takeDropped: () => Promise.resolve({ ok: true, value: { grant: 'g', name: 'visits.jsonl' } }),
    openRestored: () => Promise.resolve({ ok: true, value: null }),
    releaseSheet: () => Promise.resolve({ ok: true, value: { name: null } }),
    pickSaveFile: ({ name }) => Promise.resolve({ ok: true, value: { grant: 's', name } }),
    preferences: {},
    remember: () => undefined,
  };
  engine = connectEngine(bridge);
});

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A new engine process at the other end of a new port: reports progress, then answers with its name. */
function attachEngine(name: string, { answers = true } = {}): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port2);
  port2.on('message', (message: unknown) => {
    if (!answers || !isWireMessage(message) || message.kind !== 'request') return;
    port2.postMessage({ kind: 'progress', id: message.id, value: { linesRead: 1 } });
    port2.postMessage({ kind: 'result', id: message.id, value: { engine: name, method: message.method } });
  });
  link.attach(eventTargetTransport(port1));
  return port2;
}

describe('the engine as the renderer sees it', () => {
  it('holds calls back until the engine is there', async () => {
    const call = engine.call('app.status', {});
    attachEngine('first');
    await expect(call).resolves.toEqual({ engine: 'first', method: 'app.status' });
  });

  it('passes progress on', async () => {
    attachEngine('first');
    const seen: unknown[] = [];
    await engine.call('demo.load', {}, { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([{ linesRead: 1 }]);
  });

  it('rejects what was under way when the engine dies, and asks the next engine afterwards', async () => {
    const first = attachEngine('first', { answers: false });
    const underWay = engine.call('app.status', {});
    await new Promise((resolve) => setImmediate(resolve));
    first.close();
    await expect(underWay).rejects.toMatchObject({ code: 'ENGINE_GONE' });
    const next = engine.call('app.status', {});
    attachEngine('second');
    await expect(next).resolves.toMatchObject({ engine: 'second' });
  });

  it('rejects waiting and later calls when no engine will come', async () => {
    const waiting = engine.call('app.status', {});
    link.setState('stopped');
    await expect(waiting).rejects.toMatchObject({ code: 'ENGINE_GONE' });
    await expect(engine.call('app.status', {})).rejects.toMatchObject({ code: 'ENGINE_GONE' });
  });

  it('cancels a call that waits for the engine, and one that the engine works on', async () => {
    const abort = new AbortController();
    const waiting = engine.call('app.status', {}, { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });

    const port = attachEngine('first', { answers: false });
    const heard: unknown[] = [];
    port.on('message', (message: { kind: string }) => heard.push(message.kind));
    const second = new AbortController();
    const underWay = engine.call('app.status', {}, { signal: second.signal });
    await expect.poll(() => heard).toEqual(['request']);
    second.abort();
    await expect(underWay).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect.poll(() => heard).toEqual(['request', 'cancel']);
    await expect(engine.call('app.status', {}, { signal: second.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('tells each listener the present state and every change, until it stops listening', () => {
    const seen: EngineState[] = [];
    const stop = engine.onState((state) => seen.push(state));
    for (const state of ['ready', 'ready', 'restarting'] as const) link.setState(state);
    stop();
    link.setState('ready');
    expect(seen).toEqual(['starting', 'ready', 'restarting']);
  });

  it('gives the picked file', async () => {
    await expect(engine.pickImportFile()).resolves.toEqual({ grant: 'g', name: 'visits.jsonl' });
  });
});
