/**
 * The engine process: reads its options, makes the handlers, serves the ports that the shell sends, says when it is
 * ready. It never patches itself up: on an unforeseen error it exits, and the shell starts a fresh one.
 */

import { ENGINE_METHODS, SHELL_METHODS, type EngineApi, type ShellApi } from '../shared/contract.ts';
import type { PortMessage, ReadyMessage } from '../shared/engine-process.ts';
import { isKeyStoreAnswered } from '../shared/key-store-api.ts';
import { isProbeEnded } from '../shared/probe-process.ts';
import { emitterTransport, type EmitterPort } from '../shared/transports.ts';
import { ShellProber } from './devices/prober.ts';
import { isTrainerPort } from '../shared/trainer-process.ts';
import { ShellLauncher } from './finetune/launcher.ts';
import { createHandlers } from './handlers.ts';
import { ShellKeyStore } from './access/key-store.ts';
import { readEngineOptions } from './options.ts';
import { serve } from './serve.ts';

/** Electron's end of the line to the shell, by shape: only src/main and src/preload know Electron. */
interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown; ports: readonly EmitterPort[] }) => void): unknown;
  postMessage(message: unknown): void;
}

const EXIT_DEFECT = 70;
/** The start and the first visits go before: the processors are tested once nobody waits for them. */
const DEVICE_TEST_AFTER_MS = 60_000;

function exitOnDefect(kind: string) {
  return (thrown: unknown): void => {
    console.error(`engine: ${kind}:`, thrown);
    process.exit(EXIT_DEFECT);
  };
}
process.on('uncaughtException', exitOnDefect('uncaught exception'));
process.on('unhandledRejection', exitOnDefect('unhandled rejection'));

async function main(parent: ParentPort): Promise<void> {
  const started = performance.now();
  const options = readEngineOptions(process.env);
  const prober = new ShellProber((message) => parent.postMessage(message));
  const keyStore = new ShellKeyStore((message) => parent.postMessage(message));
  const trainers = new ShellLauncher((wanted) => parent.postMessage(wanted));
  const handlers = Promise.resolve(
    createHandlers(options, { prober, keyStore, testDevicesAfterMs: DEVICE_TEST_AFTER_MS, trainers }),
  );

  // Ports may come before the handlers are made; what is said over them waits in the port.
  parent.on('message', (event) => {
    if (isProbeEnded(event.data)) {
      prober.take(event.data.id, event.data.end);
      return;
    }
    if (isKeyStoreAnswered(event.data)) {
      keyStore.take(event.data.id, event.data.answer);
      return;
    }
    const [port] = event.ports;
    if (port === undefined) return;
    if (isTrainerPort(event.data)) {
      trainers.take(event.data.id, port);
      return;
    }
    const { audience } = event.data as PortMessage;
    void handlers.then((made) => serveAudience(port, audience, made));
  });

  await handlers;
  const ready: ReadyMessage = { type: 'ready', milliseconds: Math.round(performance.now() - started) };
  parent.postMessage(ready);
}

function serveAudience(
  port: EmitterPort,
  audience: PortMessage['audience'],
  handlers: Awaited<ReturnType<typeof createHandlers>>,
): void {
  const transport = emitterTransport(port);
  const onDefect = (method: string, thrown: unknown): void =>
    console.error(`engine: ${method} failed:`, thrown);
  if (audience === 'shell') {
    serve<ShellApi>(transport, SHELL_METHODS, handlers.shell, { onDefect });
  } else {
    serve<EngineApi>(transport, ENGINE_METHODS, handlers.engine, { onDefect });
  }
}

const { parentPort } = process as unknown as { parentPort: ParentPort | undefined };
if (parentPort === undefined) throw new Error('The engine runs only as a process of Flame.');
await main(parentPort);
