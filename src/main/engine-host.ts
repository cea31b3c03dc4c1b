/** Owns the engine process: starts it, restarts it with growing pauses, hands out ports, stops it. Knows no method but shutdown. */

import { MessageChannelMain, utilityProcess, type MessagePortMain, type UtilityProcess } from 'electron';
import { EventEmitter } from 'node:events';
import type { EngineState, ShellApi } from '../shared/contract.ts';
import {
  OPTIONS_VARIABLE,
  isReadyMessage,
  type EngineOptions,
  type PortMessage,
} from '../shared/engine-process.ts';
import { FlameError } from '../shared/errors.ts';
import { isKeyStoreWanted, type KeyStoreAnswered } from '../shared/key-store-api.ts';
import { isProbeWanted, type ProbeEnded } from '../shared/probe-process.ts';
import { createClient, type Client } from '../shared/rpc.ts';
import { isTrainerWanted } from '../shared/trainer-process.ts';
import { emitterTransport } from '../shared/transports.ts';
import { askKeyStore } from './key-store.ts';
import { modelEnvironment, runProbe } from './probes.ts';
import { TrainerHost } from './trainer-host.ts';

const FIRST_PAUSE_MS = 100;
/** Restarts without a healthy stretch between them before the host gives up: pauses of 0.1 to 1.6 s. */
const MAX_RESTARTS = 5;
/** An engine that ran this long counts as healthy again. */
const HEALTHY_AFTER_MS = 60_000;
const START_LIMIT_MS = 120_000;
const SHUTDOWN_LIMIT_SECONDS = 5;
/** An engine that does not leave when asked is killed. */
const KILL_AFTER_MS = 2_000;

interface HostEvents {
  /** The engine's state as the renderer is told it. */
  state: [EngineState];
  /** A fresh engine process takes ports: whoever wants calls must connect again. */
  started: [];
}

export class EngineHost extends EventEmitter<HostEvents> {
  readonly #entry: string;
  readonly #probeEntry: string;
  readonly #options: EngineOptions;
  #process: UtilityProcess | null = null;
  #client: Client<ShellApi> | null = null;
  #state: EngineState = 'starting';
  readonly #trainers: TrainerHost;
  #restarts = 0;
  #stopping = false;

  /** @param probeEntry what a process that tries a graphics driver runs; `trainerEntry`, what a training process runs */
  constructor(entry: string, probeEntry: string, trainerEntry: string, options: EngineOptions) {
    super();
    this.#trainers = new TrainerHost(trainerEntry);
    this.#entry = entry;
    this.#probeEntry = probeEntry;
    this.#options = options;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Calls to the present engine process; rejects with ENGINE_NOT_READY while there is none. */
  get shell(): Pick<Client<ShellApi>, 'call'> {
    return this.#client ?? { call: () => Promise.reject(new FlameError('ENGINE_NOT_READY')) };
  }

  start(): void {
    const env = { ...modelEnvironment(), [OPTIONS_VARIABLE]: JSON.stringify(this.#options) };
    const child = utilityProcess.fork(this.#entry, [], { serviceName: 'engine', env, stdio: 'pipe' });
    child.stdout?.pipe(process.stdout, { end: false });
    child.stderr?.pipe(process.stderr, { end: false });
    this.#process = child;

    const channel = new MessageChannelMain();
    this.#client = createClient<ShellApi>(emitterTransport(channel.port1));
    this.#send(child, 'shell', channel.port2);

    const started = performance.now();
    const limit = setTimeout(() => {
      console.error(`shell: the engine was not ready within ${START_LIMIT_MS / 1000} s`);
      child.kill();
    }, START_LIMIT_MS);
    child.on('message', (message: unknown) => {
      if (isProbeWanted(message)) {
        const { id, order, limitMs } = message;
        void runProbe(this.#probeEntry, order, limitMs).then((end) => {
          child.postMessage({ type: 'probe-ended', id, end } satisfies ProbeEnded);
        });
        return;
      }
      if (isKeyStoreWanted(message)) {
        const { id, wish } = message;
        child.postMessage({
          type: 'key-store-answered',
          id,
          answer: askKeyStore(wish),
        } satisfies KeyStoreAnswered);
        return;
      }
      if (isTrainerWanted(message)) this.#trainers.start(message, child);
      if (!isReadyMessage(message)) return;
      clearTimeout(limit);
      this.#setState('ready');
    });
    child.once('exit', (code) => {
      clearTimeout(limit);
      this.#trainers.stop();
      this.#process = null;
      this.#client = null;
      if (performance.now() - started > HEALTHY_AFTER_MS) this.#restarts = 0;
      this.#afterExit(code);
    });
    this.emit('started');
  }

  /** Gives the engine one end of a channel whose other end a renderer holds; nothing happens while it is down. */
  connectRenderer(port: MessagePortMain): void {
    if (this.#process === null) port.close();
    else this.#send(this.#process, 'renderer', port);
  }

  /** Lets the engine close the database, then ends it. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child !== null) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await this.shell
        .call('engine.shutdown', {}, { timeoutSeconds: SHUTDOWN_LIMIT_SECONDS })
        .catch((thrown: unknown) => {
          const isGone = thrown instanceof FlameError && thrown.code === 'ENGINE_GONE';
          if (!isGone) console.error('shell: the engine did not shut down in order:', thrown);
        });
      child.kill();
      const insist = setTimeout(() => {
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
      }, KILL_AFTER_MS);
      await gone;
      clearTimeout(insist);
    }
    this.#setState('stopped');
  }

  #afterExit(code: number): void {
    if (this.#stopping) return;
    console.error(`shell: the engine process ended (exit status ${code})`);
    if (this.#restarts >= MAX_RESTARTS) {
      this.#setState('stopped');
      return;
    }
    this.#setState('restarting');
    setTimeout(
      () => {
        if (!this.#stopping) this.start();
      },
      FIRST_PAUSE_MS * 2 ** this.#restarts++,
    );
  }

  #send(child: UtilityProcess, audience: PortMessage['audience'], port: MessagePortMain): void {
    child.postMessage({ type: 'port', audience } satisfies PortMessage, [port]);
  }

  #setState(state: EngineState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }
}
